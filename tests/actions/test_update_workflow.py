"""UpdateWorkflow, parameter by parameter, on both databases."""

from typing import Any

import pytest
from sqlalchemy import func, select

from tests.actions.conftest import Plant, task
from tidemill.store.tables import task_version, workflow_version
from tidemill.store.versions import workflow_at

SCHEDULER = {"Type": "Scheduler", "Cron": "00 30 05 * * ?"}
EVERYTHING: dict[str, Any] = {
    "Description": "d",
    "Parameters": "para1=$bizdate para2=$[yyyymmdd]",
    "Trigger": {**SCHEDULER, "StartTime": "1970-01-01 00:00:00", "EndTime": "9999-01-01 00:00:00"},
    "Dependencies": [{"Type": "CrossCycleDependsOnSelf"}],
    "Outputs": {"TaskOutputs": [{"Output": "x.w"}]},
    "Tags": [{"Key": "k", "Value": "v"}],
    "InstanceMode": "T+1",
}
FULL_TASK: dict[str, Any] = {
    "Description": "d",
    "Type": "ODPS_SQL",
    "BaseLineId": 77,
    "Timeout": 60,
    "RerunTimes": 2,
    "RerunInterval": 30,
    "Script": {"Content": "select 1", "Parameters": "a=1"},
    "DataSource": {"Name": "odps_test"},
    "RuntimeResource": {"ResourceGroupId": "S_res_group_1_2", "Image": "i-x", "Cu": "0.25"},
    "Inputs": {"Variables": [{"Name": "i", "Type": "Constant", "Value": "1"}]},
    "Outputs": {
        "TaskOutputs": [{"Output": "x.a"}],
        "Variables": [{"Name": "o", "Type": "NodeOutput", "Value": "${outputs}"}],
    },
    "Tags": [{"Key": "k", "Value": "v"}],
    "Dependencies": [{"Type": "CrossCycleDependsOnSelf"}],
}


def versions(plant: Plant) -> int:
    with plant.api.database.read() as db:
        return db.execute(select(func.count()).select_from(workflow_version)).scalar_one()


def test_every_parameter_of_the_workflow_comes_back(plant: Plant) -> None:
    id = plant.create(**EVERYTHING)["Id"]
    got = plant.workflow(id)
    for name in ("Description", "Parameters", "Dependencies", "Outputs", "Tags"):
        assert got[name] == EVERYTHING[name]
    assert got["Trigger"] == {**EVERYTHING["Trigger"], "Recurrence": "Normal"}
    assert (got["Name"], got["Owner"], got["EnvType"], got["ProjectId"]) == ("w", "1000", "Prod", 10_000)


def test_every_parameter_of_a_task_comes_back(plant: Plant) -> None:
    made = plant.create(task("a", **FULL_TASK))
    got = plant.get_task(made["TaskIds"]["a"])
    for name in set(FULL_TASK) - {"BaseLineId"}:
        assert got[name] == FULL_TASK[name], name
    assert got["BaselineId"] == 77
    assert got["Trigger"] == {"Type": "Manual", "Recurrence": "Normal"}


@pytest.mark.parametrize(
    ("name", "cleared"),
    [(name, cleared) for name in ("Description", "Parameters", "Outputs") for cleared in (..., "")]
    + [(name, cleared) for name in ("Dependencies", "Tags") for cleared in (..., "", [])],
)
def test_what_the_workflow_s_update_leaves_out_is_cleared(plant: Plant, name: str, cleared: Any) -> None:
    id = plant.create(**EVERYTHING)["Id"]
    plant.update(id, **{**EVERYTHING, name: cleared})
    assert not plant.workflow(id).get(name) or plant.workflow(id)[name] == {"TaskOutputs": []}


def test_the_instance_mode_is_kept_and_falls_back_to_the_next_day(plant: Plant) -> None:
    made = plant.create(task("a"), **{**EVERYTHING, "InstanceMode": "Immediately"})
    assert plant.get_task(made["TaskIds"]["a"])["InstanceMode"] == "Immediately"
    plant.update(made["Id"], {"Id": made["TaskIds"]["a"], **task("a")}, **{**EVERYTHING, "InstanceMode": ...})
    assert plant.get_task(made["TaskIds"]["a"])["InstanceMode"] == "T+1"


NOTHING: list[tuple[str, Any, tuple[Any, ...]]] = [  # field, what GetTask shows then, and the ways to say nothing
    ("Inputs", {"Variables": []}, (..., None, {})),
    ("Outputs", {"TaskOutputs": [], "Variables": []}, (..., None, {})),
    ("Dependencies", [], (..., None, [])),
    ("Tags", [], (..., None, [])),
    ("Script", None, (..., None, {})),
    ("DataSource", None, (..., None)),
    ("Description", None, (..., None)),
    ("BaseLineId", None, (..., None)),
]


@pytest.mark.parametrize(
    ("name", "empty", "cleared"), [(name, empty, way) for name, empty, ways in NOTHING for way in ways]
)
def test_what_a_task_s_update_leaves_out_is_cleared(plant: Plant, name: str, empty: Any, cleared: Any) -> None:
    made = plant.create(task("a", **FULL_TASK))
    changed = {"Id": made["TaskIds"]["a"], **task("a", **FULL_TASK), name: cleared}
    plant.update(made["Id"], {key: value for key, value in changed.items() if value is not ...})
    assert plant.get_task(made["TaskIds"]["a"]).get(name.replace("Line", "line")) == empty


@pytest.mark.parametrize(("name", "default"), [("Timeout", 3 * 24 * 3600), ("RerunTimes", 0), ("RerunInterval", 180)])
def test_optional_numbers_of_a_task_fall_back_to_their_defaults(plant: Plant, name: str, default: int) -> None:
    made = plant.create(task("a", **FULL_TASK))
    changed = {"Id": made["TaskIds"]["a"], **task("a", **FULL_TASK)}
    del changed[name]
    plant.update(made["Id"], changed)
    assert plant.get_task(made["TaskIds"]["a"])[name] == default


@pytest.mark.parametrize("name", ["Inputs", "Outputs"])
def test_variables_left_out_are_cleared(plant: Plant, name: str) -> None:
    made = plant.create(task("a", **FULL_TASK))
    plant.update(made["Id"], {"Id": made["TaskIds"]["a"], **task("a", **FULL_TASK), name: {"Variables": None}})
    assert plant.get_task(made["TaskIds"]["a"])[name]["Variables"] == []


def test_tasks_are_changed_added_and_dropped_in_one_call(plant: Plant) -> None:
    made = plant.create(task("a"), task("b", "a"), task("c", "b"))
    ids = made["TaskIds"]
    plant.update(made["Id"], {"Id": ids["a"], **task("a2")}, task("d", "a2"), {"Id": ids["b"], **task("b", "d")})
    now = plant.names(made["Id"])
    assert set(now) == {"a2", "b", "d"}
    assert (now["a2"], now["b"]) == (ids["a"], ids["b"])
    assert now["d"] not in ids.values()
    assert plant.refused("GetTask", Id=ids["c"])[0] == "InvalidTask.NotFound"


def test_tasks_absent_leaves_them_and_an_empty_list_drops_all(plant: Plant) -> None:
    made = plant.create(task("a"), task("b", "a"))
    plant.update(made["Id"], Tasks=..., Name="other")
    assert plant.names(made["Id"]) == made["TaskIds"]
    plant.update(made["Id"])
    assert plant.names(made["Id"]) == {}


def test_a_new_task_s_code_makes_a_repeated_call_harmless(plant: Plant) -> None:
    made = plant.create(task("a", ClientUniqueCode="Task_a"))
    for _ in range(2):
        plant.update(made["Id"], task("a", ClientUniqueCode="Task_a"), task("b", ClientUniqueCode="Task_b"))
    assert plant.names(made["Id"])["a"] == made["TaskIds"]["a"]
    assert len(plant.names(made["Id"])) == 2


def test_outputs_may_be_swapped_and_recreated_in_one_call(plant: Plant) -> None:
    made = plant.create(task("a"), task("b"))
    ids = made["TaskIds"]
    a = {"Id": ids["a"], **task("a", Outputs={"TaskOutputs": [{"Output": "x.b"}]})}
    plant.update(made["Id"], a, {"Id": ids["b"], **task("b", Outputs={"TaskOutputs": [{"Output": "x.a"}]})})
    plant.update(made["Id"], task("a"), task("b", "a"))
    assert not set(plant.names(made["Id"]).values()) & set(ids.values())


def test_an_update_that_changes_nothing_makes_no_version(plant: Plant) -> None:
    made = plant.create(task("a"), **EVERYTHING)
    before = plant.workflow(made["Id"])
    plant.clock.time += 1000
    plant.update(made["Id"], {"Id": made["TaskIds"]["a"], **task("a")}, **EVERYTHING)
    assert versions(plant) == 1
    assert plant.workflow(made["Id"]) == before
    plant.update(made["Id"], {"Id": made["TaskIds"]["a"], **task("a", Description="new")}, **EVERYTHING)
    assert versions(plant) == 2
    assert plant.workflow(made["Id"])["ModifyTime"] == plant.clock.time


def test_every_version_can_be_read_back(plant: Plant) -> None:
    made = plant.create(task("a", Script={"Content": "one"}), task("b"))
    second = task("a", Script={"Content": "two", "Parameters": "x=1"}, Description="changed")
    plant.update(made["Id"], {"Id": made["TaskIds"]["a"], **second}, Name="renamed")
    with plant.api.database.read() as db:
        first, latest = (workflow_at(db, made["Id"], "Prod", version) for version in (1, 2))
        assert workflow_at(db, made["Id"], "Prod", 3) is None
        scripts = db.execute(select(task_version.c.script).order_by(task_version.c.version)).scalars().all()
    assert first is not None
    assert latest is not None
    assert [item.definition.name for item in first.tasks] == ["a", "b"]
    assert [(item.version, item.definition.description) for item in latest.tasks] == [(2, "changed")]
    assert (first.definition.name, latest.definition.name) == ("w", "renamed")
    assert set(scripts) == {"one", "two", None}


def test_the_sample_request_of_the_page_is_accepted(plant: Plant) -> None:
    other = plant.create(Name="other", Outputs={"TaskOutputs": [{"Output": "pre.odps_sql_demo_0"}]}, Trigger=SCHEDULER)
    id = plant.create(ClientUniqueCode="Workflow_0bc5")["Id"]
    sample_task = {
        "Name": "SQL node", "Description": "Test", "Type": "ODPS_SQL", "Owner": "1000", "BaseLineId": 1234,
        "Timeout": 3600, "RerunMode": "AllAllowed", "RerunTimes": 3, "RerunInterval": 60,
        "Script": {"Content": 'echo "helloWorld"', "Parameters": "para1=$bizdate"},
        "Trigger": {"Type": "Scheduler", "Recurrence": "Normal"},
        "RuntimeResource": {"ResourceGroupId": "S_res_group_524258031846018_1684", "Image": "i-xxxxxx", "Cu": "0.25"},
        "DataSource": {"Name": "odps_test"},
        "Inputs": {"Variables": [{"Name": "key1", "Type": "Constant", "Value": "value1"}]},
        "Outputs": {"TaskOutputs": [{"Output": "pre.sql_node"}],
                    "Variables": [{"Name": "key1", "Type": "Constant", "Value": "value1"}]},
        "Dependencies": [{"Type": "Normal", "UpstreamOutput": "pre.odps_sql_demo_0", "UpstreamTaskId": other["Id"]}],
        "Tags": [{"Key": "key1", "Value": "value1"}], "ClientUniqueCode": "Task_0bc5", "EnvType": "Prod",
    }  # fmt: skip
    plant.update(
        id, sample_task, EnvType="Prod", Name="My Workflow", Description="test", Parameters="para1=$bizdate",
        Trigger={"Type": "Scheduler", "Cron": "00 00 00 * * ?", "StartTime": "1970-01-01 00:00:00",
                 "EndTime": "9999-01-01 00:00:00"},
        Dependencies=[{"Type": "Normal", "UpstreamOutput": "pre.odps_sql_demo_0"}],
        Outputs={"TaskOutputs": [{"Output": "pre.my_workflow"}]}, Tags=[{"Key": "key1", "Value": "value1"}],
        ClientUniqueCode="Workflow_0bc5", InstanceMode="Immediately",
    )  # fmt: skip
    assert list(plant.names(id)) == ["SQL node"]


CASES = [
    ({"Id": 5}, "InvalidWorkflow.NotFound", "no workflow 5"),
    ({"EnvType": "Dev"}, "InvalidWorkflow.NotFound", "it exists in Prod"),
    ({"EnvType": "Test"}, "InvalidEnvType", "Prod or Dev"),
    ({"Name": ...}, "MissingName", "mandatory"),
    ({"Owner": ...}, "MissingOwner", "mandatory"),
    ({"Trigger": ...}, "MissingTrigger", "mandatory"),
    ({"Trigger": "text"}, "InvalidTrigger", "JSON is expected"),
    ({"Trigger": ["x"]}, "InvalidTrigger", "an object is expected"),
    ({"Trigger": {"Type": "Daily"}}, "InvalidTrigger", "Scheduler or Manual is expected"),
    ({"Trigger": {"Type": "Scheduler"}}, "MissingTrigger", "Trigger.Cron"),
    ({"Trigger": {**SCHEDULER, "Cron": "0 0 * * *"}}, "InvalidTrigger", "six are expected"),
    ({"Trigger": {**SCHEDULER, "StartTime": "2025"}}, "InvalidTrigger", "yyyy-mm-dd hh:mm:ss"),
    ({"Parameters": "a=${yyyymmddhh24}"}, "InvalidParameters", "a: "),
    ({"Parameters": "a=1 a=2"}, "InvalidParameters", "declared twice"),
    ({"InstanceMode": "Later"}, "InvalidInstanceMode", "T+1 or Immediately"),
    ({"ClientUniqueCode": "other"}, "InvalidClientUniqueCode", "not the code"),
    ({"Dependencies": [{"Type": "Normal"}]}, "MissingDependencies", "names an UpstreamOutput"),
    ({"Dependencies": [{"Type": "Odd"}]}, "InvalidDependencies", "Dependencies[0].Type"),
    ({"Tags": [{"Key": "k"}, {"Key": "k"}]}, "InvalidTags", "Tags[1].Key"),
    ({"Tasks": "[" }, "InvalidTasks", "JSON is expected"),
    ({"Tasks": [None]}, "MissingTasks", "Tasks[0]"),
    ({"Tasks": [{}]}, "MissingTasks", "Tasks[0].Name"),
    ({"Tasks": [task("a"), task("a")]}, "InvalidTasks", "already that of Tasks[0]"),
    ({"Tasks": [task("a", Id=9)]}, "InvalidTasks", "9 is not a task of workflow"),
    ({"Tasks": [task("a", EnvType="Dev")]}, "InvalidTasks", "Tasks[0].EnvType"),
    ({"Tasks": [task("a", Timeout=0)]}, "InvalidTasks", "at least 1 second"),
    ({"Tasks": [task("a", RerunTimes=11)]}, "InvalidTasks", "between 0 and 10"),
    ({"Tasks": [task("a", RerunInterval=-1)]}, "InvalidTasks", "Tasks[0].RerunInterval"),
    ({"Tasks": [task("a", RuntimeResource={})]}, "MissingTasks", "RuntimeResource.ResourceGroupId"),
    ({"Tasks": [task("a", Trigger={})]}, "MissingTasks", "Tasks[0].Trigger.Recurrence"),
    ({"Tasks": [task("a", Type="")]}, "InvalidTasks", "Tasks[0].Type"),
    ({"Tasks": [task("a", Script={"Content": "x" * (2**20 + 1)})]}, "InvalidTasks", "Tasks[0].Script.Content"),
    ({"Tasks": [task("a", Script={"Parameters": "a=${hh}"})]}, "InvalidTasks", "Tasks[0].Script.Parameters"),
    ({"Tasks": [task("a", Tags=[{"Key": "tidemill.python", "Value": "warm"}])]}, "InvalidTasks", "Tags[0].Value"),
    ({"Tasks": [task("a", Tags=[{"Key": "k"}, {"Key": "tidemill.python"}])]}, "InvalidTasks", "fresh or forked"),
    ({"Tasks": [task("a", "nowhere")]}, "InvalidTasks", "nothing in Prod has the output x.nowhere"),
    ({"Tasks": [task("a", Dependencies=[{"Type": "Normal", "UpstreamTaskId": 7}])]}, "InvalidTasks", "no task or"),
    ({"Tasks": [task("a", "b"), task("b", "c"), task("c", "a")]}, "InvalidTasks", "a → b → c → a"),
    ({"Tasks": [task("a", "a")]}, "InvalidTasks", "a → a"),
    ({"Tasks": [task("a"), task("b", Outputs={"TaskOutputs": [{"Output": "x.a"}]})]}, "InvalidTasks", "Tasks[1].Outp"),
    ({"Tasks": [task("a", Outputs={"TaskOutputs": [{"Output": "taken"}]})]}, "InvalidTasks", "has one owner"),
    ({"Tasks": [task(f"t{i}") for i in range(1001)]}, "InvalidTasks", "at most 1000 tasks"),
    ({"Tasks": [task("a", Inputs={"Variables": [{"Type": "Odd"}]})]}, "InvalidTasks", "Tasks[0].Inputs.Variables[0]"),
    ({"Tasks": [task("a", Dependencies=[{"Type": "CrossCycleDependsOnOtherNode"}])]}, "MissingTasks", "UpstreamTaskId"),
    ({"Tasks": [task("a", Dependencies=[{"Type": "CrossCycleDependsOnChildren"},
      {"Type": "CrossCycleDependsOnOtherNode", "UpstreamTaskId": 1}])]}, "InvalidTasks", "exclude each other"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "code", "says"), CASES)
def test_a_faulty_update_is_refused_and_changes_nothing(plant: Plant, changes: dict, code: str, says: str) -> None:
    plant.create(Name="other", Outputs={"TaskOutputs": [{"Output": "taken"}]})
    made = plant.create(task("a"), task("b", "a"))
    before = plant.workflow(made["Id"])
    refused = plant.refused("UpdateWorkflow", **plant.body(made["Id"], Name="changed", **changes)
                            if "Name" not in changes else plant.body(made["Id"], **changes))  # fmt: skip
    assert refused[0] == code, refused
    assert says in refused[1]
    assert plant.workflow(made["Id"]) == before
    assert versions(plant) == 2


def test_what_others_depend_on_cannot_be_taken_away(plant: Plant) -> None:
    up = plant.create(task("a"), task("b"), Trigger=SCHEDULER)
    down = plant.create(task("c", "a"), Name="down", Trigger=SCHEDULER)
    ids = up["TaskIds"]
    body = plant.body(up["Id"], {"Id": ids["b"], **task("b")}, Trigger=SCHEDULER)
    code, message = plant.refused("UpdateWorkflow", **body)
    assert code == "InvalidTasks"
    assert f"{ids['a']} cannot be taken away: {down['TaskIds']['c']} depend on it" in message
    renamed = {"Id": ids["a"], **task("a", Outputs={"TaskOutputs": []})}
    body = plant.body(up["Id"], renamed, {"Id": ids["b"], **task("b")}, Trigger=SCHEDULER)
    assert plant.refused("UpdateWorkflow", **body)[0] == "InvalidTasks"
    assert plant.refused("DeleteWorkflow", Id=up["Id"])[0] == "InvalidId"
    moved = {"Id": ids["b"], **task("b", Outputs={"TaskOutputs": [{"Output": "x.a"}]})}
    plant.update(up["Id"], renamed, moved, Trigger=SCHEDULER)
    plant.call("DeleteWorkflow", Id=down["Id"])
    plant.call("DeleteWorkflow", Id=up["Id"])
    assert plant.refused("GetWorkflow", Id=up["Id"])[0] == "InvalidWorkflow.NotFound"


def test_reserved_outputs_lead_to_tasks_and_workflows(plant: Plant) -> None:
    up = plant.create(task("a"), Name="up", Trigger=SCHEDULER)
    outputs = [
        "default.a",
        f"default.{up['TaskIds']['a']}_out",
        "default.up",
        f"default.{up['Id']}_out",
        "default_root",
    ]
    needs = [{"Type": "Normal", "UpstreamOutput": output} for output in outputs]
    plant.create(task("b", Dependencies=needs), Name="down", Trigger=SCHEDULER)
    assert plant.refused("DeleteWorkflow", Id=up["Id"])[0] == "InvalidId"


def test_a_loop_through_other_workflows_is_found(plant: Plant) -> None:
    one = plant.create(task("a"), Name="one", Trigger=SCHEDULER)
    plant.create(task("b", "a"), Name="two", Trigger=SCHEDULER)
    body = plant.body(one["Id"], {"Id": one["TaskIds"]["a"], **task("a", "b")}, Name="one", Trigger=SCHEDULER)
    code, message = plant.refused("UpdateWorkflow", **body)
    assert code == "InvalidTasks"
    assert "cycle" in message
    whole = [{"Type": "Normal", "UpstreamOutput": "x.b"}]
    body = plant.body(one["Id"], Tasks=..., Name="one", Trigger=SCHEDULER, Dependencies=whole)
    assert plant.refused("UpdateWorkflow", **body)[0] == "InvalidDependencies"


def test_things_run_by_hand_are_nobody_s_upstream(plant: Plant) -> None:
    plant.create(task("a"))
    body = {"ProjectId": 10_000, "Name": "down", "Owner": "1", "Trigger": SCHEDULER, "Tasks": [task("b", "a")]}
    code, message = plant.refused("CreateWorkflow", **body)
    assert code == "InvalidTasks"
    assert "Manual trigger" in message


def test_creating_again_with_the_same_code_answers_the_first_result(plant: Plant) -> None:
    first = plant.create(task("a"), ClientUniqueCode="Workflow_1")
    again = plant.create(task("z"), ClientUniqueCode="Workflow_1")
    assert (again["Id"], again["TaskIds"]) == (first["Id"], first["TaskIds"])


def test_dev_and_prod_are_separate(plant: Plant) -> None:
    made = plant.create(task("a"), EnvType="Dev")
    assert plant.refused("GetWorkflow", Id=made["Id"])[0] == "InvalidWorkflow.NotFound"
    assert plant.call("GetWorkflow", Id=made["Id"], EnvType="Dev")["Workflow"]["EnvType"] == "Dev"
    plant.create(task("a"))


def test_instances_not_begun_of_a_dropped_task_end_without_running(plant: Plant) -> None:
    made = plant.create(task("a"), task("b", "a"), task("c", "b"))
    plant.run(made["Id"])
    ids = made["TaskIds"]
    plant.update(made["Id"], {"Id": ids["a"], **task("a", Script={"Content": "new"})}, {"Id": ids["c"], **task("c")})
    assert [run.script for run in plant.runner.live.values()] == [""], "what runs keeps its version"
    plant.end("a")
    assert plant.instances()["b"]["Status"] == "Success"
    plant.end("c")
    assert [item["Status"] for item in plant.listed()] == ["Success"] * 3
    assert len(plant.runner.runs) == 2
