"""Scheduling calendars through the API: their rules, their versions, who may, and the workflows that use them."""

from datetime import date
from typing import Any

import pytest

from tests.actions.conftest import Plant
from tests.domain.test_calendar import strong, weak
from tidemill.actions.caller import Caller
from tidemill.actions.perform import Services, perform
from tidemill.domain.calendar import Calendar
from tidemill.domain.errors import Forbidden, StatusConflict
from tidemill.runners.shared_logs import Logs
from tidemill.store import calendars

SCHEDULER = {"Type": "Scheduler", "Cron": "00 30 05 * * ?"}


def make(plant: Plant, name: str = "c", **fields: Any) -> int:
    return plant.call("CreateCalendar", **weak(Name=name, **fields))["Id"]


def got(plant: Plant, id: int) -> dict[str, Any]:
    return plant.call("GetCalendar", Id=id)["Calendar"]


def listed(plant: Plant, action: str = "ListCalendars", key: str = "Calendars", **parameters: Any) -> list[Any]:
    return plant.call(action, **parameters)["PagingInfo"][key]


def add_project(plant: Plant, id: int, *members: tuple[str, str]) -> None:
    """A second project; `members` are (account, role)."""
    with plant.api.database.write() as db:
        db.exec_driver_sql(
            "INSERT INTO project (id, name, owner, status, time_zone, create_time, modify_time) "
            f"VALUES ({id}, 'p{id}', '1000', 'Available', 'UTC', 0, 0)"
        )
        for account, role in members:
            if account != "1000":
                db.exec_driver_sql(f"INSERT INTO account VALUES ('{account}', 'n', 'Active', 0)")
            db.exec_driver_sql(f"INSERT INTO project_member VALUES ({id}, '{account}', '{role}')")


def as_account(plant: Plant, account: str, action: str, **parameters: Any) -> dict[str, Any]:
    services = Services(plant.api.database, plant.api.settings, plant.clock, logs=Logs(plant.api.settings.data, "fake"))
    answer = perform(services, Caller(account), action, parameters, plant.clock.now())
    return answer.model_dump(by_alias=True, exclude_none=True)


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        (strong(Name="c"), {**strong(), "AllProjects": False}),
        (
            weak(Name="c", AllProjects="True", ProjectIds=[], StartDate="2026-01-01", OverduePolicy="Skip"),
            {
                **weak(),
                "AllProjects": True,
                "ProjectIds": [],
                "SchedulePolicy": {**weak()["SchedulePolicy"], "SkipDates": []},
            },
        ),
    ],
    ids=["strong", "weak, without the fields of the other type"],
)
def test_what_was_created_comes_back(plant: Plant, fields: dict[str, Any], shown: dict[str, Any]) -> None:
    id = plant.call("CreateCalendar", **fields)["Id"]
    assert got(plant, id) == {**shown, "Id": id, "Name": "c", "Version": 1, "ModifyTime": plant.clock.now()}


@pytest.mark.parametrize(
    ("changed", "code", "message"),
    [
        ({"Name": ""}, "InvalidName", "Name: a text that is not empty is expected"),
        ({"Name": "n" * 101}, "InvalidName", "Name: a text of at most 100 characters is expected"),
        ({"Description": "abcd"}, "InvalidDescription", "Description: a text of at least 5 characters is expected"),
        ({"Description": "d" * 2049}, "InvalidDescription", "at most 2048 characters"),
        ({"Owner": ""}, "InvalidOwner", "Owner: a text that is not empty is expected"),
        ({"Type": "Strong"}, "InvalidType", "Type: StrongConstraint or WeakConstraint is expected"),
        ({"Type": None}, "MissingType", "Type is mandatory for this action."),
        ({"SchedulePolicy": None}, "MissingSchedulePolicy", "SchedulePolicy is mandatory for this action."),
        (
            {"SchedulePolicy": {"NormalDates": ["2026-1-1"]}},
            "InvalidSchedulePolicy",
            "SchedulePolicy.NormalDates[0]: a date as yyyy-mm-dd is expected",
        ),
        ({"EndDate": "2026-02-30"}, "InvalidEndDate", "EndDate: a date as yyyy-mm-dd is expected"),
        ({"EndDate": None}, "MissingEndDate", "EndDate is mandatory for this action."),
        (
            {"ExpirationReminder": "Never"},
            "InvalidExpirationReminder",
            "OneMonthBefore, OneWeekBefore or ThreeDaysBefore is expected",
        ),
        ({"ProjectIds": []}, "MissingProjectIds", "ProjectIds is mandatory for this action."),
        ({"ProjectIds": [10_000, 7]}, "InvalidProjectIds", "ProjectIds[1]: there is no project 7"),
        ({"AllProjects": "true"}, "InvalidProjectIds", "no project is expected where AllProjects is true"),
        ({"EndDate": "2026-01-06"}, "InvalidSchedulePolicy", "not yet 2026-01-06"),
    ],
)
def test_a_refusal_names_the_parameter(plant: Plant, changed: dict[str, Any], code: str, message: str) -> None:
    fields = {name: value for name, value in {**strong(Name="c"), **changed}.items() if value is not None}
    refused = plant.refused("CreateCalendar", **fields)
    assert refused[0] == code
    assert message in refused[1]
    assert listed(plant) == []


def test_a_name_is_used_once_and_never_changes(plant: Plant) -> None:
    id = make(plant)
    assert plant.refused("CreateCalendar", **weak(Name="c")) == (
        "InvalidName",
        f"Specified parameter Name is not valid. Name: another name is expected: this is that of calendar {id}",
    )
    plant.call("UpdateCalendar", Id=id, **weak(Name="other", Owner="2"))
    assert (got(plant, id)["Name"], got(plant, id)["Owner"]) == ("c", "2")


def test_there_are_no_more_calendars_than_the_setting_allows(plant: Plant) -> None:
    ids = [make(plant, f"c{number}") for number in range(plant.api.settings.max_calendars)]
    assert len(ids) == 10
    assert plant.refused("CreateCalendar", **weak(Name="one more")) == (
        "Conflict",
        "There are 10 calendars already, as many as the setting max_calendars allows.",
    )
    plant.call("DeleteCalendar", Id=ids[0])
    make(plant, "one more")


def test_an_update_is_full_and_makes_a_version(plant: Plant) -> None:
    id = plant.call("CreateCalendar", **strong(Name="c"))["Id"]
    plant.clock.time += 1_000
    assert plant.call("UpdateCalendar", Id=id, **weak())["Version"] == 2
    now = got(plant, id)
    assert now["ModifyTime"] == plant.clock.now()
    assert (now["Type"], now["FallbackPolicy"], "StartDate" in now) == ("WeakConstraint", "Skip", False)
    plant.clock.time += 1_000
    assert plant.call("UpdateCalendar", Id=id, **weak())["Version"] == 2, "nothing changed"
    versions = listed(plant, "ListCalendarVersions", "CalendarVersions", Id=id)
    assert versions == [now, {**strong(), "AllProjects": False, "Id": id, "Name": "c", "Version": 1,
                              "ModifyTime": now["ModifyTime"] - 1_000}]  # fmt: skip
    assert plant.refused("UpdateCalendar", **weak(Id=id, FallbackPolicy=""))[0] == "MissingFallbackPolicy"


def test_versions_come_in_pages_newest_first(plant: Plant) -> None:
    id = make(plant)
    for number in range(2, 6):
        plant.call("UpdateCalendar", Id=id, **weak(Owner=str(number)))
    page = plant.call("ListCalendarVersions", Id=id, PageNumber=2, PageSize=2)["PagingInfo"]
    assert [version["Version"] for version in page["CalendarVersions"]] == [3, 2]
    assert (page["TotalCount"], page["PageNumber"], page["PageSize"]) == (5, 2, 2)
    assert plant.refused("ListCalendarVersions", Id=id, PageSize=101)[0] == "InvalidPageSize"


@pytest.mark.parametrize("action", ["GetCalendar", "ListCalendarVersions", "DeleteCalendar"])
def test_an_unknown_calendar_is_not_found(plant: Plant, action: str) -> None:
    assert plant.refused(action, Id=7) == ("InvalidCalendar.NotFound", "There is no calendar 7.")
    assert plant.refused("UpdateCalendar", Id=7, **weak())[0] == "InvalidCalendar.NotFound"


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({}, ["b_1", "B", "a%"]),
        ({"SortBy": "ModifyTime"}, ["a%", "B", "b_1"]),
        ({"SortBy": "Name"}, ["B", "a%", "b_1"]),
        ({"SortBy": "Name Desc"}, ["b_1", "a%", "B"]),
        ({"SortBy": "Id Desc"}, ["b_1", "B", "a%"]),
        ({"Name": "B"}, ["b_1", "B"]),
        ({"Name": "%"}, ["a%"]),
        ({"Owner": "2"}, ["B"]),
        ({"Owner": "20"}, []),
        ({"ProjectId": 10_000}, ["B", "a%"]),
        ({"ProjectId": 20_000}, ["b_1", "B"]),
        ({"PageSize": 1, "PageNumber": 2}, ["B"]),
    ],
    ids=str,
)
def test_calendars_are_listed(plant: Plant, asked: dict[str, Any], names: list[str]) -> None:
    add_project(plant, 20_000, ("1000", "Administrator"))
    for name, fields in (
        ("a%", {}),
        ("B", {"AllProjects": True, "ProjectIds": [], "Owner": "2"}),
        ("b_1", {"ProjectIds": [20_000]}),
    ):
        plant.clock.time += 1_000
        make(plant, name, **fields)
    assert [item["Name"] for item in listed(plant, **asked)] == names


def test_a_list_is_limited_and_knows_its_sort_fields(plant: Plant) -> None:
    assert plant.refused("ListCalendars", PageSize=101) == (
        "InvalidPageSize", "Specified parameter PageSize is not valid. PageSize: at most 100 is expected"
    )  # fmt: skip
    assert "one of ModifyTime, Name, Id is expected" in plant.refused("ListCalendars", SortBy="CreateTime")[1]


# --- who may -------------------------------------------------------------------------------------------------------


def test_only_administrators_of_all_its_projects_change_a_calendar(plant: Plant) -> None:
    mine, common = make(plant, ProjectIds=[10_000]), make(plant, "all", AllProjects=True, ProjectIds=[])
    add_project(plant, 20_000, ("2", "Administrator"), ("3", "Developer"))
    own = as_account(plant, "2", "CreateCalendar", **weak(Name="own", ProjectIds=[20_000]))["Id"]
    for account, action, parameters in [
        ("2", "CreateCalendar", weak(Name="x", ProjectIds=[10_000, 20_000])),
        ("2", "CreateCalendar", weak(Name="x", ProjectIds=[], AllProjects=True)),
        ("2", "UpdateCalendar", weak(Id=own, ProjectIds=[10_000, 20_000])),
        ("2", "UpdateCalendar", weak(Id=mine, ProjectIds=[20_000])),
        ("2", "DeleteCalendar", {"Id": common}),
        ("2", "GetCalendar", {"Id": mine}),
        ("2", "ListCalendarVersions", {"Id": mine}),
        ("2", "ListCalendars", {"ProjectId": 10_000}),
        ("3", "CreateCalendar", weak(Name="x", ProjectIds=[20_000])),
        ("3", "DeleteCalendar", {"Id": own}),
    ]:
        with pytest.raises(Forbidden):
            as_account(plant, account, action, **parameters)
    for account in ("2", "3"):
        assert [item["Name"] for item in as_account(plant, account, "ListCalendars")["PagingInfo"]["Calendars"]] == [
            "own", "all"
        ]  # fmt: skip
        assert as_account(plant, account, "GetCalendar", Id=common)["Calendar"]["Name"] == "all"


def test_the_limit_counts_the_calendars_that_one_does_not_see(plant: Plant) -> None:
    add_project(plant, 20_000, ("2", "Administrator"))
    for number in range(10):
        make(plant, f"c{number}")
    with pytest.raises(StatusConflict):
        as_account(plant, "2", "CreateCalendar", **weak(Name="own", ProjectIds=[20_000]))


# --- workflows that use one ----------------------------------------------------------------------------------------


def trigger(id: Any, **fields: Any) -> dict[str, Any]:
    return {"Trigger": {**SCHEDULER, "CalendarId": id, **fields}}


def test_a_workflow_s_trigger_names_a_calendar(plant: Plant) -> None:
    calendar = make(plant)
    id = plant.create(**trigger(calendar))["Id"]
    assert plant.workflow(id)["Trigger"]["CalendarId"] == calendar
    plant.update(id, **trigger(str(calendar)))
    assert plant.workflow(id)["Trigger"]["CalendarId"] == calendar
    for nothing in (None, ""):
        plant.update(id, **trigger(calendar))
        plant.update(id, **trigger(nothing))
        assert "CalendarId" not in plant.workflow(id)["Trigger"]


@pytest.mark.parametrize("which", ["unknown", "of another project", "no integer"])
def test_a_calendar_that_does_not_apply_is_refused(plant: Plant, which: str) -> None:
    add_project(plant, 20_000, ("1000", "Administrator"))
    foreign = make(plant, ProjectIds=[20_000])
    id: Any = {"unknown": 7, "of another project": foreign, "no integer": "x"}[which]
    body = {"ProjectId": 10_000, "Name": "w", "Owner": "1000", **trigger(id)}
    made = plant.create(Trigger=SCHEDULER)["Id"]
    for code, message in (plant.refused("CreateWorkflow", **body), plant.refused("UpdateWorkflow", Id=made, **body)):
        assert code == "InvalidTrigger"
        expected = "an integer is expected" if id == "x" else f"no calendar {id} applies to project 10000"
        assert message.endswith(f"Trigger.CalendarId: {expected}")


def test_a_manual_trigger_has_no_calendar(plant: Plant) -> None:
    id = plant.create(**trigger(7, Type="Manual"))["Id"]
    assert plant.workflow(id)["Trigger"] == {"Type": "Manual"}


def test_a_calendar_in_use_stays(plant: Plant) -> None:
    calendar = make(plant, AllProjects=True, ProjectIds=[])
    ids = [plant.create(**trigger(calendar), Name=f"w{number}")["Id"] for number in range(12)]
    code, message = plant.refused("DeleteCalendar", Id=calendar)
    named = ", ".join(f"workflow {id} w{number} (Prod, project 10000)" for number, id in enumerate(ids[:10]))
    assert code == "InvalidId"
    assert message.endswith(f"Id: a calendar that nothing uses is expected: {named} and 2 more name it")
    add_project(plant, 20_000, ("1000", "Administrator"))
    code, message = plant.refused("UpdateCalendar", Id=calendar, **weak(ProjectIds=[20_000]))
    assert (code, f"ProjectIds: the projects of its users as well: workflow {ids[0]} w0" in message) == (
        "InvalidProjectIds", True
    )  # fmt: skip
    assert plant.call("UpdateCalendar", Id=calendar, **weak(ProjectIds=[10_000, 20_000]))["Version"] == 2
    plant.call("DeleteWorkflow", Id=ids[0])
    for id in ids[1:]:
        plant.update(id, Trigger=SCHEDULER)
    plant.call("DeleteCalendar", Id=calendar)
    assert plant.refused("GetCalendar", Id=calendar)[0] == "InvalidCalendar.NotFound"


def test_a_workflow_of_either_environment_is_a_user(plant: Plant) -> None:
    calendar = make(plant)
    plant.create(**trigger(calendar), EnvType="Dev")
    assert "(Dev, project 10000)" in plant.refused("DeleteCalendar", Id=calendar)[1]


# --- for the planner -----------------------------------------------------------------------------------------------


def test_calendars_are_loaded_as_they_were_in_force(plant: Plant) -> None:
    first, second = make(plant), plant.call("CreateCalendar", **strong(Name="s"))["Id"]
    plant.call("UpdateCalendar", Id=first, **weak(FallbackPolicy="Pause"))
    with plant.api.database.read() as db:
        found = calendars.load(db, [first, second, first, 7], plant.clock.now() + 1)
        assert calendars.load(db, [], 0) == {}
        again = calendars.load(db, [first], plant.clock.now() + 1)
        earlier = calendars.load(db, [first], plant.clock.now())
    month_ends = frozenset({date(2026, 1, 31), date(2026, 2, 28)})
    assert found[first] == Calendar(month_ends, "Pause")
    assert set(found) == {first, second}
    assert found[second].mark(date(2026, 1, 3)) == "Skip"
    assert again[first] is found[first]
    assert earlier[first].other != "Pause"
    plant.call("DeleteCalendar", Id=first)
    with plant.api.database.read() as db:
        assert calendars.load(db, [first], plant.clock.now() + 1) == again, "for versions of workflows that named it"
