"""A hostile document costs little, through the front door and without a token: counted in calls, not timed."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from tests.documents.adversarial import FAMILIES, SPREADS, block_string_and_names, context, of_size
from tests.gateway import HEADERS
from tests.server.serving import connect, request

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from tests.documents.adversarial import Write
    from tests.gateway import GatewayClient

TOKENS = 1_000
MAX_CALLS = 300_000
"""Calls of functions for one request; 35 ms of CPU on a quiet machine (tests/benchmark/documents.py)."""

MAX_ANSWER = 100_000
WITHOUT_TOKEN = {name: value for name, value in HEADERS.items() if name != "Authorization"}


class Count:
    """Count the calls of functions, Python's and C's."""

    calls = 0


@contextmanager
def counted() -> Iterator[Count]:
    """Count the calls inside the block. Everything runs on one thread."""
    count = Count()

    def profile(_frame: FrameType, event: str, _argument: object) -> None:
        count.calls += event in ("call", "c_call")

    sys.setprofile(profile)
    try:
        yield count
    finally:
        sys.setprofile(None)


async def cost(client: GatewayClient, text: str, variables: dict[str, object] | None = None) -> int:
    """Count the calls for one request without a token, whose answer must be short."""
    with counted() as count:
        response = await client.graphql(text, variables, headers=WITHOUT_TOKEN)
    assert response.status_code in (200, 422), response.text
    assert len(response.content) <= MAX_ANSWER
    return count.calls


@pytest.mark.parametrize("write", (FAMILIES | SPREADS).values(), ids=FAMILIES | SPREADS)
async def test_no_document_costs_more_than_the_bound(client: GatewayClient, write: Write) -> None:
    """The largest document of each family that the limits allow."""
    assert await cost(client, of_size(write, TOKENS)) <= MAX_CALLS


CONTROL = "\x7f"
PADDING = "\n" * 27_000  # two bytes each in JSON
MAX_TARGET = 32_700


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(PADDING + of_size(FAMILIES["unknown-fields"], 1_000), id="unknown-fields"),
        pytest.param(PADDING + of_size(FAMILIES["cycles"], 900), id="cycles"),
        pytest.param(PADDING + of_size(FAMILIES["unused-variables"], 1_000), id="unused-variables"),
        pytest.param(PADDING + of_size(FAMILIES["conflicts"], 1_000), id="conflicts"),
        pytest.param(of_size(FAMILIES["cycles"], 900).replace("F", "F" * 200), id="long-names"),
        pytest.param(f"query {'Q' * 50_000} {context('company @skip(if: $v) ' * 100)}", id="a-long-name-quoted"),
        # Seven bytes of answer for each.
        pytest.param(context(f'company @skip(if: "{CONTROL * 60_000}")'), id="control-characters-quoted"),
    ],
)
async def test_errors_do_not_multiply_the_cost_of_a_long_text(client: GatewayClient, text: str) -> None:
    """They must not search the text once for each error."""
    assert await cost(client, text) <= MAX_CALLS + 10 * len(text)


async def test_a_block_string_of_thousands_of_lines_is_refused_before_it_is_read(client: GatewayClient) -> None:
    assert await cost(client, block_string_and_names(31_000, 320)) <= MAX_CALLS


async def test_thousands_of_parameters_of_a_get_are_refused_before_they_are_read(client: GatewayClient) -> None:
    target = f"/graphql?query={quote(of_size(FAMILIES['bare-names-and-objects'], TOKENS))}"
    target += "&%" * ((MAX_TARGET - len(target)) // 2)
    async with connect(int(client.url.rpartition(":")[2])) as raw:
        with counted() as count:
            await raw.send(request(target.encode(), method=b"GET"))
            answer = await raw.answer()
    assert answer.status == 422
    assert count.calls <= MAX_CALLS


def deletes(count: int, directive: str = "") -> str:
    """Write a mutation with this many lists of deletes."""
    fields = " ".join(f"a{i}: deleteContacts(ids: $i) {directive} {{ __typename }}" for i in range(count))
    return f"mutation ($i: [ID!]!) {{ {fields} }}"


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        pytest.param(deletes(1), [1] * 32_000, id="numbers"),
        pytest.param(deletes(1), [""] * 21_000, id="texts"),
        pytest.param(deletes(20), [1] * 31_000, id="many-fields"),
        pytest.param(deletes(1, "@skip(if: true)"), [1] * 32_000, id="a-skipped-field"),
    ],
)
async def test_a_long_list_is_refused_before_its_elements_are_read(
    client: GatewayClient, text: str, ids: list[object]
) -> None:
    """A list in variables has no tokens."""
    assert await cost(client, text, {"i": ids}) <= MAX_CALLS
