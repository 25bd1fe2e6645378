"""aliyun-python-sdk-core, which signs as V1; prints what it saw as JSON."""

import json
import sys

from aliyunsdkcore.acs_exception.exceptions import ServerException
from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.request import CommonRequest

endpoint, key, secret, workflow_id = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])


def call(action, method="POST", secret=secret, **parameters):
    request = CommonRequest(domain=endpoint, version="2024-05-18", action_name=action)
    request.set_method(method)
    request.set_protocol_type("http")
    request.set_accept_format("json")
    for name, value in parameters.items():
        (request.add_query_param if method == "GET" else request.add_body_params)(name, value)
    return json.loads(AcsClient(key, secret, "cn-shanghai").do_action_with_exception(request))


def code(*args, **parameters):
    try:
        call(*args, **parameters)
    except ServerException as refused:
        return refused.get_error_code()


task = {
    "Name": "v1", "Type": "VIRTUAL", "Owner": "1000", "RerunMode": "AllAllowed", "Trigger": {"Recurrence": "Normal"},
    "RuntimeResource": {"ResourceGroupId": "g"}, "Description": "ünï + *~ &=",
}  # fmt: skip
trigger = json.dumps({"Type": "Manual"})
updated = call("UpdateWorkflow", Id=workflow_id, Name="v1 *~+", Owner="1000", Trigger=trigger, Tasks=json.dumps([task]))
got = call("GetWorkflow", "GET", Id=workflow_id)["Workflow"]
print(
    json.dumps(
        {
            "updated": updated["Success"],
            "name": got["Name"],
            "description": got["Tasks"][0]["Description"],
            "error": code("GetWorkflow", "GET", Id=1),
            "signature": code("GetWorkflow", "GET", "wrong", Id=1),
            "missing": code("GetWorkflow", "GET"),
        }
    )
)
