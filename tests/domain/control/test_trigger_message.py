"""References to the message that triggered a workflow."""

import pytest

from tidemill.domain.control.trigger_message import references
from tidemill.domain.substitution import render

FILE = '{"data":{"oss":{"object":{"key":"input/a.csv","size":3}}}}'
QUEUE = '{"topic":"t","key":"k","value":"{\\"user_id\\":\\"1001\\"}"}'


@pytest.mark.parametrize(
    ("message", "script", "expected", "warned"),
    [
        pytest.param(FILE, "${workflow.triggerMessage.data.oss.object.key}", "input/a.csv", 0, id="M01"),
        pytest.param(QUEUE, "${workflow.triggerMessage.value}", '{"user_id":"1001"}', 0, id="M02"),
        pytest.param(FILE, "${workflow.triggerMessage}", FILE, 0, id="M03"),
        pytest.param(FILE, "<${workflow.triggerMessage.data.none}>", "<>", 1, id="M04"),
        pytest.param(QUEUE, "<${workflow.triggerMessage.value.user_id}>", "<>", 1, id="JSON in a text is not parsed"),
        pytest.param(FILE, "${workflow.triggerMessage.data.oss.object.size}", "3", 0, id="a number"),
        pytest.param(FILE, "${workflow.triggerMessage.data.oss.object}", '{"key":"input/a.csv","size":3}', 0,
                     id="an object"),
        pytest.param('{"a":["x","y"]}', "${workflow.triggerMessage.a.1}", "y", 0, id="a member of a list"),
        pytest.param("no JSON", "${workflow.triggerMessage}${workflow.triggerMessage.a}", "no JSON", 1, id="a text"),
        pytest.param(FILE, "${workflow.other} ${x}", "${workflow.other} ${x}", 0, id="other references"),
    ],
)  # fmt: skip
def test_paths_select_inside_the_message(message: str, script: str, expected: str, warned: int) -> None:
    found = references(script, message)
    assert render(script, found.values) == expected
    assert len(found.warnings) == warned
