"""An attacker's document costs time linear in its size, through the front door: counted, not timed."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from graphql import parse, specified_rules, validate

from tests.documents.adversarial import FAMILIES, context, of_size, tokens
from tests.execution.contacts import build_contact_schema
from tests.gateway import gateway
from tests.upstream import answer, upstream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from types import FrameType

    from tests.documents.adversarial import Write
    from tests.gateway import GatewayClient

SMALL, LARGE = 250, 1_000
"""Tokens of the two documents that are compared, the second the largest that the limits let in."""

GROWTH = 1.4
"""How much more a token of the larger document may cost; families mix dear tokens and cheap ones at any ratio."""

CALLS_A_TOKEN = 400
LONGEST_ANSWER = 100_000


@pytest.fixture(scope="module")
async def client() -> AsyncIterator[GatewayClient]:
    """The gateway with its defaults, before a Wethod that deletes whatever it is asked to."""
    async with upstream([answer(200)]) as wethod, gateway(wethod.url) as running:
        yield running


class Count:
    """How many functions were called, Python's and C's."""

    calls = 0


@contextmanager
def counted() -> Iterator[Count]:
    """Count the calls that are made meanwhile: on one thread, where everything runs."""
    count = Count()

    def profile(_frame: FrameType, event: str, _argument: object) -> None:
        count.calls += event in ("call", "c_call")

    sys.setprofile(profile)
    try:
        yield count
    finally:
        sys.setprofile(None)


async def cost(client: GatewayClient, text: str) -> int:
    """The calls for one request, which must be answered, and not at length."""
    with counted() as count:
        response = await client.graphql(text)
    assert response.status_code in (200, 422), response.text
    assert len(response.content) <= LONGEST_ANSWER + len(text)
    return count.calls


@pytest.mark.parametrize("write", FAMILIES.values(), ids=FAMILIES)
async def test_no_document_costs_more_than_linear_time(client: GatewayClient, write: Write) -> None:
    """A token costs no more in a document of four times as many, and never more than a fixed number of calls."""
    small, large = of_size(write, SMALL), of_size(write, LARGE)
    assert LARGE >= tokens(large) > 2.5 * tokens(small), "the family must grow"
    await cost(client, "{ __typename }")  # what is made once is made now
    small_cost, large_cost = await cost(client, small), await cost(client, large)
    assert large_cost / tokens(large) <= GROWTH * small_cost / tokens(small)
    assert large_cost <= CALLS_A_TOKEN * LARGE


@pytest.mark.parametrize(
    "name",
    ["one-object-again-and-again", "squares", "operations-and-subsets-of-fragments", "introspection-in-introspection"],
)
def test_the_count_sees_what_grows_faster(name: str) -> None:
    """graphql-core's own rules fail the same comparison: each of ours is needed."""
    schema = build_contact_schema()
    costs = []
    for most in (SMALL, LARGE):
        document = parse(of_size(FAMILIES[name], most))
        validate(schema, document, specified_rules)
        with counted() as count:
            validate(schema, document, specified_rules)
        costs.append(count.calls / most)
    assert costs[1] > GROWTH * costs[0]


PADDING = "\n" * 27_000  # two bytes each in JSON


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(PADDING + of_size(FAMILIES["unknown-fields"], 1_000), id="unknown-fields"),
        pytest.param(PADDING + of_size(FAMILIES["cycles"], 900), id="cycles"),
        pytest.param(PADDING + of_size(FAMILIES["unused-variables"], 1_000), id="unused-variables"),
        pytest.param(PADDING + of_size(FAMILIES["conflicts"], 1_000), id="conflicts"),
        pytest.param(of_size(FAMILIES["cycles"], 900).replace("F", "F" * 200), id="long-names"),
        pytest.param(f"query {'Q' * 50_000} {context('company @skip(if: $v) ' * 100)}", id="a-long-name-quoted"),
    ],
)
async def test_telling_what_is_wrong_costs_no_more_than_the_text(client: GatewayClient, text: str) -> None:
    """Few tokens in a long text: no error searches it again and again, or quotes it."""
    assert await cost(client, text) <= CALLS_A_TOKEN * LARGE + 10 * len(text)
