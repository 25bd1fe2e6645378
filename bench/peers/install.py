"""A peer's own environment. `python -m bench.peers.install NAME …` makes them and pins what they hold."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

from bench.peers.contract import Peer, PeerError

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".venv" / "peers"
ORDER = ("dbos", "luigi", "prefect", "dagster", "airflow")


def peer(name: str) -> Peer:
    if name not in ORDER:
        raise SystemExit(f"--peers: no adapter for {name!r}; there are {', '.join(ORDER)}")
    return import_module(f"bench.peers.{name}").PEER


def constraints(name: str) -> Path:
    return ROOT / "requirements" / "peers" / f"{name}.txt"


def environment(wanted: Peer, cache: Path = CACHE) -> Path:
    """`bin` of the environment in which the peer is installed, at the versions of its constraints where it has some."""
    place, pins = cache / wanted.name, constraints(wanted.name)
    done, text = place / "installed", "\n".join((*wanted.requires, pins.read_text() if pins.exists() else ""))
    if not done.exists() or done.read_text() != text:
        _run(sys.executable, "-m", "venv", place)
        pinned = ("--constraint", pins) if pins.exists() else ()
        _run(place / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *pinned,
             *wanted.requires)  # fmt: skip
        done.write_text(text)
    return place / "bin"


def versions(wanted: Peer, bin: Path) -> dict[str, str]:
    """The peer's version and its interpreter's."""
    names = ["apache-airflow" if wanted.name == "airflow" else wanted.name]
    script = "import sys, platform, importlib.metadata as m; print(m.version(sys.argv[1]), platform.python_version())"
    found = subprocess.run([bin / "python", "-c", script, *names], capture_output=True, text=True, check=True)
    own, python = found.stdout.split()
    return {names[0]: own, "python": python}


def _run(*command: object) -> None:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True)
    if done.returncode:
        raise PeerError(f"{' '.join(map(str, command[:5]))} …: {done.stderr[-1000:]}")


def main(names: list[str]) -> None:
    for name in names or ORDER:
        bin = environment(peer(name))
        held = subprocess.run([bin / "python", "-m", "pip", "freeze"], capture_output=True, text=True, check=True)
        constraints(name).parent.mkdir(parents=True, exist_ok=True)
        constraints(name).write_text(held.stdout)


if __name__ == "__main__":
    main(sys.argv[1:])
