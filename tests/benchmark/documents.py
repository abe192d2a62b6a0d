"""What an attacker's document costs until it is ready to run or refused, on graphql-core's own rules and on ours."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

from graphql import NoSchemaIntrospectionCustomRule, parse, specified_rules, validate

from app.documents.cache import Documents
from app.documents.limits import Limits
from app.documents.request_error import Refusal
from schema.root import build_schema
from tests.documents.adversarial import FAMILIES, of_size

if TYPE_CHECKING:
    from collections.abc import Callable

SIZES = (100, 250, 500, 1_000)
SCHEMA = build_schema()._schema  # noqa: SLF001 - Strawberry has no public way to graphql-core's schema
DOCUMENTS = Documents(SCHEMA, Limits(1_000, 20, 20), introspection=False)
RULES = (*specified_rules, NoSchemaIntrospectionCustomRule)


def microseconds(function: Callable[[str], object], text: str) -> float:
    """The CPU time of one call, the best of three."""
    best = float("inf")
    for _ in range(3):
        started = time.process_time()
        function(text)
        best = min(best, time.process_time() - started)
    return 1e6 * best


def on_graphql_core(text: str) -> None:
    """Parse and validate."""
    validate(SCHEMA, parse(text), RULES, hide_suggestions=True)


def on_ours(text: str) -> None:
    """Parse, bound, validate and compile."""
    with suppress(Refusal):
        DOCUMENTS.make(text, None)


def print_documents() -> None:
    """One row a family, the dearest on graphql-core first."""
    on_ours("{ __typename }")
    rows: list[tuple[str, list[float], list[float]]] = []
    for name, write in FAMILIES.items():
        texts = [of_size(write, size) for size in SIZES]
        before, after = ([microseconds(step, text) for text in texts] for step in (on_graphql_core, on_ours))
        rows.append((name, before, after))
    head = "".join(f"{size:>9}" for size in SIZES)
    print(f"{'us of CPU, tokens up to':<48}{head}   ours{head}")
    for name, before, after in sorted(rows, key=lambda row: -row[1][-1]):
        cells = ["".join(f"{cost:>9.0f}" for cost in costs) for costs in (before, after)]
        print(f"{name:<48}{cells[0]}       {cells[1]}")
