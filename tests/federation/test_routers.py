"""Deletes through running routers: a client of the supergraph gets the gateway's outcome."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.federation.composition import APOLLO, compose, neighbour, ours
from tests.federation.routers import ROUTERS, contact_owner, reserved_port, router
from tests.gateway import HEADERS, MUTATION, gateway
from tests.upstream import HANGING, LOST, Answer, Asked, answer, upstream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
    from pathlib import Path

    from tests.gateway import GatewayClient

NOT_FOUND = answer(404, b'{"key": "not_found", "message": "Contact not found"}')
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE_ID}-00f067aa0ba902b7-01"


@pytest.fixture(scope="module")
def wethod_port() -> Iterator[int]:
    """Reserve the port at which a test may run its Wethod."""
    with reserved_port() as port:
        yield port


@pytest.fixture(scope="module")
async def direct(wethod_port: int) -> AsyncIterator[GatewayClient]:
    async with gateway(f"http://127.0.0.1:{wethod_port}", {"GATEWAY_TRACE_UPSTREAM": "true"}) as client:
        yield client


@pytest.fixture(scope="module")
async def urls(direct: GatewayClient, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, str]]:
    """The endpoint of each router, over our gateway and the owner of Contact."""
    folder = tmp_path_factory.mktemp("routers")
    async with contact_owner(folder) as owner, running_routers(f"{direct.url}/graphql", folder, owner) as running:
        yield running


@pytest.fixture(params=ROUTERS)
def url(urls: dict[str, str], request: pytest.FixtureRequest) -> str:
    """The endpoint of one router; a test that uses it runs for each."""
    return urls[request.param]


@contextlib.asynccontextmanager
async def running_routers(wethod: str, folder: Path, owner: str = "") -> AsyncIterator[dict[str, str]]:
    """Run every router over a supergraph of our subgraph at a URL and, where a URL is given, the owner of Contact."""
    subgraphs = [ours(wethod), *([neighbour("contact_owner", owner)] if owner else [])]
    composition = compose({"supergraph": subgraphs})["supergraph", APOLLO]
    assert composition.errors == ()
    supergraph = folder / "supergraph.graphql"
    supergraph.write_text(composition.supergraph, encoding="utf-8")
    async with contextlib.AsyncExitStack() as stack:
        running = await asyncio.gather(*(stack.enter_async_context(router(name, supergraph)) for name in ROUTERS))
        yield dict(zip(ROUTERS, running, strict=True))


async def ask(url: str, query: str, headers: Mapping[str, str], **variables: object) -> dict[str, Any]:
    """The whole answer of a router or of our gateway."""
    async with httpx.AsyncClient(timeout=30) as http:
        response = await http.post(url, json={"query": query, "variables": variables}, headers=headers)
    body: dict[str, Any] = response.json()
    return body


def caller(token: str, *without: str) -> dict[str, str]:
    """The usual headers with a new token, since the gateway remembers a 429 by token."""
    headers = HEADERS | {"Authorization": f"Bearer {token}"}
    return {name: value for name, value in headers.items() if name not in without}


FAILURES = b'{"key": "invalid_data", "message": "Bad.", "failures": [{"field": "id", "message": "No."}]}'
ENVELOPE = (
    b'{"headers": {"content-type": ["application/json"]}, "content": "text", "version": "1.1", "status_code": 403, '
    b'"status_text": "Forbidden", "charset": "UTF-8", "callback": null, "encoding_options": 64, '
    b'"key": "forbidden", "message": "\\u00e8 vietato \\ud83d\\ude00"}'
)

# id: (Wethod's answers in turn, None if no server listens; the headers left out; the contact's id; the member)
OUTCOMES: dict[str, tuple[Sequence[Answer] | None, tuple[str, ...], str, str]] = {
    "success": ([answer(200)], (), "7", "DeleteContactSuccess"),
    "success-by-absence": ([LOST, NOT_FOUND], (), "7", "DeleteContactSuccess"),
    "validation-by-wethod": ([answer(400, FAILURES)], (), "7", "WethodValidationError"),
    "validation-here": (None, (), "../7", "WethodValidationError"),
    "unauthorized-by-wethod": ([answer(401)], (), "7", "WethodUnauthorizedError"),
    "no-authorization": (None, ("Authorization",), "7", "WethodUnauthorizedError"),
    "no-company": (None, ("Wethod-Company",), "7", "WethodValidationError"),
    "forbidden": ([answer(403, ENVELOPE)], (), "7", "WethodForbiddenError"),
    "not-found": ([NOT_FOUND], (), "7", "WethodNotFoundError"),
    "precondition-failed": ([answer(412)], (), "7", "WethodPreconditionFailedError"),
    "rate-limited": ([answer(429, b"", {"x-ratelimit-retry-after": "17"})], (), "7", "WethodRateLimitedError"),
    "unavailable": (None, (), "7", "WethodUnavailableError"),
    "outcome-unknown": ([answer(503, b"", {"Retry-After": "1"})], (), "7", "WethodOutcomeUnknownError"),
    "outcome-unknown-without-an-answer": ([LOST], (), "7", "WethodOutcomeUnknownError"),
    "unexpected-response": ([answer(409)], (), "7", "WethodUnexpectedResponseError"),
}


@pytest.mark.parametrize(("script", "without", "contact_id", "member"), OUTCOMES.values(), ids=OUTCOMES)
async def test_every_outcome_arrives_unchanged(
    direct: GatewayClient,
    url: str,
    wethod_port: int,
    request: pytest.FixtureRequest,
    script: Sequence[Answer] | None,
    without: tuple[str, ...],
    contact_id: str,
    member: str,
) -> None:
    """Without errors, and without another request to Wethod. tests/outcomes has every field of an outcome."""
    bodies, sent = [], []
    for endpoint, token in ((f"{direct.url}/graphql", "direct"), (url, "routed")):
        async with contextlib.AsyncExitStack() as stack:
            wethod = await stack.enter_async_context(upstream(script, wethod_port)) if script else None
            headers = caller(f"{token}-{abs(hash(request.node.name))}", *without)
            bodies.append(await ask(endpoint, MUTATION, headers, id=contact_id))
            sent.append([(asked.method, asked.target) for asked in wethod.asked] if wethod else [])
    assert bodies[1] == bodies[0]
    assert sent[1] == sent[0]
    assert set(bodies[1]) == {"data"}
    assert bodies[1]["data"]["deleteContact"]["__typename"] == member


async def test_the_headers_arrive_at_wethod(url: str, wethod_port: int) -> None:
    headers = caller("of-the-caller") | {"Traceparent": TRACEPARENT, "X-Request-ID": "of-the-caller", "Cookie": "a=b"}
    async with upstream([answer(200)], wethod_port) as wethod:
        await ask(url, MUTATION, headers, id="7")
    (asked,) = wethod.asked
    assert asked.header("authorization") == b"Bearer of-the-caller"
    assert asked.header("wethod-company") == b"acme"
    assert asked.header("wethod-version") == b"2024-06-15"
    assert asked.header("x-request-id") == b"of-the-caller"
    assert asked.header("cookie") is None
    traceparent = asked.header("traceparent")
    assert traceparent is not None
    # A router that traces sends the span of its own, in the caller's trace.
    assert traceparent.split(b"-")[1] == TRACE_ID.encode()


CONTEXT = "{ wethodContext { company version receivedHeaders failures { field } } }"


async def test_the_context_shows_the_forwarded_headers(url: str) -> None:
    assert await ask(url, CONTEXT, caller("x")) == {
        "data": {
            "wethodContext": {
                "company": "acme",
                "version": "2024-06-15",
                "receivedHeaders": ["Authorization", "Wethod-Company", "Wethod-Version"],
                "failures": [],
            }
        }
    }
    assert await ask(url, CONTEXT, {}) == {
        "data": {
            "wethodContext": {
                "company": None,
                "version": "2024-06-15",
                "receivedHeaders": [],
                "failures": [{"field": "Authorization"}, {"field": "Wethod-Company"}],
            }
        }
    }


def of_the_owner(fields: str) -> str:
    """A delete that asks for fields of the owner of Contact."""
    return (
        "mutation Delete($id: ID!) { deleteContact(id: $id) { __typename "
        f"... on DeleteContactSuccess {{ deletedContactId contact {{ {fields} }} }} }} }}"
    )


@pytest.mark.parametrize(
    ("contact_id", "fields", "contact"),
    [
        ("1", "id name email telephone", {"id": "1", "name": "Ada", "email": "ada@example.com", "telephone": "1"}),
        ("7", "id name email", {"id": "7", "name": None, "email": None}),
        ("7", "id telephone", None),
    ],
    ids=["owner-still-knows-it", "owner-answers-null", "owner-answers-null-and-promised-a-value"],
)
async def test_a_success_stays_a_success_if_the_owner_has_no_contact(
    url: str, wethod_port: int, contact_id: str, fields: str, contact: dict[str, object] | None
) -> None:
    """Fields of the contact become null, or the contact does, but not the outcome."""
    async with upstream([answer(200)], wethod_port):
        body = await ask(url, of_the_owner(fields), caller("x"), id=contact_id)
    assert body["data"] == {
        "deleteContact": {"__typename": "DeleteContactSuccess", "deletedContactId": contact_id, "contact": contact}
    }
    if contact is not None:
        assert set(body) == {"data"}


def by_contact(asked: Asked) -> Answer:
    answers = {"/api/contact/2": NOT_FOUND, "/api/contact/3": answer(412), "/api/contact/5": LOST}
    return answers.get(asked.target, answer(200))


async def test_aliased_deletes_keep_their_order_and_their_results(url: str, wethod_port: int) -> None:
    deletes = {"last": "4", "first": "2", "b": "3", "a": "1"}
    selection = "{ __typename ... on DeleteContactSuccess { deletedContactId contact { name } } }"
    fields = " ".join(f'{alias}: deleteContact(id: "{contact}") {selection}' for alias, contact in deletes.items())
    async with upstream(by_contact, wethod_port) as wethod:
        body = await ask(url, f"mutation {{ {fields} }}", caller("x"))
    assert [asked.target for asked in wethod.asked] == [f"/api/contact/{contact}" for contact in deletes.values()]
    assert list(body["data"].items()) == [
        ("last", {"__typename": "DeleteContactSuccess", "deletedContactId": "4", "contact": {"name": None}}),
        ("first", {"__typename": "WethodNotFoundError"}),
        ("b", {"__typename": "WethodPreconditionFailedError"}),
        ("a", {"__typename": "DeleteContactSuccess", "deletedContactId": "1", "contact": {"name": "Ada"}}),
    ]


MANY = """mutation Delete($ids: [ID!]!) { deleteContacts(ids: $ids) { id result {
  __typename
  ... on DeleteContactSuccess { deletedContactId message confirmedBy }
  ... on WethodError { key message statusCode response { content } }
  ... on WethodValidationError { failures { field message } }
} } }"""


async def test_the_outcome_of_each_id_arrives_unchanged(direct: GatewayClient, url: str, wethod_port: int) -> None:
    ids = ["4", "2", "../7", "3", "1", "2", "5"]
    bodies, sent = [], []
    for endpoint in (f"{direct.url}/graphql", url):
        async with upstream(by_contact, wethod_port) as wethod:
            bodies.append(await ask(endpoint, MANY, caller("x"), ids=ids))
            sent.append(sorted(asked.target for asked in wethod.asked))
    assert bodies[1] == bodies[0]
    assert sent[1] == sent[0] == [f"/api/contact/{contact}" for contact in (1, 2, 3, 4, 5, 5)]
    assert set(bodies[1]) == {"data"}
    entries = bodies[1]["data"]["deleteContacts"]
    assert [(entry["id"], entry["result"]["__typename"]) for entry in entries] == [
        ("4", "DeleteContactSuccess"),
        ("2", "WethodNotFoundError"),
        ("../7", "WethodValidationError"),
        ("3", "WethodPreconditionFailedError"),
        ("1", "DeleteContactSuccess"),
        ("2", "WethodNotFoundError"),
        ("5", "WethodOutcomeUnknownError"),
    ]


async def test_a_success_in_a_list_stays_a_success_if_the_owner_has_no_contact(url: str, wethod_port: int) -> None:
    result = "result { ... on DeleteContactSuccess { contact { name } } }"
    query = f"mutation ($ids: [ID!]!) {{ deleteContacts(ids: $ids) {{ id {result} }} }}"
    async with upstream(by_contact, wethod_port):
        body = await ask(url, query, caller("x"), ids=["1", "2", "7"])
    assert body == {
        "data": {
            "deleteContacts": [
                {"id": "1", "result": {"contact": {"name": "Ada"}}},
                {"id": "2", "result": {}},
                {"id": "7", "result": {"contact": {"name": None}}},
            ]
        }
    }


async def test_errors_of_the_gateway_are_passed_on(direct: GatewayClient, url: str, wethod_port: int) -> None:
    """With message and code, and without the gateway's address."""
    async with upstream([answer(200)], wethod_port) as wethod:
        body = await ask(url, MUTATION, caller("x"), id="1" * 70_000)
    assert wethod.asked == []
    assert [(error["message"], error["extensions"]["code"]) for error in body["errors"]] == [
        ("The request's body is longer than 65536 bytes.", "LIMIT_EXCEEDED")
    ]
    assert direct.url not in str(body)
    assert "stacktrace" not in str(body)


@pytest.mark.parametrize(
    ("name", "deletes"),
    [("apollo-gateway", 0), ("hive-gateway", 21), ("hive-gateway-with-hive-router-planner", 0)],
    ids=str,
)
async def test_a_router_decides_how_many_requests_it_sends(
    urls: dict[str, str], wethod_port: int, name: str, deletes: int
) -> None:
    """Hive Gateway's own planner sends one for each root field, so no limit and no deadline spans them."""
    fields = " ".join(f'a{contact}: deleteContact(id: "{contact}") {{ __typename }}' for contact in range(1, 22))
    async with upstream([answer(200)], wethod_port) as wethod:
        body = await ask(urls[name], f"mutation {{ {fields} }}", caller("x"))
    assert [asked.target for asked in wethod.asked] == [f"/api/contact/{n}" for n in range(1, deletes + 1)]
    if deletes:
        assert body == {"data": {f"a{n}": {"__typename": "DeleteContactSuccess"} for n in range(1, 22)}}
    else:
        assert [error["message"] for error in body["errors"]] == ["The operation has more than 20 root fields."]


async def test_no_router_gives_up_before_the_gateway(urls: dict[str, str], wethod_port: int) -> None:
    """Wethod hangs for the whole default deadline."""
    async with upstream([HANGING], wethod_port):
        bodies = await asyncio.gather(
            *(ask(url, MUTATION, caller("x"), id=n) for n, url in enumerate(urls.values(), 1))
        )
    assert [body["data"]["deleteContact"]["key"] for body in bodies] == ["outcome_unknown"] * len(urls)


@pytest.fixture(scope="module")
async def over_a_scripted_subgraph(
    wethod_port: int, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[dict[str, str]]:
    """The endpoint of each router over a scripted subgraph."""
    folder = tmp_path_factory.mktemp("scripted-subgraph")
    async with running_routers(f"http://127.0.0.1:{wethod_port}/graphql", folder) as running:
        yield running


@pytest.mark.parametrize("name", ROUTERS)
@pytest.mark.parametrize(
    "reply",
    [LOST, answer(503, b"{}", {"Retry-After": "0"}), answer(429, b"{}", {"Retry-After": "0"})],
    ids=["connection-lost", "503", "429"],
)
async def test_a_router_never_repeats_a_delete(
    over_a_scripted_subgraph: dict[str, str], wethod_port: int, name: str, reply: Answer
) -> None:
    async with upstream([reply], wethod_port) as subgraph:
        body = await ask(over_a_scripted_subgraph[name], MUTATION, caller("x"), id="7")
        await asyncio.sleep(0.3)
    assert len(subgraph.asked) == 1
    assert (body.get("data") or {"deleteContact": None}) == {"deleteContact": None}
    assert body["errors"]
    assert str(wethod_port) not in str(body)
