"""The life of a request, from its bytes to its answer."""

from tests.api.client import AsgiClient


def test_a_signed_call_is_answered_with_a_request_id(client: AsgiClient) -> None:
    reply = client.call("Echo", Id="7", Name="七", Flag="True")
    assert reply.status == 200
    assert reply.json["Echo"] == {"Id": 7, "Name": "七", "Flag": True, "Ids": [], "Types": []}
    assert reply.headers["x-acs-request-id"] == reply.json["RequestId"]
