"""JSON as requests carry it, within bounds: a few bytes a value would become a hundred in memory."""

import json
import re
from itertools import islice

MAX_VALUES = 500_000  # a workflow at every limit has a tenth of it
# A text without end is one as well, up to the end: else each quote in it would be looked at as a text's beginning.
_TEXT_OR_SIGN = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[,\[{]', re.DOTALL)


def load(text: str) -> object:
    """What JSON says. Raises ValueError for what is no JSON, is nested too deep, or has too many values."""
    if _has_too_many(text):
        raise ValueError(f"JSON of at most {MAX_VALUES} values is expected")
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("JSON that is not nested so deep is expected") from None
    except ValueError:
        raise ValueError("JSON is expected") from None


def _has_too_many(text: str) -> bool:
    """Each value but the first comes after a sign. Scripts have signs too, so inside of texts they do not count."""
    if sum(text.count(sign) for sign in ",[{") < MAX_VALUES:
        return False
    signs = (None for match in _TEXT_OR_SIGN.finditer(text) if text[match.start()] != '"')
    return next(islice(signs, MAX_VALUES - 1, None), False) is None
