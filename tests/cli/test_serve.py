"""What `tidemill serve` sees to before it serves."""

import resource

import pytest

from tidemill.cli.serve import allow_open_files


@pytest.mark.parametrize(
    ("limits", "becomes"),
    [
        pytest.param((1024, 4096), None, id="enough"),
        pytest.param((256, 4096), (700, 4096), id="raised as far as needed"),
        pytest.param((256, resource.RLIM_INFINITY), (700, resource.RLIM_INFINITY), id="without a hard limit"),
        pytest.param((resource.RLIM_INFINITY, resource.RLIM_INFINITY), None, id="without any limit"),
    ],
)
def test_files_may_be_open_for_all_connections(
    monkeypatch: pytest.MonkeyPatch, limits: tuple[int, int], becomes: tuple[int, int] | None
) -> None:
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda _, given: asked.append(given))
    allow_open_files(500)
    assert asked == ([] if becomes is None else [becomes])


def test_more_connections_than_the_system_allows_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 512))
    with pytest.raises(ValueError, match="at most 312"):
        allow_open_files(500)
