"""Costs of documents: CPU until a hostile document is planned or refused, and the memory that kept plans take."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from app.documents.limits import Limits
from app.documents.plan_cache import PlanCache
from app.execution.request_error import RequestError
from tests.documents.adversarial import FAMILIES, SPREADS, of_size, tokens
from tests.execution.contacts import OUTCOMES, StubContacts, build_contact_schema

if TYPE_CHECKING:
    from app.execution.plan import Plan

LIMITS = Limits(1_000, 20, 20)
SCHEMA = build_contact_schema()
MAX_VARIANTS = 3_000


def plans() -> PlanCache:
    """Make the cache of a gateway with default limits."""
    return PlanCache(SCHEMA, LIMITS, introspection=False)


def run(plan: Plan, number: int) -> bytes:
    """Run a plan against one outcome, and encode its answer."""
    coerced = plan.coerce({"id": str(number)})
    return msgspec.json.encode({"data": asyncio.run(plan.execute(coerced, StubContacts())).data})


def milliseconds(text: str) -> tuple[float, str, int]:
    """Time planning and running a document: CPU, best of three; how it ended; bytes of the answer."""
    best, ended, size = float("inf"), "", 0
    for _ in range(3):
        cache = plans()
        started = time.process_time()
        try:
            size = len(run(cache.find(text, None), 3))
            ended = "runs"
        except RequestError as error:
            ended = f"{error.code} {error.limit}"
        best = min(best, time.process_time() - started)
    return 1e3 * best, ended, size


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 1e6


def memory(name: str) -> tuple[str, int, float]:
    """Fill a cache with variants of one document, each run with every outcome: plans that are kept, MB they take."""
    cache = plans()
    gc.collect()
    before = _resident()
    for number in range(MAX_VARIANTS):
        plan = cache.find(KEPT[name].replace("NUMBER", str(number)), f"Q{number}")
        for outcome in range(len(OUTCOMES)):
            run(plan, outcome)
        if len(cache) <= number:
            break
    gc.collect()
    return name, len(cache), _resident() - before


def print_documents() -> None:
    """Print one row a family, the most expensive first, and the memory at the bound."""
    milliseconds("{ __typename }")
    rows = []
    for name, write in (FAMILIES | SPREADS).items():
        text = of_size(write, LIMITS.tokens)
        rows.append((*milliseconds(text), tokens(text), name))
    print(f"{'family':<50}{'tokens':>7}{'ms':>7}{'bytes':>8}")
    for cost, ended, size, count, name in sorted(rows, reverse=True):
        print(f"{name:<50}{count:>7}{cost:>7.1f}{size:>8}  {ended}")
    print(f"{'document, until the cache is full':<50}{'plans':>7}{'MB':>7}")
    # A process for each: memory that one has freed would hide what the next one takes.
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        for name, count, megabytes in pool.imap(memory, KEPT, chunksize=1):
            print(f"{name:<50}{count:>7}{megabytes:>7.1f}")


def _each(text: str, count: int) -> str:
    return " ".join(f"a{number}: {text}" for number in range(count))


def _delete(fields: str, fragments: str = "", variables: str = "") -> str:
    return f"mutation QNUMBER($id: ID!{variables}) {{ deleteContact(id: $id) {{ {fields} }} }} {fragments}"


_LEAVES = "key message statusCode response { version charset statusText callback }"

KEPT = {
    "readme": _delete(
        "__typename ... on DeleteContactSuccess { deletedContactId contact { __typename id } message confirmedBy } "
        "... on WethodError { key message statusCode } ... on WethodValidationError { failures { field message } } "
        "... on WethodRateLimitedError { retryAfterSeconds }"
    ),
    "typename": _delete("__typename"),
    "leaves": _delete(f"... on WethodError {{ {_each('key', 90)} }}"),
    "one-leaf-again": _delete(f"... on WethodError {{ {'key ' * 70} }}"),
    "objects": _delete(f"... on WethodError {{ {_each('response { version }', 60)} }}"),
    "one-object-again": _delete(f"... on WethodError {{ {'response { version } ' * 30} }}"),
    "through-fragments": _delete(
        f"... on WethodError {{ {_each('response { ...F }', 40)} }}",
        "fragment F on WethodResponse { version charset statusText callback }",
    ),
    "short-fragments": _delete("... on WethodError { ...A ...A }", "fragment A on WethodError { key }"),
    "conditions": _delete(
        f"... on WethodError @include(if: $x) {{ {_each('response { version }', 60)} }}",
        variables=", $x: Boolean! = true",
    ),
    "operations": " ".join(f"query A{number} {{ __typename }}" for number in range(150)) + " " + _delete("__typename"),
    "twenty-roots": f"mutation QNUMBER($id: ID!) {{ {_each('deleteContact(id: $id) { ...F }', 20)} }} "
    f"fragment F on WethodError {{ {_LEAVES} }}",
}
"""Documents that take much memory for their weight; ``NUMBER`` makes each one differ."""
