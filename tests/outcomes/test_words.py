"""The words and the envelope of a body, cleaned and bounded; the status alone decides the outcome."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.execution.answer_size import ITEM_BYTES
from app.headers import parse_headers
from app.wethod.sender import ReadableResponse
from schema.delete_contact import from_repeat, from_response
from schema.envelope import ENTRY_BYTES
from schema.retry_after import read_retry_after
from tests.gateway import HEADERS, gateway
from tests.outcomes.outcomes import EMPTY_RESPONSE, words
from tests.upstream import answer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.gateway import GatewayClient
    from tests.upstream import Upstream

OWN = ("forbidden", "The token's owner may not delete contacts: crm.edit is needed.")


@pytest.fixture(scope="module", params=["http1", "httpx"])
async def client(request: pytest.FixtureRequest, running_wethod: Upstream) -> AsyncIterator[GatewayClient]:
    async with gateway(running_wethod.url, {"WETHOD_TRANSPORT": request.param}) as running:
        yield running


NINES = b"9" * 5_000
LONG = "x" * 1_500
MIB = 1024 * 1024
PADDED = len(words(message="m", pad=""))

# name: (body of a 403, key and message of the outcome)
BODIES: dict[str, tuple[bytes, tuple[str, str]]] = {
    "both": (words(key="k", message="m"), ("k", "m")),
    "message-alone": (words(message="m"), (OWN[0], "m")),
    "key-alone": (words(key="k"), ("k", OWN[1])),
    "empty": (b"", OWN),
    "empty-strings": (words(key="", message=""), OWN),
    "nulls": (words(key=None, message=None), OWN),
    "numbers": (words(key=7, message=1.5), OWN),
    "lists": (words(key=["k"], message={"a": "b"}), OWN),
    "html": (b"<html><body>Forbidden by proxy.internal</body></html>", OWN),
    "not-utf-8": (b'{"key": "k\xff", "message": "m"}', OWN),
    "latin-1": ('{"message": "perché"}'.encode("latin-1"), OWN),
    "a-list": (b'["k", "m"]', OWN),
    "a-string": (b'"m"', OWN),
    "a-number": (b"7", OWN),
    "null": (b"null", OWN),
    "cut": (b'{"key": "k", "mess', OWN),
    "nested-beyond-reason": (b'{"key": "k", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", OWN),
    "nan": (b'{"key": NaN}', OWN),
    "a-huge-number-beside": (b'{"key": "k", "message": "m", "status_code": ' + NINES + b"}", ("k", "m")),
    "byte-order-mark": (b"\xef\xbb\xbf" + words(key="k", message="m"), ("k", "m")),
    "controls": (words(key="a\x00b\x1bc", message="one\r\ntwo\x7f\x85"), ("abc", "onetwo")),
    "bidirectional": (words(key="a\u202eb", message="\u2066x\u2069\u200f\u061cy"), ("ab", "xy")),
    "only-controls": (words(key="\x00", message="\u202e"), OWN),
    "lone-surrogates": (b'{"key": "a\\ud800b", "message": "\\udfff"}', ("a\ufffdb", "\ufffd")),
    "a-pair-of-surrogates": (b'{"key": "\\ud83d\\ude00"}', ("\U0001f600", OWN[1])),
    "long": (words(key=LONG, message=LONG), ("x" * 1_000, "x" * 1_000)),
    "long-behind-controls": (words(message="\x00" * 3_000 + "m"), (OWN[0], "m")),
    "markup-is-text": (words(message="<b>no</b>"), (OWN[0], "<b>no</b>")),
    "the-largest-body": (words(message="m", pad="x" * (MIB - PADDED)), (OWN[0], "m")),
    "a-larger-body": (words(message="m", pad="x" * (MIB - PADDED + 1)), OWN),
}


@pytest.mark.parametrize(("content", "shown"), BODIES.values(), ids=BODIES)
async def test_the_status_decides_the_member_and_the_body_adds_clean_words(
    wethod: Upstream, client: GatewayClient, content: bytes, shown: tuple[str, str]
) -> None:
    wethod.script = [answer(403, content)]
    outcome = await client.delete()
    assert (outcome["__typename"], outcome["statusCode"]) == ("WethodForbiddenError", 403)
    assert (outcome["key"], outcome["message"]) == shown


ENVELOPE: dict[str, tuple[dict[str, object], dict[str, object]]] = {
    "whole": (
        {
            "headers": {"content-type": ["application/json"], "date": "Tue, 24 Nov 2026 09:00:00 GMT"},
            "content": '{"a":1}',
            "version": "1.1",
            "status_code": 403,
            "status_text": "Forbidden",
            "charset": "UTF-8",
            "callback": "cb",
            "encoding_options": 15,
        },
        {
            "headers": [
                {"name": "content-type", "values": ["application/json"]},
                {"name": "date", "values": ["Tue, 24 Nov 2026 09:00:00 GMT"]},
            ],
            "content": '{"a":1}',
            "version": "1.1",
            "statusCode": 403,
            "statusText": "Forbidden",
            "charset": "UTF-8",
            "callback": "cb",
            "encodingOptions": 15,
        },
    ),
    "nulls": (dict.fromkeys(("headers", "content", "version", "status_code", "encoding_options")), {}),
    "headers-as-a-list": ({"headers": []}, {}),
    "headers-as-a-list-of-something": ({"headers": [{"date": "x"}]}, {}),
    "headers-that-may-pass": (
        {
            "headers": {
                "Set-Cookie": ["session=hunter2"],
                "x-debug-token": "hunter2",
                "server": "hunter2",
                "X-RateLimit-Remaining": [0, True, None, "7", 1.5, 2**40],
                "x-ratelimit-limit": 5000,
                "Retry-After": ["3\r\n0"],
                "cache-control": ["no-cache", "private"],
            }
        },
        {
            "headers": [
                {"name": "x-ratelimit-remaining", "values": ["0", "7"]},
                {"name": "x-ratelimit-limit", "values": ["5000"]},
                {"name": "retry-after", "values": ["30"]},
                {"name": "cache-control", "values": ["no-cache", "private"]},
            ]
        },
    ),
    "content-with-markup": ({"content": "x" * 1_500 + "<script>"}, {}),
    "content-with-a-comment": ({"content": "a <!-- b"}, {}),
    "content-with-markup-behind-a-control": ({"content": "<\x07img src=x>"}, {}),
    "content-with-markup-behind-a-mark": ({"content": "x" * 1_500 + "<\u200e\u2066!-- b"}, {}),
    "content-with-a-less-than": ({"content": "1 < 2"}, {"content": "1 < 2"}),
    "content-long": ({"content": LONG}, {"content": "x" * 1_000}),
    "numbers-beyond-32-bits": ({"status_code": 2**31, "encoding_options": -(2**31) - 1}, {}),
    "numbers-at-32-bits": (
        {"status_code": 2**31 - 1, "encoding_options": -(2**31)},
        {"statusCode": 2**31 - 1, "encodingOptions": -(2**31)},
    ),
    "booleans-for-numbers": ({"status_code": True, "encoding_options": False}, {}),
    "strings-for-numbers": ({"status_code": "403", "encoding_options": "15"}, {}),
    "floats-for-numbers": ({"status_code": 403.0, "encoding_options": 15.5}, {}),
    "zero-options": ({"encoding_options": 0}, {"encodingOptions": 0}),
    "numbers-for-strings": ({"version": 1.1, "status_text": 7, "charset": True, "callback": []}, {}),
}


@pytest.mark.parametrize("status", [400, 401, 403, 404, 412, 429])
@pytest.mark.parametrize(("envelope", "response"), ENVELOPE.values(), ids=ENVELOPE)
async def test_the_envelope_is_passed_on(
    wethod: Upstream, client: GatewayClient, envelope: dict[str, object], response: dict[str, object], status: int
) -> None:
    """Values that GraphQL cannot represent become null, 64 or are left out."""
    wethod.script = [answer(status, words(**envelope))]
    outcome = await client.delete()
    assert outcome["statusCode"] == status
    assert outcome["response"] == EMPTY_RESPONSE | response


# name: (headers of a 429, seconds in the client's answer)
DELAYS: dict[str, tuple[dict[str, str], int | None]] = {
    "none": ({}, None),
    "seconds": ({"x-ratelimit-retry-after": "30"}, 30),
    "zero": ({"x-ratelimit-retry-after": "0"}, 0),
    "an-hour": ({"X-RateLimit-Retry-After": "3600"}, 3600),
    "beyond-an-hour": ({"x-ratelimit-retry-after": "3601"}, None),
    "a-day": ({"x-ratelimit-retry-after": "86400"}, None),
    "milliseconds": ({"x-ratelimit-retry-after": str(int(time.time() * 1000))}, None),
    "negative": ({"x-ratelimit-retry-after": "-1"}, None),
    "fraction": ({"x-ratelimit-retry-after": "1.5"}, 2),
    "words-beside-retry-after": ({"x-ratelimit-retry-after": "soon", "Retry-After": "5"}, 5),
    "words": ({"x-ratelimit-retry-after": "soon"}, None),
    "too-long-beside-retry-after": ({"x-ratelimit-retry-after": "3601", "Retry-After": "5"}, None),
    "arabic-digits": ({"x-ratelimit-retry-after": "\xd9\xa7"}, None),
    "huge": ({"x-ratelimit-retry-after": "9" * 400}, None),
    "retry-after": ({"Retry-After": "45"}, 45),
    "retry-after-second": ({"Retry-After": "45", "x-ratelimit-retry-after": "30"}, 30),
    "retry-after-words": ({"Retry-After": "tomorrow"}, None),
}


async def limited(client: GatewayClient, wethod: Upstream, headers: dict[str, str]) -> Any:
    """Return the delay that a client sees after a 429 with these headers. Each call uses a new token."""
    wethod.script = [answer(429, b"", headers)]
    outcome = await client.delete(headers=HEADERS | {"Authorization": f"Bearer {uuid.uuid4()}"})
    assert (outcome["__typename"], outcome["statusCode"]) == ("WethodRateLimitedError", 429)
    return outcome["retryAfterSeconds"]


@pytest.mark.parametrize(("headers", "seconds"), DELAYS.values(), ids=DELAYS)
async def test_a_delay_is_given_in_seconds(
    wethod: Upstream, client: GatewayClient, headers: dict[str, str], seconds: int | None
) -> None:
    """``x-ratelimit-retry-after`` comes first. A delay above an hour, or one that cannot be read, is null."""
    assert await limited(client, wethod, headers) == seconds


async def test_a_time_is_given_in_seconds_from_now(wethod: Upstream, client: GatewayClient) -> None:
    seconds = await limited(client, wethod, {"x-ratelimit-retry-after": str(int(time.time()) + 120)})
    assert 90 < seconds <= 120


NOW = dt.datetime(2026, 11, 24, 9, 0, tzinfo=dt.UTC).timestamp()

# name: (headers of a 429 that came at NOW, seconds)
TIMES: dict[str, tuple[dict[str, str], int | None]] = {
    "unix-time": ({"x-ratelimit-retry-after": f"{NOW + 120:.0f}"}, 120),
    "unix-time-now": ({"x-ratelimit-retry-after": f"{NOW:.0f}"}, 0),
    "unix-time-past": ({"x-ratelimit-retry-after": f"{NOW - 1:.0f}"}, None),
    "unix-time-in-an-hour": ({"x-ratelimit-retry-after": f"{NOW + 3600:.0f}"}, 3600),
    "unix-time-beyond-an-hour": ({"x-ratelimit-retry-after": f"{NOW + 3601:.0f}"}, None),
    "date": ({"retry-after": "Tue, 24 Nov 2026 09:01:00 GMT"}, 60),
    "date-past": ({"retry-after": "Tue, 24 Nov 2026 08:59:59 GMT"}, None),
    "date-beyond-an-hour": ({"retry-after": "Tue, 24 Nov 2026 10:00:01 GMT"}, None),
    "date-of-two-hours-east": ({"retry-after": "Tue, 24 Nov 2026 11:01:00 +0200"}, 60),
    "date-without-a-zone": ({"retry-after": "Tue, 24 Nov 2026 09:01:00"}, 60),
    "impossible-date": ({"retry-after": "Tue, 99 Nov 2026 09:01:00 GMT"}, None),
    "date-in-the-wrong-field": ({"x-ratelimit-retry-after": "Tue, 24 Nov 2026 09:01:00 GMT"}, None),
    "date-beside-seconds": ({"x-ratelimit-retry-after": "Tue, 24 Nov 2026 09:01:00 GMT", "retry-after": "5"}, 5),
}


@pytest.fixture(params=["UTC0", "EST5"])
def time_zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The time zone of this process."""
    with monkeypatch.context() as environment:
        environment.setenv("TZ", request.param)
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("time_zone")
@pytest.mark.parametrize(("headers", "seconds"), TIMES.values(), ids=TIMES)
def test_a_time_is_read_as_the_seconds_until_then(headers: dict[str, str], seconds: int | None) -> None:
    """The zone in a date is used (RFC 9110 §5.6.7), and never the zone of the process."""
    found = read_retry_after(parse_headers([(name.encode(), value.encode()) for name, value in headers.items()]), NOW)
    assert found == seconds


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None, categories=None)),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=8), children, max_size=4),
    max_leaves=12,
)
KNOWN = st.sampled_from(
    ["key", "message", "failures", "headers", "content", "version", "status_code", "charset", "encoding_options"]
)


@given(
    status=st.integers(100, 999),
    content=st.binary(max_size=64)
    | st.dictionaries(KNOWN | st.text(max_size=4), JSON_VALUES, max_size=8).map(json.dumps).map(str.encode),
    content_type=st.sampled_from([b"", b"application/json", b"text/html", b"text/html;charset=x", b"\xff"]),
)
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_every_status_and_body_has_an_outcome(status: int, content: bytes, content_type: bytes) -> None:
    """No body raises an exception or changes the member."""
    headers = parse_headers([(b"content-type", content_type)])
    members = set()
    for candidate in (content, None, b""):
        for decide in (from_response, from_repeat):
            outcome = decide(ReadableResponse(status, headers, candidate, 512), "7")
            if decide is from_response:
                members.add(type(outcome).__name__)
            for text in texts(outcome):
                text.encode("utf-8")
                assert len(text) <= 1_000
                assert not any(ord(character) < 32 for character in text)
    assert len(members) == 1 or (status == 200 and content_type.startswith(b"text/html"))


# name: (failures as Wethod sends them, as the client gets them)
FAILURES: dict[str, tuple[object, list[tuple[str, str]]]] = {
    "several-messages-for-a-field": (
        {"name": ["too short", "taken"], "email": "missing"},
        [("name", "too short"), ("name", "taken"), ("email", "missing")],
    ),
    "property-path": ([{"propertyPath": "address.city", "message": "required"}], [("address.city", "required")]),
    "null-field": ([{"field": None, "message": "The form is stale."}], [("", "The form is stale.")]),
    "several-messages-in-an-entry": ([{"field": "name", "message": ["a", "b"]}], [("name", "a"), ("name", "b")]),
    "unreadable-beside-readable": ({"a": [1, None, "b"], "c": {"d": "e"}}, [("a", "b")]),
    "unreadable-entries": (
        [None, 1, "x", {}, {"field": "a"}, {"field": 1, "message": "b"}, {"field": "c", "message": "d"}],
        [("c", "d")],
    ),
    "neither-list-nor-object": (7, []),
}


@pytest.mark.parametrize(("sent", "shown"), FAILURES.values(), ids=FAILURES)
async def test_each_message_of_a_failure_is_kept(
    wethod: Upstream, client: GatewayClient, sent: object, shown: list[tuple[str, str]]
) -> None:
    wethod.script = [answer(400, words(failures=sent))]
    outcome = await client.delete()
    assert outcome["failures"] == [{"field": field, "message": message} for field, message in shown]


async def test_failures_beyond_100_are_cut_and_counted(wethod: Upstream, client: GatewayClient) -> None:
    failures = [{"field": f"f{i}", "message": "no"} for i in range(20_000)]
    wethod.script = [answer(400, words(message="Wrong.", failures=failures))]
    outcome = await client.delete()
    assert outcome["message"] == "Wrong. (100 of 20,000 failures shown.)"
    assert outcome["failures"] == failures[:100]


async def test_header_values_beyond_20_are_cut_and_counted(wethod: Upstream, client: GatewayClient) -> None:
    headers = {"x-ratelimit-a": [str(i) for i in range(15)], "x-ratelimit-b": [str(i) for i in range(15)]}
    wethod.script = [answer(403, words(message="No.", headers=headers))]
    outcome = await client.delete()
    assert outcome["message"] == "No. (20 of 30 header values shown.)"
    assert [len(header["values"]) for header in outcome["response"]["headers"]] == [15, 5]


async def test_words_beyond_16_kb_are_cut_and_counted(wethod: Upstream, client: GatewayClient) -> None:
    failures = [{"field": "é" * 1_000, "message": '"' * 1_000} for _ in range(50)]
    wethod.script = [answer(400, words(message="Wrong.", failures=failures))]
    outcome = await client.delete()
    shown = len(outcome["failures"])
    assert 0 < shown < 10
    assert outcome["message"] == f"Wrong. ({shown} of 50 failures shown.)"


async def test_an_answer_stays_below_a_megabyte(wethod: Upstream, client: GatewayClient) -> None:
    failures = [{"field": "f" * 500, "message": "m" * 500} for _ in range(900)]
    wethod.script = [answer(400, words(key="k", message="m" * 1_000, failures=failures))]
    names = " ".join(f"n{i}: failures {{ field message }}" for i in range(12))
    fields = f"__typename ... on WethodError {{ key message }} ... on WethodValidationError {{ {names} }}"
    aliases = " ".join(f"d{i}: deleteContact(id: {i}) {{ ...F }}" for i in range(1, 6))
    response = await client.graphql(f"mutation {{ {aliases} }} fragment F on DeleteContactResult {{ {fields} }}")
    assert response.status_code == 200
    assert len(response.content) <= 1_000_000
    outcomes = response.json()["data"].values()
    assert {outcome["__typename"] for outcome in outcomes} == {"WethodValidationError"}
    assert all("of 900 failures shown.)" in outcome["message"] for outcome in outcomes)


async def test_the_gateways_own_words_count_for_the_megabyte(wethod: Upstream, client: GatewayClient) -> None:
    """The gateway's message and its notes about cut text appear under every alias of `message`."""
    failures = [{"field": "f", "message": "m" * 900}] * 100
    headers = {"x-ratelimit-a": ["v" * 900] * 30}
    wethod.script = [answer(418, words(key="k", content="c" * 1_000, failures=failures, headers=headers))]
    messages = " ".join(f"m{i}: message" for i in range(27))
    contents = " ".join(f"{'c' * 1_100}{i}: content" for i in range(27))
    aliases = " ".join(f"d{i}: deleteContact(id: {i}) {{ ...F }}" for i in range(1, 21))
    fragment = f"fragment F on WethodError {{ {messages} response {{ {contents} }} }}"
    response = await client.graphql(f"mutation {{ {aliases} }} {fragment}")
    assert response.status_code == 200
    assert 900_000 < len(response.content) <= 1_000_000
    cut = " (0 of 100 failures shown.) (0 of 30 header values shown.) (Long text is cut.)"
    assert all(outcome["m0"].endswith(cut) for outcome in response.json()["data"].values())


def test_contract_and_engine_count_the_same_bytes_for_a_list_item() -> None:
    """The engine may not import the contract."""
    assert ITEM_BYTES == ENTRY_BYTES


def texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, list | tuple):
        return [text for item in value for text in texts(item)]
    if not dataclasses.is_dataclass(value):
        return []
    return [text for field in dataclasses.fields(value) for text in texts(getattr(value, field.name))]
