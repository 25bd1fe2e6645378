"""What of the benchmarks can be told without measuring: the graphs that everybody runs, and how failures are shown."""

import pytest
from bench.compare import _summary
from bench.own.listing import percentiles
from bench.peers import install
from bench.plots import chart
from bench.report import table
from bench.workloads import COMPARED, Workload


@pytest.mark.parametrize(
    ("widths", "upstreams"),
    [((1, 1, 1), [[], [0], [1]]), ((1, 3, 1), [[], [0], [0], [0], [1, 2, 3]]), ((2, 2), [[], [], [0, 1], [0, 1]])],
)
def test_each_task_needs_every_task_of_the_layer_before(widths: tuple[int, ...], upstreams: list[list[int]]) -> None:
    assert Workload("any", "", widths).upstreams() == upstreams


def test_the_graphs_have_as_many_tasks_as_their_names_say() -> None:
    assert {name: each.tasks for name, each in COMPARED.items()} == {
        "W1": 100, "W2": 202, "W3": 400, "WM40": 40, "WM40F": 40, "WM10": 10, "CHAIN40": 40, "FAN1000": 1002,
    }  # fmt: skip


@pytest.mark.parametrize("name", install.ORDER)
def test_each_peer_has_an_adapter_and_pins(name: str) -> None:
    assert install.peer(name).name == name
    assert all("==" in line for line in install.constraints(name).read_text().splitlines())


RESULT = {
    "what": "A line.", "tasks": 3,
    "pairs": {
        "luigi": [
            {"Tidemill, SQLite": 1.0, "floor": 0.5, "luigi": 3.0},
            {"Tidemill, SQLite": 2.0, "floor": 0.5, "luigi": 8.0},
        ],
        "dbos": [{"Tidemill, SQLite": 1.0, "floor": 0.5, "dbos": "did not start: no wheel"}],
    },
}  # fmt: skip


def test_ratios_are_of_runs_side_by_side_and_a_peer_that_fails_is_shown() -> None:
    by = _summary(RESULT)["by"]
    assert by["luigi"] == {"seconds": {"median": 5.5, "min": 3.0, "max": 8.0}, "rounds": 2, "ratio": 3.5}
    assert by["Tidemill, SQLite"]["ratio"] == 1.0
    assert by["dbos"] == {"failed": "did not start: no wheel"}


def test_a_picture_and_a_table_name_everybody() -> None:
    peers = {"luigi": {"luigi": "3.8.1", "python": "3.11.7"}, "dbos": {"dbos": "3.4.0"}}
    result = {"workload": "W1", **_summary(RESULT), "session": {"peers": peers}}
    drawn = chart(result)
    for words in ("Tidemill, SQLite", "floor", "Luigi 3.8.1", "5.50 s  × 3.5", "DBOS 3.4.0", "did not finish"):
        assert words in drawn
    assert "5.50 s<br>× 3.5" in table([result])
    assert "did not finish" in table([result])


def test_percentiles() -> None:
    assert percentiles(range(1, 101)) == {"p50": 51, "p99": 100, "max": 100, "number": 100}
