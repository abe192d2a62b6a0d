"""Costs of documents: CPU until a hostile document is planned or refused, and the memory that kept plans take."""

from __future__ import annotations

import asyncio
import gc
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from app.documents.plan_cache import PlanCache
from app.execution.request_error import RequestError
from app.settings import load
from tests.benchmark.results import DocumentResult
from tests.documents.adversarial import FAMILIES, SPREADS, of_size, tokens
from tests.execution.contacts import OUTCOMES, StubContacts, build_contact_schema

if TYPE_CHECKING:
    from app.execution.plan import Plan

MAX_ROWS = 10
ROUNDS = 10
SCHEMA = build_contact_schema()
SETTINGS = load({})
README = (
    "mutation Delete($id: ID!) { deleteContact(id: $id) { __typename "
    "... on DeleteContactSuccess { deletedContactId contact { __typename id } message confirmedBy } "
    "... on WethodError { key message statusCode } ... on WethodValidationError { failures { field message } } "
    "... on WethodRateLimitedError { retryAfterSeconds } } }"
)


def plans() -> PlanCache:
    """Make the cache of a gateway with default limits."""
    return PlanCache(SCHEMA, SETTINGS, introspection=False)


def run(plan: Plan, number: int) -> bytes:
    """Run a plan against one outcome, and encode its answer."""
    coerced = plan.coerce({"id": str(number)})
    return msgspec.json.encode({"data": asyncio.run(plan.execute(coerced, StubContacts())).data})


def milliseconds(text: str) -> tuple[float, str, int]:
    """Time planning and running a document once: CPU; how it ended; bytes of the answer."""
    cache = plans()
    size = 0
    started = time.process_time()
    try:
        size = len(run(cache.find(text, None), 3))
        ended = "runs"
    except RequestError as error:
        ended = f"{error.code} {error.limit}"
    return 1e3 * (time.process_time() - started), ended, size


def resident() -> float:
    """Read the resident memory of this process, in MB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 1e6


def name(text: str) -> str | None:
    return text.split("(", maxsplit=1)[0].split("{", maxsplit=1)[0].split()[1] if " " in text else None


def memory(write: str) -> tuple[int, float]:
    """Fill a cache with variants of one document, each run with every outcome: how many are kept, and MB they take."""
    cache = plans()
    gc.collect()
    before = resident()
    for number in range(3_000):
        text = write.replace("NUMBER", str(number))
        plan = cache.find(text, name(text))
        for outcome in range(len(OUTCOMES)):
            with suppress(RequestError):  # a plan stays in the cache if its operation makes too many calls
                run(plan, outcome)
        if len(cache) <= number:
            break
    gc.collect()
    return len(cache), resident() - before


def measure_documents() -> list[DocumentResult]:
    """Measure each family at the limits, best of ``ROUNDS``, the most expensive first.

    A slow second of the machine affects one round of a few families, and no family in all rounds.
    """
    texts = {family: of_size(write, SETTINGS.gateway_max_tokens) for family, write in (FAMILIES | SPREADS).items()}
    rounds = [{family: milliseconds(text) for family, text in texts.items()} for _ in range(ROUNDS)]
    rows = []
    for family, text in texts.items():
        cost, ended, size = min(measured[family] for measured in rounds)
        rows.append(DocumentResult(family, tokens(text), cost, size, ended))
    return sorted(rows, key=lambda row: row.cpu_ms, reverse=True)[:MAX_ROWS]


def print_memory() -> None:
    """Print the memory of a full cache of plans of each kind, each measured in a process of its own."""
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as processes:
        for kind, (count, megabytes) in zip(KEPT, processes.map(memory, KEPT.values()), strict=True):
            print(f"{kind:<30}{count:>7} plans{megabytes:>7.1f} MB")


def each(text: str, count: int) -> str:
    return " ".join(f"a{number}: {text}" for number in range(count))


def _delete(fields: str, fragments: str = "") -> str:
    return f"mutation QNUMBER($id: ID!) {{ deleteContact(id: $id) {{ {fields} }} }} {fragments}"


KEPT = {
    "readme": README.replace("Delete(", "DeleteNUMBER("),
    "typename": _delete("__typename"),
    "leaves": _delete(f"... on WethodError {{ {each('key', 90)} }}"),
    "one-leaf-again": _delete(f"... on WethodError {{ {'key ' * 50} }}"),
    "objects": _delete(f"... on WethodError {{ {each('response { version }', 60)} }}"),
    "one-object-again": _delete(f"... on WethodError {{ {'response { version } ' * 30} }}"),
    "through-fragments": _delete(
        f"... on WethodError {{ {each('response { ...F }', 40)} }}",
        "fragment F on WethodResponse { version charset statusText callback }",
    ),
    "short-fragments": _delete("... on WethodError { ...A ...A }", "fragment A on WethodError { key }"),
    "conditions": (
        "mutation QNUMBER($id: ID!, $x: Boolean! = true) { deleteContact(id: $id) { ... on WethodError "
        f"@include(if: $x) {{ {each('response { version }', 60)} }} }} }}"
    ),
    "operations": " ".join(
        f"mutation A{letter}NUMBER {{ deleteContact(id: 1) {{ ...F }} }}" for letter in range(40)
    ).replace("A0NUMBER", "QNUMBER")
    + " fragment F on WethodError { key message statusCode response { version charset statusText callback } }",
    "short-operations": " ".join(f"query A{i}_NUMBER{{a:__typename}}" for i in range(50)),
    "literals": f"mutation QNUMBER {{ deleteContacts(ids: [{'1 ' * 900}]) {{ __typename }} }}",
    "variables": f"mutation QNUMBER($i: ID!) {{ deleteContacts(ids: [{'$i ' * 400}]) {{ __typename }} }}",
    "twenty-roots": (
        "mutation QNUMBER($id: ID!) { " + each("deleteContact(id: $id) { ...F }", 20) + " } fragment F on WethodError "
        "{ key message statusCode response { version charset statusText callback } }"
    ),
}
"""Documents that take much memory for their weight; ``NUMBER`` makes them differ."""


if __name__ == "__main__":
    print_memory()
