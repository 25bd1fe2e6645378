"""Who is left of a run, as the guard's list of children tells."""

from __future__ import annotations

import subprocess

from tidemill.runners.local.strays import Orphans, Remains


def test_nothing_can_be_told_without_the_guard() -> None:
    with subprocess.Popen(["true"]) as guard:
        pass
    orphans = Orphans(guard.pid)
    orphans.look(())
    assert not orphans.end(Remains(1, 1, 1))
