"""A body is read in one step or, where it is unusual, in several: the same request or refusal comes of both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from app.execution.request_error import RequestError
from app.graphql_http.request import _from_unusual_body, from_body

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.documents.graphql_request import GraphQLRequest

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
PARAMETERS = st.lists(
    st.tuples(st.sampled_from(["query", "variables", "operationName", "operation_name", "extensions"]), VALUES)
    | st.tuples(st.just("query"), st.text(max_size=5))
    | st.tuples(st.sampled_from(["variables", "extensions"]), st.dictionaries(st.text(max_size=5), VALUES, max_size=2))
    | st.tuples(st.just("operationName"), st.text(max_size=3)),
    max_size=5,
)


def object_of(pairs: list[tuple[str, object]]) -> bytes:
    """An object whose names may repeat."""
    members = (msgspec.json.encode(name) + b":" + msgspec.json.encode(value) for name, value in pairs)
    return b"{" + b",".join(members) + b"}"


def read(by: Callable[[], GraphQLRequest]) -> tuple[object, ...]:
    """What comes of reading."""
    try:
        request = by()
    except RequestError as refusal:
        return type(refusal), refusal.code, [error.message for error in refusal.errors]
    return request.query, request.operation_name, request.variables, request.extensions


@given(PARAMETERS.map(object_of) | st.binary(max_size=20))
@example(b'{"query": "{ a }", "query": 5}')
@example(b'{"query": 5, "query": "{ a }"}')
@example(b'{"query": "\xff"}')
@example(b'{"query": "\\ud800"}')
@example(b'{"query": "{ a }", "variables": {"id": 123456789012345678901234567890}}')
@example(b'{"query": "{ a }", "variables": {"id": 1e999}}')
@example(b'{"query": "{ a }", "variables": null, "operationName": "", "extensions": null}')
@example(b'{"query": "{ a }"} x')
@example(b'\xef\xbb\xbf{"query": "{ a }"}')
def test_the_quick_way_reads_what_the_slow_way_does(body: bytes) -> None:
    """Whatever the body."""
    assert read(lambda: from_body(body, 1_000)) == read(lambda: _from_unusual_body(body))
