"""A backup that is restored while what it shows as running still runs, on the same machine."""

import subprocess
import sys
from pathlib import Path

from tests.whole.conftest import Server, task


def test_a_restored_backup_takes_what_ran_for_lost(tmp_path: Path) -> None:
    """And runs it again only as its RerunMode allows."""
    marks, gate = tmp_path / "marks", tmp_path / "gate"
    script = f"printf x >>{marks}-$1; until [ -e {gate} ]; do sleep 0.02; done"
    server = Server(tmp_path / "data")
    tasks = [
        task(name, script, RerunMode=mode, Script={"Content": script, "Parameters": name})
        for name, mode in (("never", "AllDenied"), ("again", "AllAllowed"))
    ]
    whole = server.run(server.create(*tasks)["Id"])
    server.until(lambda: all(Path(f"{marks}-{name}").exists() for name in ("never", "again")))
    restored = tmp_path / "restored"
    restored.mkdir()
    command = [sys.executable, "-m", "tidemill.cli.main", "backup", str(restored / "tidemill.db")]
    subprocess.run([*command, "--data", str(server.data)], check=True, capture_output=True)
    (restored / "secret.key").write_bytes((server.data / "secret.key").read_bytes())
    other = Server(restored)
    try:
        other.until(lambda: other.tasks(whole)["never"]["Status"] == "Failure")
        other.until(lambda: Path(f"{marks}-again").read_text() == "xx")
        assert other.tasks(whole)["again"]["RunNumber"] == 2
        gate.touch()
        assert server.ended(whole) == "Success"
        assert Path(f"{marks}-never").read_text() == "x"
    finally:
        gate.touch()
        other.end()
        server.end()
