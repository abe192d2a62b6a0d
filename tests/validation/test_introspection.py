"""How deep introspection may go: the verdict of graphql-core's rule, and its words."""

from __future__ import annotations

import pytest
from graphql import MaxIntrospectionDepthRule, parse, validate

from app.execution.introspection import IntrospectionDepthRule
from tests.validation.schemas import MEETING

DEEP = "types { fields { type { fields { type { fields { name } } } } } }"
SHALLOW = "types { fields { type { fields { name } } } }"

# Twice where two ways are too deep, so that one is not taken for the other.
DOCUMENTS = {
    "shallow": (f"{{ __schema {{ {SHALLOW} }} }}", 0),
    "deep": (f"{{ __schema {{ {DEEP} }} }}", 1),
    "deep-twice": (f"{{ a: __schema {{ {DEEP} }} b: __schema {{ {DEEP} }} }}", 2),
    "deep-after-shallow": (f"{{ a: __schema {{ {SHALLOW} }} b: __schema {{ {DEEP} }} }}", 1),
    "shallow-after-deep": (f"{{ a: __schema {{ {DEEP} }} b: __schema {{ {SHALLOW} }} }}", 1),
    "one-in-another": (f"{{ __schema {{ __schema {{ {DEEP} }} x {{ __type {{ {SHALLOW} }} }} }} }}", 1),
    "one-in-another-both-shallow": (f"{{ __schema {{ __schema {{ {SHALLOW} }} {SHALLOW} }} }}", 0),
    "after-one-in-another": (f"{{ a: __schema {{ __schema {{ x }} }} __schema {{ {DEEP} }} }}", 1),
    "through-fragments": (
        f"{{ ...A }} fragment A on Query {{ __schema {{ __schema {{ ...B }} }} }} fragment B on __Schema {{ {DEEP} }}",
        1,
    ),
    "in-a-fragment": (f"{{ __schema {{ ...A }} }} fragment A on __Schema {{ __schema {{ {DEEP} }} }}", 2),
}


@pytest.mark.parametrize(("text", "told"), DOCUMENTS.values(), ids=DOCUMENTS)
def test_introspection_is_as_deep_as_graphql_core_lets_it_be(text: str, told: int) -> None:
    """The same is told of the same fields, of the outermost of several in each other."""
    document = parse(text)
    errors = validate(MEETING, document, [IntrospectionDepthRule])
    assert [str(error) for error in errors] == [
        str(error) for error in validate(MEETING, document, [MaxIntrospectionDepthRule])
    ]
    assert len(errors) == told
