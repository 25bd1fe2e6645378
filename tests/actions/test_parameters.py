"""Workspace parameters: the operations, what runs see of them, and that a secret shows nowhere."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.planning.conftest import Site, task
from tidemill.store.accounts import fernet
from tidemill.store.engine import Database
from tidemill.store.parameters import Vault

NOON = "0 0 12 * * ?"


@pytest.fixture
def site(database: Database, tmp_path: Path) -> Site:
    site = Site(database, tmp_path)
    site.scheduler._vault = Vault(fernet(site.api.settings, sqlite=True))
    return site


def make(site: Site, name: str = "workspace.x", type: str = "PlainConstant", **fields: Any) -> int:
    properties = fields.pop("Properties", [{"EnvType": "Prod", "Value": "1"}, {"EnvType": "Dev", "Value": "2"}])
    given = {"ProjectId": 10_000, "Name": name, "Type": type, "Owner": "1000", "Properties": properties, **fields}
    return site.call("CreateParameter", **given)["Id"]


def got(site: Site, id: int) -> dict[str, Any]:
    return site.call("GetParameter", Id=id)["Parameter"]


def refused(site: Site, action: str, **parameters: Any) -> tuple[str, str]:
    status, answer = site.api.call(action, **parameters)
    assert status >= 400, answer
    return answer["Code"], answer["Message"]


def test_what_was_made_comes_back(site: Site) -> None:
    id = make(site, Description="d")
    assert got(site, id) == {
        "Id": id, "ProjectId": 10_000, "Name": "workspace.x", "Type": "PlainConstant", "Scope": "Project", "Version": 1,
        "Owner": "1000", "Description": "d", "CreateUser": "1000", "ModifyUser": "1000",
        "Properties": [{"EnvType": "Prod", "Value": "1"}, {"EnvType": "Dev", "Value": "2"}],
        "CreateTime": site.clock.now(), "ModifyTime": site.clock.now(),
    }  # fmt: skip


def test_an_update_changes_what_it_names_and_a_rollback_brings_it_back(site: Site) -> None:
    id = make(site, Description="d")
    changed = [{"EnvType": "Dev", "Value": "9"}, {"EnvType": "Dev", "Value": "10"}]
    assert site.call("UpdateParameter", Id=id, Properties=changed)["Version"] == 2
    assert site.call("UpdateParameter", Id=id, Properties=changed)["Version"] == 2
    found = got(site, id)
    assert (found["Description"], [item["Value"] for item in found["Properties"]]) == ("d", ["1", "9"])
    assert site.call("RollbackParameter", Id=id, RollbackVersion=1)["Success"] is True
    assert [item["Value"] for item in got(site, id)["Properties"]] == ["1", "2"]
    page = site.call("ListParameterVersions", Id=id, PageSize=2)["PagingInfo"]
    assert [item["Version"] for item in page["ParameterVersion"]] == [3, 2]
    assert page["TotalCount"] == 3
    ascending = site.call("ListParameterVersions", Id=id, SortBy="Version Asc")["PagingInfo"]["ParameterVersion"]
    assert [item["Version"] for item in ascending] == [1, 2, 3]
    assert refused(site, "RollbackParameter", Id=id, RollbackVersion=7)[0] == "InvalidRollbackVersion"


@pytest.mark.parametrize(
    ("changes", "code", "message"),
    [
        ({"Name": "x"}, "InvalidName", "Name: `workspace.`, a letter, then letters, digits or `_`, is expected"),
        ({"Name": "workspace.1"}, "InvalidName", "Name: `workspace.`, a letter,"),
        ({"Name": f"workspace.{'x' * 246}"}, "InvalidName", "Name: a text of at most 255 characters is expected"),
        ({"Properties": []}, "MissingProperties", "Properties is mandatory"),
        ({"Properties": [{"EnvType": "Dev", "Value": "1"}]}, "InvalidProperties", "a value for Prod is expected"),
        ({"Properties": [{"EnvType": "Prod", "Value": "a\nb"}]}, "InvalidProperties", "one line"),
        ({"Type": "Variable", "Properties": [{"EnvType": "Prod", "Value": "${hh}"}]}, "InvalidProperties", "Value"),
        ({"Type": "Other"}, "InvalidType", "Type"),
        ({"Name": "workspace.there"}, "InvalidName", "another name is expected"),
        ({"ProjectId": 7}, "InvalidProject.NotFound", "project 7"),
    ],
)
def test_what_is_refused(site: Site, changes: dict[str, Any], code: str, message: str) -> None:
    make(site, "workspace.there")
    given = {"ProjectId": 10_000, "Name": "workspace.x", "Type": "PlainConstant", "Owner": "1000",
             "Properties": [{"EnvType": "Prod", "Value": "1"}], **changes}  # fmt: skip
    found = refused(site, "CreateParameter", **given)
    assert found[0] == code
    assert message in found[1]


def test_lists(site: Site) -> None:
    ids = [make(site, f"workspace.{name}", type) for name, type in (("b", "Variable"), ("a", "PlainConstant"))]

    def listed(**fields: Any) -> list[int]:
        return [item["Id"] for item in site.call("ListParameters", **fields)["PagingInfo"]["Parameters"]]

    assert listed(SortBy="Name Asc") == ids[::-1]
    assert listed(Names=["workspace.b"]) == listed(Type="Variable") == listed(Ids=[ids[0]]) == [ids[0]]
    assert listed(ProjectId=10_000, Owner="nobody") == []
    site.call("DeleteParameter", Id=ids[0])
    assert listed() == [ids[1]]
    assert refused(site, "GetParameter", Id=ids[0])[0] == "InvalidParameter.NotFound"


def echo(name: str, parameters: str = "") -> dict[str, Any]:
    content = "echo ${workspace.x} ${x}"
    return task(name, Script={"Content": content, **({"Parameters": parameters} if parameters else {})})


def scripts(site: Site) -> list[str]:
    return [run.script for run in site.runner.runs.values()]


def test_runs_see_the_value_of_their_environment_and_of_when_they_were_planned(site: Site) -> None:
    id = make(site)
    site.deploy("a", NOON, echo("a"), echo("b", "x=own"))
    site.run_until("2025-11-04 09:00")
    site.call("UpdateParameter", Id=id, Properties=[{"EnvType": "Prod", "Value": "new"}])
    site.run_until("2025-11-05 13:00")
    assert scripts(site) == ["echo 1 1", "echo 1 own", "echo new new", "echo new own"]


@pytest.mark.parametrize("env", ["Prod", "Dev"])
def test_backfills_see_them_too(site: Site, env: str) -> None:
    make(site, "workspace.x", "Variable", Properties=[{"EnvType": "Prod", "Value": "$bizdate"},
                                                      {"EnvType": "Dev", "Value": "$bizdate-dev"}])  # fmt: skip
    site.deploy("a", NOON, echo("a"), EnvType=env)
    site.call(
        "CreateWorkflowInstances", ProjectId=10_000, WorkflowId=site.workflows["a"], Name="r", Type="SupplementData",
        Periods={"BizDates": [{"StartBizDate": "2025-03-15", "EndBizDate": "2025-03-15"}]}, EnvType=env,
    )  # fmt: skip
    site.run_until("2025-11-03 12:10")
    assert scripts(site) == [{"Prod": "echo 20250315 20250315", "Dev": "echo 20250315-dev 20250315-dev"}[env]]


def test_a_secret_reaches_the_run_and_nothing_else(site: Site, tmp_path: Path) -> None:
    hidden = "hunter-two"
    id = make(site, type="SecretConstant", Properties=[{"EnvType": "Prod", "Value": hidden}])
    site.deploy("a", NOON, echo("a"))
    site.run_until("2025-11-04 13:00")
    assert scripts(site) == [f"echo {hidden} {hidden}"]
    (row,) = site.rows("a")
    shown = [
        got(site, id), site.call("ListParameters"), site.call("ListParameterVersions", Id=id),
        site.call("GetTaskInstance", Id=row.id), site.call("GetTaskInstanceLog", Id=row.id),
    ]  # fmt: skip
    assert hidden not in json.dumps(shown)
    assert got(site, id)["Properties"] == [{"EnvType": "Prod", "Value": "******"}]
    with site.database.read() as db:
        for name in ("parameter_version", "task_instance", "run", "event", "operation", "operation_log"):
            assert hidden not in str(db.exec_driver_sql(f"SELECT * FROM {name}").all())


def test_a_run_whose_secret_is_gone_fails_and_says_which(site: Site) -> None:
    id = make(site, type="SecretConstant", Properties=[{"EnvType": "Prod", "Value": "s"}])
    site.deploy("a", NOON, echo("a"))
    site.run_until("2025-11-04 09:00")
    site.call("DeleteParameter", Id=id)
    site.run_until("2025-11-04 13:00")
    assert site.statuses("a", "2025-11-04") == ["Failure"]
    assert "workspace.x was deleted" in site.call("GetTaskInstanceLog", Id=site.rows("a")[0].id)["TaskInstanceLog"]


def test_a_deleted_secret_stops_only_runs_that_read_it(site: Site) -> None:
    """Instances are planned, then the secret goes: `b` has an own `x`, `c` reads none at all."""
    id = make(site, type="SecretConstant", Properties=[{"EnvType": "Prod", "Value": "s"}])
    own = task("b", Script={"Content": "echo ${x}", "Parameters": "x=own"})
    site.deploy("a", NOON, echo("a"), own, task("c"))
    site.run_until("2025-11-04 09:00")
    site.call("DeleteParameter", Id=id)
    site.run_until("2025-11-04 13:00")
    assert [site.statuses(name, "2025-11-04") for name in "abc"] == [["Failure"], ["Success"], ["Success"]]
    assert sorted(scripts(site)) == ["echo own", "true"]


def test_the_latest_definition_is_resolved_in_the_zone_of_its_trigger(site: Site) -> None:
    id = make(site, "workspace.x", "Variable", Properties=[{"EnvType": "Prod", "Value": "$cyctime"}])
    zone = {"TimeZone": "UTC"}
    site.deploy("a", NOON, echo("a"), Trigger=zone)
    site.run_until("2025-11-04 21:00")
    site.call("UpdateParameter", Id=id, Properties=[{"EnvType": "Prod", "Value": "new-$cyctime"}])
    site.call("RerunTaskInstances", Ids=[site.rows("a")[0].id], UseLatestConfig=True)
    site.run_until("2025-11-04 21:30")
    assert scripts(site) == [f"echo {time} {time}" for time in ("20251104120000", "new-20251104120000")]


def test_s15_task_parameters_of_a_run_outlive_a_new_definition(site: Site) -> None:
    def defined(content: str) -> dict[str, Any]:
        return task("a", Script={"Content": content, "Parameters": "x=3"})

    site.deploy("a", NOON, defined("echo ${x}"), Parameters="x=2")
    (task_id,) = [id for id, name in site.names.items() if name == "a"]
    site.call(
        "CreateWorkflowInstances", ProjectId=10_000, WorkflowId=site.workflows["a"], Name="r", Type="SupplementData",
        Periods={"BizDates": [{"StartBizDate": "2025-03-15", "EndBizDate": "2025-03-15"}]},
        TaskParameters=json.dumps({str(task_id): "x=4"}),
    )  # fmt: skip
    site.run_until("2025-11-03 12:10")
    site.deploy("a", NOON, defined("print ${x}"), Parameters="x=2")
    site.call("RerunTaskInstances", Ids=[next(iter(site.runner.runs))[0]], UseLatestConfig=True)
    site.run_until("2025-11-03 12:20")
    assert scripts(site) == ["echo 4", "print 4"]


@pytest.mark.parametrize(
    ("workspace", "workflow", "own", "x"),
    [
        pytest.param("1", "x=2", "x=3", "3", id="S11 the task"),
        pytest.param("1", "x=2", "", "2", id="S12 the workflow"),
        pytest.param("1", "", "", "1", id="S13 the workspace"),
    ],
)
def test_the_nearest_level_wins_in_planned_runs(site: Site, workspace: str, workflow: str, own: str, x: str) -> None:
    make(site, Properties=[{"EnvType": "Prod", "Value": workspace}])
    site.deploy("a", NOON, echo("a", own), Parameters=workflow)
    site.run_until("2025-11-04 13:00")
    assert scripts(site) == [f"echo {workspace} {x}"]


def test_a_run_that_never_reached_the_runner_fails_where_its_secret_is_gone_by_the_restart(site: Site) -> None:
    id = make(site, type="SecretConstant", Properties=[{"EnvType": "Prod", "Value": "s"}])
    site.deploy("a", NOON, echo("a"))
    site.run_until("2025-11-04 11:00")
    site.at("2025-11-04 12:00")
    site.turn()
    site.runner.runs.clear()
    site.runner.live.clear()
    site.call("DeleteParameter", Id=id)
    site.restart()
    site.scheduler._take_over()
    (run,) = site.runner.runs.values()
    assert "workspace.x was deleted" in run.script
    assert (run.run_number, run.log) == (1, f"logs/20251104/{run.instance}-1.log")
    site.runner.end(run.instance, 1)
    site.turn()
    assert site.statuses("a", "2025-11-04") == ["Failure"]
