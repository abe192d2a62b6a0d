"""The answer of ``_service``."""

from __future__ import annotations

from graphql import graphql_sync

from schema.root import build_schema


def test_the_sdl_is_printed_once_by_strawberry() -> None:
    schema = build_schema()
    answers = [graphql_sync(schema._schema, "{ _service { sdl } }") for _ in range(2)]  # noqa: SLF001 - its only way
    first, second = (answer.data["_service"]["sdl"] for answer in answers if answer.data)
    assert first == schema.as_str()
    assert first is second
