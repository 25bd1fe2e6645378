"""The main job with whichever version of the typed Python SDK is on the path; prints what it saw as JSON."""

import json
import sys
import time

from alibabacloud_dataworks_public20240518 import models
from alibabacloud_dataworks_public20240518.client import Client
from alibabacloud_tea_openapi.models import Config

endpoint, key, secret, workflow_id = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
client = Client(Config(access_key_id=key, access_key_secret=secret, endpoint=endpoint, protocol="HTTP"))
Update = models.UpdateWorkflowRequest
task = models.UpdateWorkflowRequestTasks(
    name="hello",
    type="DIDE_SHELL",
    owner="1000",
    rerun_mode="AllAllowed",
    script=models.UpdateWorkflowRequestTasksScript(content='echo "hello $1"', parameters="day=$bizdate"),
    trigger=models.UpdateWorkflowRequestTasksTrigger(type="Manual", recurrence="Normal"),
    runtime_resource=models.UpdateWorkflowRequestTasksRuntimeResource(resource_group_id="S_res_group_default"),
)
fields = {"id": workflow_id, "name": "by sdk", "owner": "1000", "tasks": [task]}
trigger = models.UpdateWorkflowRequestTrigger(type="Manual")
updated = client.update_workflow(Update(trigger=trigger, **fields)).body.success
asked = models.CreateWorkflowInstancesRequest(
    project_id=10_000, workflow_id=workflow_id, name="r", type="ManualWorkflow", auto_start_enabled=True
)
operation = client.create_workflow_instances(asked).body.operation_id
query = models.GetCreateWorkflowInstancesResultRequest(operation_id=operation)
while (result := client.get_create_workflow_instances_result(query).body.result).status == "Creating":
    time.sleep(0.02)
whole = models.GetWorkflowInstanceRequest(id=result.workflow_instance_ids[0])
while (seen := client.get_workflow_instance(whole).body.workflow_instance).status not in ("Success", "Failure"):
    time.sleep(0.02)
page = client.list_task_instances(
    models.ListTaskInstancesRequest(project_id=10_000, bizdate=seen.biz_date, page_size=100)
).body.paging_info
instance = next(item for item in page.task_instances if item.workflow_id == workflow_id)
log = client.get_task_instance_log(models.GetTaskInstanceLogRequest(id=instance.id)).body.task_instance_log
try:
    client.get_workflow(models.GetWorkflowRequest(id=1))
    error = None
except Exception as refused:
    error = getattr(refused, "code", None)
try:
    client.update_workflow(Update(**{**fields, "owner": None}))
    missing = None
except Exception as refused:
    missing = getattr(refused, "code", None)
rerun = client.rerun_task_instances(models.RerunTaskInstancesRequest(ids=[1])).body.success_info
print(
    json.dumps(
        {
            "updated": updated,
            "status": seen.status,
            "log": log.startswith("hello 20"),
            "error": error,
            "missing": missing,
            "rerun": rerun["1"].success,
        }
    )
)
