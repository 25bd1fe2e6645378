"""The instances directly before and after one, on both databases."""

from typing import Any

from tests.actions.conftest import BIZDATE, DAY, Plant, task

ITSELF = {"Type": "CrossCycleDependsOnSelf"}


def listed(plant: Plant, way: str, id: int, **fields: Any) -> dict[str, Any]:
    return plant.call(f"List{way}TaskInstances", Id=id, **fields)["PagingInfo"]


def names(plant: Plant, way: str, id: int) -> list[tuple[str, str]]:
    page = listed(plant, way, id)
    found = [(item["TaskInstance"]["TaskName"], item["DependencyType"]) for item in page[f"{way}TaskInstances"]]
    assert [(item["TaskName"], item["StepType"]) for item in page["TaskInstances"]] == found
    assert page["TotalCount"] == len(found)
    return found


def test_the_direct_neighbours_are_listed(plant: Plant) -> None:
    plant.run(plant.create(task("a"), task("b"), task("c", "a", "b"), task("d", "c"))["Id"])
    plant.end("a")
    ids = {name: item["Id"] for name, item in plant.instances().items()}
    assert names(plant, "Upstream", ids["c"]) == [("a", "Normal"), ("b", "Normal")]
    assert names(plant, "Downstream", ids["c"]) == [("d", "Normal")]
    assert names(plant, "Upstream", ids["a"]) == []
    assert names(plant, "Downstream", ids["a"]) == [("c", "Normal")]
    (first, second) = listed(plant, "Upstream", ids["c"])["UpstreamTaskInstances"]
    assert (first["TaskInstance"]["Status"], second["TaskInstance"]["Status"]) == ("Success", "Running")
    page = listed(plant, "Upstream", ids["c"], PageSize=1, PageNumber=2)
    assert [item["TaskName"] for item in page["TaskInstances"]] == ["b"]
    assert page["TotalCount"] == 2


def test_a_neighbour_of_another_cycle_is_named_so(plant: Plant) -> None:
    trigger = {"Type": "Scheduler", "Cron": "00 00 02,14 * * ?"}
    id = plant.create(task("a", Dependencies=[ITSELF]), Trigger=trigger)["Id"]
    dates = [{"StartBizDate": "2025-11-01", "EndBizDate": "2025-11-01"}]
    plant.run(id, Type="SupplementData", Periods={"BizDates": dates})
    first, second = plant.listed(Bizdate=BIZDATE - DAY)
    assert names(plant, "Upstream", second["Id"]) == [("a", "CrossCycle")]
    assert listed(plant, "Downstream", first["Id"])["TaskInstances"][0]["Id"] == second["Id"]


def test_neighbours_of_what_does_not_exist_are_an_error(plant: Plant) -> None:
    assert plant.refused("ListUpstreamTaskInstances", Id=5)[0] == "InvalidTaskInstance.NotFound"
