"""The life of a request, from its bytes to its answer."""

import asyncio
import json
import logging
import re
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import parse_qsl, quote, quote_plus

import pytest

from tests.api.client import HOST, KEY, NOW, AsgiClient, Signed, Wanted, v1, v3
from tests.api.echo import ACTIONS
from tidemill import __version__
from tidemill.actions.perform import Services
from tidemill.api.request import Incoming, read
from tidemill.domain.errors import InvalidRequest

REQUEST_ID = re.compile(r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}")
MINUTE = 60_000


def without(signed: Signed, *names: str) -> Signed:
    return replace(signed, headers=[(name, value) for name, value in signed.headers if name not in names])


def with_header(signed: Signed, name: str, value: str) -> Signed:
    return replace(without(signed, name), headers=[*without(signed, name).headers, (name, value)])


# --- answers -------------------------------------------------------------------------------------------------------


def test_a_signed_call_is_answered_with_a_request_id(client: AsgiClient) -> None:
    reply = client.call("Echo", Id="7", Name="七", Flag="True")
    assert reply.status == 200
    assert reply.json["Echo"] == {"Id": 7, "Name": "七", "Flag": True, "Ids": [], "Types": []}
    assert REQUEST_ID.fullmatch(reply.json["RequestId"])
    assert reply.headers["x-acs-request-id"] == reply.json["RequestId"]
    assert reply.headers["content-type"] == "application/json;charset=utf-8"
    assert reply.headers["content-length"] == str(len(reply.body))


def test_an_answer_without_members_is_an_object_all_the_same(client: AsgiClient) -> None:
    assert set(client.call("ReadProject", ProjectId="10000").json) == {"RequestId"}


def test_xml_is_answered_in_json(client: AsgiClient) -> None:
    assert client.call("Echo", Format="XML").status == 200


def test_readers_do_not_wait_for_writers(client: AsgiClient, services: Services) -> None:
    with services.database.write():
        assert client.call("ReadProject", ProjectId="10000").status == 200


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_health_needs_no_signature(client: AsgiClient, method: str) -> None:
    reply = client.raw(method, "/health")
    assert reply.status == 200
    if method == "GET":
        assert reply.json == {"Status": "ok", "Version": __version__}


# --- where parameters are ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/openapi/", "/a/b", "//"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_every_path_and_both_methods_are_the_api(client: AsgiClient, path: str, method: str) -> None:
    assert client.send(v3(Wanted(method=method, query={"Id": "7"})), path=path).json["Echo"]["Id"] == 7


def test_query_and_form_are_merged_and_the_body_wins(client: AsgiClient) -> None:
    wanted = Wanted(query={"Id": "1", "Name": "query"}, form={"Name": "form"})
    for sign in (v3, v1):
        assert client.send(sign(wanted)).json["Echo"] == {"Id": 1, "Name": "form", "Ids": [], "Types": []}


def test_json_bodies_carry_parameters(client: AsgiClient) -> None:
    body = json.dumps({"Id": 7, "Tags": [{"Key": "a"}], "Script": {"Content": "x"}, "Flag": False}).encode()
    reply = client.send(v3(Wanted(body=body, content_type="application/json; charset=utf-8")))
    assert reply.json["Echo"] == {
        "Id": 7, "Flag": False, "Tags": [{"Key": "a"}], "Script": {"Content": "x"}, "Ids": [], "Types": []
    }  # fmt: skip


def test_a_body_in_parts_is_put_together(client: AsgiClient) -> None:
    signed = v3(Wanted(form={"Name": "x" * 1000}))
    assert client.send(signed, parts=7).json["Echo"]["Name"] == "x" * 1000


def test_common_and_unknown_parameters_are_no_errors(client: AsgiClient, services: Services) -> None:
    assert client.call("Echo", RegionId="cn-hangzhou", SourceIp="::1", New="1", **{"New.2.X": "2"}).status == 200
    assert services.unknown_parameters == {"Echo": 2}


@pytest.mark.parametrize("text", ["a=b%&中文😀\r\n =%0A_.~*", "%", "=", "é"], ids=repr)
@pytest.mark.parametrize("times", [1, 2_000])
def test_short_and_long_fields_are_decoded_alike(text: str, times: int) -> None:
    for encoded in (quote_plus(text), quote(text), quote(text).lower(), text.replace("&", "").replace("+", "")):
        query = f"&a={encoded * times}&b&=c"
        assert Incoming("GET", {}, query, b"").query == parse_qsl(query, keep_blank_values=True)


def test_very_many_fields_are_refused() -> None:
    with pytest.raises(InvalidRequest):
        _ = Incoming("GET", {}, "&" * 100_000, b"").query


# --- who calls -----------------------------------------------------------------------------------------------------


def test_nothing_asked_is_an_error_in_json(client: AsgiClient) -> None:
    reply = client.raw("GET", headers=[("host", HOST)])
    assert (reply.status, reply.code) == (400, "MissingAction")
    assert reply.json["Message"] == "Action is mandatory for this action."


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        (lambda: without(v3(Wanted()), "Authorization"), 400, "MissingAccessKeyId"),
        (lambda: without(v3(Wanted()), "x-acs-version"), 400, "MissingVersion"),
        (lambda: without(v3(Wanted()), "x-acs-date"), 400, "IncompleteSignature"),
        (lambda: with_header(v3(Wanted()), "Authorization", "ACS3-HMAC-SHA256 rubbish"), 400, "IncompleteSignature"),
        (lambda: with_header(v3(Wanted()), "Authorization", "ACS3-HMAC-SHA256"), 400, "IncompleteSignature"),
        (lambda: with_header(v3(Wanted()), "Authorization", "Basic abc"), 400, "IncompleteSignature"),
        (lambda: with_header(v3(Wanted()), "Authorization", "ACS3-RSA-SHA256 a"), 400, "InvalidSignatureMethod"),
        (lambda: with_header(v3(Wanted()), "x-acs-date", "2026-01-02 03:04:05"), 400, "InvalidTimeStamp.Format"),
        (lambda: with_header(v3(Wanted()), "x-acs-date", "2026-13-02T03:04:05Z"), 400, "InvalidTimeStamp.Format"),
        (lambda: with_header(v3(Wanted()), "x-acs-content-sha256", "é"), 400, "SignatureDoesNotMatch"),
        (lambda: with_header(v3(Wanted()), "x-acs-action", "GetWorkflow"), 400, "SignatureDoesNotMatch"),
        (lambda: replace(v3(Wanted(form={"Id": "1"})), body=b"Id=2"), 400, "SignatureDoesNotMatch"),
        (lambda: replace(v1(Wanted(form={"Id": "1"})), body=b"Id=2"), 400, "SignatureDoesNotMatch"),
        (lambda: v3(Wanted(secret="wrong")), 400, "SignatureDoesNotMatch"),
        (lambda: v1(Wanted(secret="wrong")), 400, "SignatureDoesNotMatch"),
        (lambda: v3(Wanted(key="LTAIUNKNOWN")), 404, "InvalidAccessKeyId.NotFound"),
        (lambda: v3(Wanted(key="STS.abc")), 400, "MissingSecurityToken"),
        (lambda: with_header(v3(Wanted(key="STS.abc")), "x-acs-security-token", "t"), 400,
         "InvalidSecurityToken.Malformed"),
        (lambda: with_header(v3(Wanted()), "x-acs-security-token", "t"), 400,
         "InvalidSecurityToken.MismatchWithAccessKey"),
        (lambda: v3(Wanted(now=NOW - 15 * MINUTE - 1000)), 400, "InvalidTimeStamp.Expired"),
        (lambda: v1(Wanted(now=NOW + 15 * MINUTE + 1000)), 400, "InvalidTimeStamp.Expired"),
        (lambda: v3(Wanted("NoSuchAction")), 404, "InvalidAction.NotFound"),
        (lambda: v3(Wanted("echo")), 404, "InvalidAction.NotFound"),
        (lambda: v3(Wanted(version="2020-05-18")), 404, "InvalidAction.NotFound"),
        (lambda: v3(Wanted("CreateDIJob")), 501, "NotImplemented"),
        (lambda: v3(Wanted("Echo", form={"Id": "x"})), 400, "InvalidId"),
        (lambda: v3(Wanted("ReadProject")), 400, "MissingProjectId"),
        (lambda: v3(Wanted("ReadProject", form={"ProjectId": "1"})), 404, "InvalidProject.NotFound"),
        (lambda: v3(Wanted("Fail", form={"How": "not found"})), 404, "InvalidWorkflow.NotFound"),
        (lambda: v3(Wanted("Fail", form={"How": "conflict"})), 409, "Conflict"),
        (lambda: v3(Wanted("Fail", form={"How": "forbidden"})), 403, "Forbidden.Access"),
        (lambda: v3(Wanted("Echo", form={"Name": "x" * 110_000})), 413, "RequestEntityTooLarge"),
        (lambda: v3(Wanted(method="PUT")), 405, "UnsupportedHTTPMethod"),
    ],
)  # fmt: skip
def test_what_is_refused_and_how(client: AsgiClient, change: Callable[[], Signed], status: int, code: str) -> None:
    reply = client.send(change())
    assert (reply.status, reply.code) == (status, code)
    answer = reply.json
    texts = {name: answer[name] for name in ("RequestId", "HostId", "Code", "Message", "Recommend")}
    assert all(isinstance(value, str) and value for value in texts.values())
    assert answer["HostId"] == HOST
    assert answer["Recommend"] == f"http://{HOST}/"
    assert reply.headers["x-acs-request-id"] == answer["RequestId"]
    assert isinstance(answer.get("AccessDeniedDetail", {}), dict)


@pytest.mark.parametrize("parameter", ["AccessKeyId", "Timestamp", "SignatureNonce", "Signature"])
def test_v1_names_the_common_parameter_that_is_missing(client: AsgiClient, parameter: str) -> None:
    signed = v1(Wanted())
    query = "&".join(pair for pair in signed.query.split("&") if not pair.startswith(f"{parameter}="))
    assert client.send(replace(signed, query=query)).code == f"Missing{parameter}"


@pytest.mark.parametrize("where", ["header", "parameter"])
def test_bearer_tokens_are_refused(client: AsgiClient, where: str) -> None:
    if where == "header":
        headers = {"x-acs-bearer-token": "t", "x-acs-action": "Echo", "x-acs-version": "2024-05-18"}
        reply = client.raw("GET", headers=[*headers.items()])
    else:
        reply = client.raw("GET", query="Action=Echo&Version=2024-05-18&BearerToken=t&SignatureType=BEARERTOKEN")
    assert (reply.status, reply.code) == (400, "InvalidSignatureMethod")


def test_v1_takes_only_hmac_sha1(client: AsgiClient) -> None:
    assert client.send(v1(Wanted(query={"SignatureMethod": "HMAC-SHA256"}))).code == "InvalidSignatureMethod"


def test_clocks_may_differ_by_fifteen_minutes(client: AsgiClient) -> None:
    for off in (-15, 15):
        assert client.send(v3(Wanted(now=NOW + off * MINUTE))).status == 200


def test_a_disabled_key_or_account_is_refused_within_seconds(client: AsgiClient, services: Services) -> None:
    with services.database.write() as db:
        db.exec_driver_sql("UPDATE account SET status = 'Inactive'")
    assert client.call("Echo").code == "InvalidAccessKeyId.Inactive"


@pytest.mark.parametrize("sign", [v3, v1])
def test_a_mismatch_shows_our_string_to_sign_after_the_only_colon(
    client: AsgiClient, sign: Callable[..., Signed]
) -> None:
    message = client.send(sign(Wanted(secret="wrong", form={"Name": "a:b"}))).json["Message"]
    text, to_sign = message.split(":")
    assert text.endswith("server string to sign is")
    assert to_sign.startswith("ACS3-HMAC-SHA256\n" if sign is v3 else "POST&%2F&")


def test_an_operation_that_only_the_api_has_names_those_served(client: AsgiClient) -> None:
    message = client.call("CreateDIJob").json["Message"]
    assert all(name in message for name in ACTIONS)


# --- what a signature covers ---------------------------------------------------------------------------------------

JSON = "application/json"


def in_form(signed: Signed) -> Signed:
    """V1 signs query and form alike."""
    return replace(signed, query="", body=signed.query.encode())


def in_json(signed: Signed, more_query: str = "") -> Signed:
    """With Action in a JSON body, which V1 signs as well."""
    query = signed.query.replace("Action=Echo&", "") + more_query
    return replace(with_header(signed, "Content-Type", JSON), query=query, body=b'{"Action": "Echo"}')


def unsigned(signed: Signed, header: str, value: str) -> Signed:
    """The header is another one, and not among those that were signed."""
    names = dict(signed.headers)["Authorization"].replace(f";{header}", "")
    return with_header(with_header(signed, "Authorization", names), header, value)


OTHER = "NoSuchAction"


@pytest.mark.parametrize(
    ("signed", "code"),
    [
        pytest.param(lambda: v1(Wanted()), None, id="V1 in the query"),
        pytest.param(lambda: in_form(v1(Wanted())), None, id="V1 in the form"),
        pytest.param(lambda: in_json(v1(Wanted())), None, id="V1 in JSON"),
        pytest.param(
            lambda: in_json(v1(Wanted()), f"&Action={OTHER}"), None, id="V1 in JSON, with another in the query"
        ),
        pytest.param(lambda: v1(Wanted("", query={"Id": "1"})), "InvalidAction.NotFound", id="V1 nowhere"),
    ],
)
@pytest.mark.parametrize("authorization", [None, "x", "Basic eA=="])
def test_v1_takes_names_from_no_header_where_a_parameter_says_them(
    client: AsgiClient, signed: Callable[[], Signed], code: str | None, authorization: str | None
) -> None:
    request = with_header(with_header(signed(), "x-acs-action", OTHER), "x-acs-version", "2020-05-18")
    if authorization:
        request = with_header(request, "Authorization", authorization)
    reply = client.send(request)
    assert (reply.json.get("Code"), reply.status) == (code, 404 if code else 200)


@pytest.mark.parametrize(
    ("signed", "code"),
    [
        pytest.param(lambda: v3(Wanted()), None, id="in the header"),
        pytest.param(lambda: v3(Wanted(OTHER, query={"Action": "Echo"})), None, id="the query wins"),
        pytest.param(lambda: v3(Wanted(form={"Action": OTHER})), None, id="the form does not"),
        pytest.param(lambda: v3(Wanted(body=b'{"Action": "X"}', content_type=JSON)), None, id="nor does JSON"),
        pytest.param(lambda: unsigned(v3(Wanted()), "x-acs-action", OTHER), "IncompleteSignature", id="unsigned"),
        pytest.param(lambda: unsigned(v3(Wanted()), "x-acs-version", "1"), "IncompleteSignature", id="of no version"),
        pytest.param(
            lambda: replace(v3(Wanted()), query="Action=GetWorkflow"), "SignatureDoesNotMatch", id="added to the query"
        ),
    ],
)
def test_v3_takes_names_from_what_is_signed(client: AsgiClient, signed: Callable[[], Signed], code: str | None) -> None:
    reply = client.send(signed())
    assert (reply.json.get("Code"), reply.status) == (code, 400 if code else 200)


def test_what_v1_claims_is_what_it_signs(client: AsgiClient) -> None:
    signed = v1(Wanted(nonce="first"))
    body = b'{"SignatureNonce": "first"}'
    again = replace(
        with_header(signed, "Content-Type", JSON), query=signed.query.replace("Nonce=first", "Nonce=second"), body=body
    )
    assert client.send(again).code == "InvalidSignatureNonce"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param(lambda signed: without(signed, "Authorization"), "MissingAccessKeyId", id="no signature"),
        pytest.param(
            lambda signed: without(signed, "Authorization", "x-acs-action"), "MissingAccessKeyId", id="no name either"
        ),
        pytest.param(
            lambda signed: with_header(signed, "x-acs-signature-nonce", "x"), "SignatureDoesNotMatch", id="V3"
        ),
        pytest.param(
            lambda signed: replace(signed, headers=[("Content-Type", JSON)], query=v1(Wanted(key="LTAIX")).query),
            "InvalidAccessKeyId.NotFound",
            id="V1",
        ),
    ],
)
def test_json_of_a_stranger_is_not_read(
    client: AsgiClient, monkeypatch: pytest.MonkeyPatch, change: Callable[[Signed], Signed], code: str
) -> None:
    read_texts: list[str] = []
    monkeypatch.setattr("tidemill.actions.json_text.load", read_texts.append)
    reply = client.send(change(v3(Wanted(body=b'{"Action": "Echo"}', content_type=JSON))))
    assert (reply.code, read_texts) == (code, [])


# --- bytes that make no sense --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/x-www-form-urlencoded", b"\xff\xfe\x00"),
        ("application/json", b"[" * 90_000),
        ("application/json", b'{"a":' * 15_000),
        ("application/json", b"[]"),
        ("application/json", b"nonsense"),
        ("application/json", b'{"Name": "\\ud800"}'),
        ("application/json", b'{"Id": ' + b"9" * 5_000 + b"}"),
    ],
)
def test_bodies_that_cannot_be_read_are_400(client: AsgiClient, content_type: str, body: bytes) -> None:
    reply = client.send(v3(Wanted(body=body, content_type=content_type)))
    assert (reply.status, reply.code) == (400, "InvalidBody")


def test_fields_nested_too_deep_are_400(client: AsgiClient) -> None:
    reply = client.call("Echo", Tags="[" * 30_000)
    assert (reply.status, reply.code) == (400, "InvalidTags")


def test_a_client_that_leaves_gets_no_answer(client: AsgiClient) -> None:
    sent: list[object] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.disconnect"}

    async def send(message: object) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/", "scheme": "http", "query_string": b"", "headers": []}
    asyncio.run(client.app(scope, receive, send))
    assert sent == []


# --- faults of ours ------------------------------------------------------------------------------------------------


def test_an_unknown_error_is_logged_and_says_nothing(client: AsgiClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        reply = client.call("Fail", How="bug")
    assert (reply.status, reply.code) == (500, "InternalError")
    assert "secret" not in reply.body.decode()
    assert reply.json["RequestId"] in caplog.text
    assert "insides with a secret" in caplog.text


def test_nothing_of_a_failed_action_remains_but_its_line_in_the_log(client: AsgiClient, services: Services) -> None:
    reply = client.call("Fail", How="conflict")
    with services.database.read() as db:
        assert db.exec_driver_sql("SELECT description FROM project").scalar() is None
        rows = db.exec_driver_sql("SELECT action, account_id, request_id, time, code FROM operation_log").all()
    assert rows == [("Fail", "1000", reply.json["RequestId"], NOW, "StatusConflict")]
    assert KEY not in reply.body.decode()


def test_headers_are_read_as_utf_8_and_joined_when_repeated() -> None:
    scope = {
        "method": "GET",
        "query_string": b"",
        "headers": [(b"x-a", b" 2 "), (b"X-A", b"1"), (b"x-b", "é".encode()), (b"x-c", b"\xe9")],
    }

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    assert asyncio.run(read(scope, receive, 10)).headers == {"x-a": "1,2", "x-b": "é", "x-c": "é"}
