"""Heads that are the one before, byte for byte: taken without the parser, and nobody's but their own request's."""

from __future__ import annotations

import asyncio
import json

from hypothesis import given
from hypothesis import strategies as st

from app.headers import Head
from tests.gateway import HEADERS, MUTATION, gateway
from tests.server.serving import PATIENCE_SECONDS, Client, echo, request, serving
from tests.server.test_segments import CHUNKED, GOOD, LAST, Wire, connect, converse
from tests.upstream import answer, upstream

BODIES = [b"", b"{}", b"[]", b"\r\n", b"\r\n\r\n", b"{}\r\n", b'{"a": 1}', b'{"b": 2}', b"POST / HT"]

REQUESTS = [
    *GOOD,
    *(request(b"/post", body) for body in BODIES),
    *(request(b"/post", body, b"POST", b"X: 1") for body in BODIES),
    *(request(b"/post", body) + end for body in BODIES for end in (b"\r\n", b"\r\n\r\n")),
    request(b"/get", b"", b"GET"),
    request(b"/wait", b"{}", b"POST", b"Expect: 100-continue"),
    CHUNKED + b"2\r\n{}\r\n0\r\n\r\n",
    CHUNKED + b"2\r\n[]\r\n0\r\n\r\n",
]


@given(st.lists(st.sampled_from(REQUESTS), min_size=1, max_size=4), st.sampled_from(LAST), st.integers(1, 3))
def test_what_came_before_changes_nothing(kinds: list[bytes], last: bytes, times: int) -> None:
    """Each request is answered as on a connection of its own, however often it or its head came before."""
    pieces = [*(kinds * times), *([last] if last else [])]
    alone = b"".join(asyncio.run(converse([piece])) for piece in pieces)
    assert asyncio.run(converse(pieces)) == alone


async def _are_parsed(pieces: list[bytes]) -> list[bool]:
    """Of each piece, whether its head went through the parser."""
    parsed = []
    connection, _ = connect(Wire([]), {})
    for piece in pieces:
        connection.data_received(piece)
        active = connection._active  # noqa: SLF001 - nothing else tells
        assert active is not None
        parsed.append(type(active.scope["headers"]) is not Head)
        for _ in range(10):
            await asyncio.sleep(0)
    connection.connection_lost(None)
    return parsed


async def test_heads_that_repeat_are_not_parsed_again() -> None:
    """Not even where another body follows; but where anything of the head differs, or its framing is another."""
    one, two = request(b"/post", b'{"id": 1}'), request(b"/post", b'{"id": 2}')
    other = request(b"/post", b'{"id": 1}', b"POST", b"X: 1")
    assert await _are_parsed([one, one, two, one]) == [True, False, False, False]
    assert await _are_parsed([one, other, one, other]) == [True] * 4
    chunked = CHUNKED + b"2\r\n{}\r\n0\r\n\r\n"
    assert await _are_parsed([chunked, chunked, chunked]) == [True] * 3


async def test_a_connection_gives_up_on_heads_that_never_repeat() -> None:
    """A router writes another trace id into each: after 16 of them nobody looks for the next."""
    heads = [request(b"/post", b"{}", b"POST", b"X: %d" % number) for number in range(16)]
    assert await _are_parsed([*heads, heads[-1], heads[-1]]) == [True] * 16 + [False] * 2
    assert await _are_parsed([*heads, request(), request(), request()]) == [True] * 19


def _delete(contact_id: str, headers: dict[str, str]) -> bytes:
    body = json.dumps({"query": MUTATION, "variables": {"id": contact_id}}).encode()
    lines = [f"{name}: {value}".encode() for name, value in (HEADERS | headers).items()]
    return request(b"/graphql", body, b"POST", b"Content-Type: application/json", *lines)


async def test_a_repeated_head_deletes_what_its_own_body_says() -> None:
    """Same token, company and version; another contact, another request id; nothing of the one before."""
    asked = [
        _delete("17", {}),
        _delete("17", {}),
        _delete("18", {}),
        _delete("19", {"Authorization": "Bearer other-token"}),
        _delete("20", {"Authorization": "Bearer other-token"}),
        _delete("21", {"X-Request-ID": "given-by-the-client"}),
        _delete("22", {"X-Request-ID": "given-by-the-client"}),
        _delete("23", {"X-Request-ID": "not usable"}),
        _delete("24", {"X-Request-ID": "not usable"}),
        _delete("25", {"Wethod-Company": "-"}),
        _delete("26", {"Wethod-Company": "-"}),
    ]
    async with upstream([answer(200)]) as wethod, gateway(wethod.url) as front:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(front.url.rpartition(":")[2]))
        client = Client(reader, writer)
        members = []
        for data in asked:
            await client.send(data)
            members.append((await client.answer()).json["data"]["deleteContact"]["__typename"])
        client.close()
    assert members == ["DeleteContactSuccess"] * 9 + ["WethodValidationError"] * 2
    assert [(one.target.rpartition("/")[2], one.header("authorization")) for one in wethod.asked] == [
        *((number, b"Bearer test-token") for number in ("17", "17", "18")),
        *((number, b"Bearer other-token") for number in ("19", "20")),
        *((number, b"Bearer test-token") for number in ("21", "22", "23", "24")),
    ]
    ids = [one.header("x-request-id") for one in wethod.asked]
    assert ids[5:7] == [b"given-by-the-client"] * 2
    assert len({*ids}) == len(ids) - 1


async def test_connections_leave_no_task_behind() -> None:
    """Whether they were used once, twice, in a pipeline or not at all, and however they ended."""
    async with serving(echo) as served:
        before = asyncio.all_tasks()
        for data, answers in (
            (b"", 0),
            (request(), 1),
            (request() * 3, 3),
            (request()[:-1], 0),
            (b"GARBAGE\r\n\r\n", 0),
        ):
            for end in (Client.close, Client.half_close, Client.reset):
                async with served.connect() as client:
                    await client.send(data)
                    for _ in range(answers):
                        assert (await client.answer()).status == 200
                    if answers:
                        await client.send(request())
                        assert (await client.answer()).status == 200
                    end(client)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while asyncio.all_tasks() - before:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.01)
