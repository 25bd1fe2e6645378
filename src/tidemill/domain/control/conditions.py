"""Conditions of branch arms: a small part of Python's expressions, walked node by node and never executed.

Served: numbers, texts, True, False, None, tuples and lists; comparisons, chained ones and `in` among them; and, or,
not; `+ - * / // % **` and parentheses. Everything else (names, calls, attributes, indexes, f-strings …) is refused.
Source: scheduling-semantics 10.1.
"""

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

from tidemill.domain.errors import Malformed

MAX_LENGTH = 16_384  # characters of an expression
MAX_DEPTH = 60
MAX_BITS = 1_024  # of an integer
MAX_SIZE = 65_536  # characters of a text, members of a list


class ConditionError(Malformed):
    """A condition that cannot be read or computed; the message says what in it, and what would be right."""


def holds(expression: str, names: Mapping[str, Any] | None = None) -> bool:
    """Whether an expression is true in Python's sense; `names` are what bare names stand for, none if absent.

    Raises ConditionError.
    """
    return bool(evaluate(expression, names))


def evaluate(expression: str, names: Mapping[str, Any] | None = None) -> Any:
    """The value of an expression. Raises ConditionError."""
    text = expression.strip()
    if not text:
        raise ConditionError("the condition is empty")
    if len(text) > MAX_LENGTH:
        raise ConditionError(f"the condition has {len(text)} characters; at most {MAX_LENGTH} are read")
    try:
        tree = ast.parse(text, mode="eval")
    except SyntaxError as error:
        raise ConditionError(f"not an expression: {_shown(text)}: {error.msg}") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise ConditionError(f"not an expression that can be read: {_shown(text)}") from error
    return _Walk(names or {}).value(tree.body, 0)


def _shown(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:200]}…"


_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda item, group: item in group,
    ast.NotIn: lambda item, group: item not in group,
}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


def _is_sequence(value: Any) -> bool:
    return isinstance(value, str | list | tuple)


def _multiply(left: Any, right: Any) -> Any:
    for group, times in ((left, right), (right, left)):
        if _is_sequence(group) and isinstance(times, int) and len(group) * times > MAX_SIZE:
            raise ConditionError(f"a text or list repeated to more than {MAX_SIZE}")
    return left * right


def _remainder(left: Any, right: Any) -> Any:
    if not (_is_number(left) and _is_number(right)):
        raise TypeError("% is for two numbers")  # on a text it would format, to any size
    return left % right


def _power(base: Any, exponent: Any) -> Any:
    if isinstance(base, int) and isinstance(exponent, int) and base.bit_length() * abs(exponent) > MAX_BITS:
        raise ConditionError(f"{base} ** {exponent} is too large: integers have at most {MAX_BITS} bits")
    return base**exponent


_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: _multiply,
    ast.Div: lambda left, right: left / right,
    ast.FloorDiv: lambda left, right: left // right,
    ast.Mod: _remainder,
    ast.Pow: _power,
}
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.Not: operator.not_,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}


class _Walk:
    """One evaluation. `depth` counts how far inside the expression a node is."""

    def __init__(self, names: Mapping[str, Any]) -> None:
        self._names = names

    def value(self, node: ast.expr, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise ConditionError(f"the condition is nested more than {MAX_DEPTH} deep")
        match node:
            case ast.Constant(value=None | bool() | int() | float() | str() as constant):
                return _bounded(constant)
            case ast.Name(id=name):
                return self._name(name)
            case ast.BoolOp(op=op, values=parts):
                return self._logic(op, parts, depth + 1)
            case ast.UnaryOp(op=op, operand=part) if type(op) in _UNARY:
                return _compute(_UNARY[type(op)], self.value(part, depth + 1))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
                return _compute(_ARITHMETIC[type(op)], self.value(left, depth + 1), self.value(right, depth + 1))
            case ast.Compare():
                return self._comparison(node, depth + 1)
            case ast.Tuple(elts=members) | ast.List(elts=members):
                listed = [self.value(member, depth + 1) for member in members]
                return tuple(listed) if isinstance(node, ast.Tuple) else listed
            case _:
                raise ConditionError(f"{_shown(ast.unparse(node))} is not served in a condition")

    def _name(self, name: str) -> Any:
        if name not in self._names:
            raise ConditionError(f"name '{name}' is not defined; a text needs quotes")
        return self._names[name]

    def _logic(self, op: ast.boolop, parts: list[ast.expr], depth: int) -> Any:
        """Like Python: the first part that decides is the value, and what follows it is not computed."""
        stop = isinstance(op, ast.Or)
        value: Any = None
        for part in parts:
            value = self.value(part, depth)
            if bool(value) == stop:
                break
        return value

    def _comparison(self, node: ast.Compare, depth: int) -> Any:
        left = self.value(node.left, depth)
        for op, part in zip(node.ops, node.comparators, strict=True):
            if type(op) not in _COMPARE:
                raise ConditionError("`is` is not served in a condition; use ==")
            right = self.value(part, depth)
            if not _compute(_COMPARE[type(op)], left, right):
                return False
            left = right
        return True


def _compute(function: Callable[..., Any], *values: Any) -> Any:
    try:
        return _bounded(function(*values))
    except ConditionError:
        raise
    except OverflowError as error:
        raise ConditionError(f"{' and '.join(_shown(repr(value)) for value in values)}: too large") from error
    except (TypeError, ValueError, ArithmeticError) as error:
        raise ConditionError(f"{' and '.join(_shown(repr(value)) for value in values)}: {error}") from error


def _bounded(value: Any) -> Any:
    """The value itself, if it is none that could grow without limit."""
    if _is_sequence(value) and len(value) > MAX_SIZE:
        raise ConditionError(f"a text or list of more than {MAX_SIZE}")
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        raise ConditionError(f"an integer of more than {MAX_BITS} bits")
    if isinstance(value, complex):
        raise ConditionError("complex numbers are not served in a condition")
    return value
