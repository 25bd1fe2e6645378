"""Forked PYTHON tasks as the official SDK asks for them, on a real server."""

from pathlib import Path

import pytest
from alibabacloud_dataworks_public20240518 import models

from tests.whole.conftest import Server

Tasks = models.UpdateWorkflowRequestTasks


def in_python(name: str, *tags: str) -> Tasks:
    return Tasks(
        name=name,
        type="PYTHON",
        owner="1000",
        rerun_mode="AllAllowed",
        tags=[models.UpdateWorkflowRequestTasksTags(key="tidemill.python", value=tag) for tag in tags],
        script=models.UpdateWorkflowRequestTasksScript(
            content="import os, sys\nprint(*sys.argv[1:], 'decimal' in sys.modules, os.getppid())",
            parameters="a=$bizdate",
        ),
        trigger=models.UpdateWorkflowRequestTasksTrigger(type="Manual", recurrence="Normal"),
        runtime_resource=models.UpdateWorkflowRequestTasksRuntimeResource(resource_group_id="S_res_group_default"),
    )


def update(server: Server, workflow: int, *tasks: Tasks) -> None:
    server.client.update_workflow(
        models.UpdateWorkflowRequest(
            id=workflow,
            name="w",
            owner="1000",
            tasks=list(tasks),
            trigger=models.UpdateWorkflowRequestTrigger(type="Manual"),
        )
    )


def logs(server: Server, workflow: int) -> dict[str, list[str]]:
    whole = server.run(workflow)
    assert server.ended(whole) == "Success"
    found = server.tasks(whole).items()
    return {name: server.call("GetTaskInstanceLog", Id=it["Id"])["TaskInstanceLog"].split() for name, it in found}


@pytest.mark.parametrize("default", ["fresh", "forked"])
def test_a_tag_forks_a_task_and_wins_over_the_setting(tmp_path: Path, default: str) -> None:
    server = Server(tmp_path / "data", TIDEMILL_PYTHON_TASKS=default, TIDEMILL_PYTHON_IMPORTS="decimal")
    workflow = server.create()["Id"]
    update(server, workflow, in_python("plain"), in_python("fresh", "fresh"), in_python("forked", "forked"))
    found = logs(server, workflow)
    day, imported, parent = found["forked"]
    assert (len(day), imported) == (8, "True")
    assert found["fresh"] == [day, "False", str(server.runner())]
    assert found["plain"] == found[default]
    assert parent != found["fresh"][2]
    server.end()


def test_another_value_of_the_tag_is_refused_and_named(server: Server) -> None:
    workflow = server.create()["Id"]
    with pytest.raises(Exception, match=r"Tasks\[1\]\.Tags\[0\]\.Value: tidemill.python is fresh or forked") as refused:
        update(server, workflow, in_python("a", "forked"), in_python("b", "warm"))
    assert getattr(refused.value, "code", None) == "InvalidTasks"
