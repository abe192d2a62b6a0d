"""Refusals before anything is sent: in a fixed order, all failures at once, each with its member."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.gateway import HEADERS, MUTATION, gateway
from tests.outcomes.outcomes import BAD_COMPANY, BAD_ID, NO_TOKEN, ROUTERS, invalid, unauthorized

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.gateway import GatewayClient
    from tests.upstream import Upstream

NOT_BEARER = "The header Authorization is not of the form `Bearer <token>`."
BAD_VERSION = {"field": "Wethod-Version", "message": "Must be a date, such as 2024-06-15."}
NO_COMPANY = {
    "field": "Wethod-Company",
    "message": "The header did not arrive. It names the company: the sub-domain of its Wethod address, such as acme. "
    + ROUTERS,
}


async def delete(client: GatewayClient, headers: list[tuple[bytes, bytes]], contact_id: object = "7") -> dict[str, Any]:
    """Delete one contact with header fields that may repeat, and return the outcome."""
    body = {"query": MUTATION, "variables": {"id": contact_id}}
    response = await client.http.post(f"{client.url}/graphql", json=body, headers=headers)
    assert response.status_code == 200, response.text
    outcome: dict[str, Any] = response.json()["data"]["deleteContact"]
    return outcome


def replaced(name: str, *values: str | bytes) -> list[tuple[bytes, bytes]]:
    """Return the usual headers with these values of one of them instead of its own."""
    others = [(key.encode(), value.encode()) for key, value in HEADERS.items() if key != name]
    return others + [(name.encode(), value if isinstance(value, bytes) else value.encode()) for value in values]


AUTHORIZATIONS: dict[str, tuple[list[str | bytes], str]] = {
    "absent": ([], NO_TOKEN),
    "blank": ([""], NOT_BEARER),
    "scheme-alone": (["Bearer"], NOT_BEARER),
    "no-scheme": (["abc"], NOT_BEARER),
    "basic": (["Basic dXNlcjpwYXNz"], NOT_BEARER),
    "two-tokens": (["Bearer a b"], NOT_BEARER),
    "comma": (["Bearer a, Bearer b"], NOT_BEARER),
    "tab": (["Bearer\ta"], NOT_BEARER),
    "not-ascii": ([b"Bearer caf\xe9"], NOT_BEARER),
    "utf-8": (["Bearer tökén".encode()], NOT_BEARER),
    "twice": (["Bearer a", "Bearer a"], "The header Authorization arrived 2 times; one was expected."),
    "thrice": (["Bearer a", "Bearer b", "x"], "The header Authorization arrived 3 times; one was expected."),
}


@pytest.mark.parametrize(("values", "message"), AUTHORIZATIONS.values(), ids=AUTHORIZATIONS)
async def test_without_a_usable_token_nothing_is_sent(
    client: GatewayClient, wethod: Upstream, values: list[str | bytes], message: str
) -> None:
    """Authorization is checked first: a bad id is not reported yet."""
    assert await delete(client, replaced("Authorization", *values), "..") == unauthorized(message)
    assert wethod.asked == []


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("Bearer abc", b"Bearer abc"),
        ("bearer abc", b"Bearer abc"),
        ("BEARER   a-._~+/==", b"Bearer a-._~+/=="),
        ("Bearer 1|abc:def", b"Bearer 1|abc:def"),
        ("Bearer !#$%&'()*+,-./:;<=>?@[]^_`{|}~\\", b"Bearer !#$%&'()*+,-./:;<=>?@[]^_`{|}~\\"),
        ("Bearer " + "x" * 4_000, b"Bearer " + b"x" * 4_000),
    ],
    ids=["usual", "lower-case", "upper-case", "separators", "all-visible-ascii", "long"],
)
async def test_a_usable_token_is_forwarded(client: GatewayClient, wethod: Upstream, value: str, sent: bytes) -> None:
    assert (await delete(client, replaced("Authorization", value)))["__typename"] == "DeleteContactSuccess"
    assert [asked.header("authorization") for asked in wethod.asked] == [sent]


BAD_IDS = [
    *("", " ", "0", "00", "007", "-1", "+1", "1 ", " 1", "1\n", "1\r\nX-Injected: 1", "1\x00", "\x00"),
    *("1e3", "1.0", "0x1f", "1_000", "seven", "null", "'; DROP TABLE contacts"),
    *("..", ".", "../../user/1", "%2e%2e", "%37", "7?x=1", "7#a", "7/8", "7;a", "/", "\\"),
    # Digits in Unicode, but not in ASCII: Arabic-Indic, fullwidth, mathematical, Sundanese.
    *("\u0667", "\u0660\u0661", "\uff17", "\U0001d7d5", "\u1bb7", "7\u202e", "\U0001f600"),
    *("9223372036854775808", "9" * 20, "9" * 5_000, "1" * 60_000),
]


@pytest.mark.parametrize("contact_id", BAD_IDS, ids=lambda value: ascii(value[:24]))
async def test_a_bad_id_is_refused(client: GatewayClient, wethod: Upstream, contact_id: str) -> None:
    """``..`` would delete at the parent path."""
    assert await client.delete(contact_id) == invalid(BAD_ID)
    assert wethod.asked == []


@pytest.mark.parametrize("digits", [20, 4_300, 4_301, 6_000])
async def test_an_integer_of_too_many_digits_is_refused(client: GatewayClient, wethod: Upstream, digits: int) -> None:
    number = "9" * digits
    content = '{"query": "mutation($id: ID!) { deleteContact(id: $id) { __typename ... on WethodValidationError { failures { field message } } } }", "variables": {"id": %s}}'  # noqa: E501
    variable = await client.http.post(
        f"{client.url}/graphql", content=content % number, headers=HEADERS | {"Content-Type": "application/json"}
    )
    literal = await client.graphql(
        f"mutation {{ deleteContact(id: {number}) {{ __typename ... on WethodValidationError "
        "{ failures { field message } } } }"
    )
    for response in (variable, literal):
        assert response.json() == {
            "data": {"deleteContact": {"__typename": "WethodValidationError", "failures": [BAD_ID]}}
        }
    assert wethod.asked == []


# name: (header, its values, the failure)
BAD_HEADERS: dict[str, tuple[str, Sequence[str | bytes], dict[str, str]]] = {
    "no-company": ("Wethod-Company", [], NO_COMPANY),
    **{
        f"{header}-{name}": (header, values, {"field": header, "message": message})
        for header in ("Wethod-Company", "Wethod-Version")
        for name, values, message in (
            ("blank", [""], "The header is blank."),
            ("twice", [HEADERS[header]] * 2, "The header arrived 2 times; one was expected."),
            ("latin-1", [b"acm\xe9"], "The header is not ASCII."),
            ("fullwidth", ["\uff12\uff10\uff12\uff14-06-15"], "The header is not ASCII."),
        )
    },
    **{
        value: ("Wethod-Company", [value], BAD_COMPANY)
        for value in ("acme.wethod.com", "-acme", "acme-", "a_b", "a b", "acme,globex", "a" * 64, "acme/..", "*")
    },
    **{
        value: ("Wethod-Version", [value], BAD_VERSION)
        for value in (
            "2024-02-30",
            "2024-6-15",
            "15-06-2024",
            "20240615",
            "latest",
            "2024-06-15T00:00:00",
            "0000-01-01",
        )
    },
}


@pytest.mark.parametrize(("header", "values", "failure"), BAD_HEADERS.values(), ids=BAD_HEADERS)
async def test_a_company_is_one_dns_label_and_a_version_a_calendar_date(
    client: GatewayClient, wethod: Upstream, header: str, values: Sequence[str | bytes], failure: dict[str, str]
) -> None:
    assert await delete(client, replaced(header, *values)) == invalid(failure)
    assert wethod.asked == []


async def test_all_failures_are_listed_at_once(client: GatewayClient, wethod: Upstream) -> None:
    headers = HEADERS | {"Wethod-Company": "a.b", "Wethod-Version": "now"}
    assert await client.delete("7?x=1", headers) == invalid(BAD_ID, BAD_COMPANY, BAD_VERSION)
    assert wethod.asked == []


async def test_an_absent_version_is_that_of_the_setting(wethod: Upstream) -> None:
    async with gateway(wethod.url) as default, gateway(wethod.url, {"WETHOD_VERSION": "2025-01-31"}) as other:
        await delete(default, replaced("Wethod-Version"))
        await delete(other, replaced("Wethod-Version"))
        await other.delete()
    assert [asked.header("wethod-version") for asked in wethod.asked] == [b"2024-06-15", b"2025-01-31", b"2024-06-15"]


async def test_another_company_than_the_pinned_one_is_refused(wethod: Upstream) -> None:
    async with gateway(wethod.url, {"WETHOD_COMPANY": "acme"}) as client:
        for values in ([], ["acme"], ["ACME"]):
            assert (await delete(client, replaced("Wethod-Company", *values)))["__typename"] == "DeleteContactSuccess"
        assert [asked.header("wethod-company") for asked in wethod.asked] == [b"acme"] * 3
        refused = await delete(client, replaced("Wethod-Company", "globex"))
        blank = await delete(client, replaced("Wethod-Company", ""))
    assert refused == invalid({"field": "Wethod-Company", "message": "This gateway serves another company only."})
    assert blank == invalid({"field": "Wethod-Company", "message": "The header is blank."})
    assert len(wethod.asked) == 3


async def test_the_token_may_come_in_another_header(wethod: Upstream) -> None:
    """``Authorization`` then belongs to the supergraph, and is not forwarded."""
    async with gateway(wethod.url, {"GATEWAY_AUTHORIZATION_HEADER": "Wethod-Authorization"}) as client:
        headers = HEADERS | {"Authorization": "Bearer of-the-supergraph"}
        absent = await client.delete(headers=headers)
        await client.delete(headers=headers | {"Wethod-Authorization": "Bearer of-wethod"})
    assert absent["message"].startswith("The header Wethod-Authorization did not arrive.")
    assert [asked.header("authorization") for asked in wethod.asked] == [b"Bearer of-wethod"]
    assert [asked.header("wethod-authorization") for asked in wethod.asked] == [None]


CONTEXT = "{ wethodContext { company version receivedHeaders failures { field message } } }"


async def test_the_context_shows_what_would_be_forwarded(client: GatewayClient, wethod: Upstream) -> None:
    whole = await client.graphql(CONTEXT)
    assert whole.json()["data"]["wethodContext"] == {
        "company": "acme",
        "version": "2024-06-15",
        "receivedHeaders": ["Authorization", "Wethod-Company", "Wethod-Version"],
        "failures": [],
    }
    nothing = await client.graphql(CONTEXT, headers={})
    assert nothing.json()["data"]["wethodContext"] == {
        "company": None,
        "version": "2024-06-15",
        "receivedHeaders": [],
        "failures": [{"field": "Authorization", "message": NO_TOKEN}, NO_COMPANY],
    }
    bad = await client.graphql(CONTEXT, headers={"Authorization": "Basic x", "Wethod-Version": "v1"})
    context = bad.json()["data"]["wethodContext"]
    assert (context["version"], context["receivedHeaders"]) == (None, ["Authorization", "Wethod-Version"])
    assert [failure["field"] for failure in context["failures"]] == [
        "Authorization",
        "Wethod-Company",
        "Wethod-Version",
    ]
    assert wethod.asked == []


HEADER_VALUES = (
    st.binary(max_size=40)
    .map(bytes.strip)
    .filter(lambda value: not any(byte < 32 or byte == 127 for byte in value))  # no client can send those
)
TOKEN_CHARACTERS = string.ascii_letters + string.digits + "-._~+/"


@given(
    contact_id=st.text() | st.integers() | st.sampled_from(["1", "42"]),
    authorization=HEADER_VALUES | st.text(TOKEN_CHARACTERS, min_size=1).map(lambda token: f"Bearer {token}".encode()),
    company=HEADER_VALUES | st.just(b"acme"),
    version=HEADER_VALUES | st.just(b"2024-06-15"),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=150)
async def test_any_input_is_a_contact_or_a_refusal(
    client: GatewayClient, wethod: Upstream, contact_id: object, authorization: bytes, company: bytes, version: bytes
) -> None:
    wethod.asked.clear()
    headers = [(b"Authorization", authorization), (b"Wethod-Company", company), (b"Wethod-Version", version)]
    outcome = await delete(client, headers, contact_id)
    sent = [(asked.method, asked.target) for asked in wethod.asked]
    if outcome["__typename"] == "DeleteContactSuccess":
        assert sent == [("DELETE", f"/api/contact/{outcome['deletedContactId']}")]
        assert outcome["deletedContactId"].isascii()
        assert outcome["deletedContactId"].isdigit()
        assert outcome["deletedContactId"] == str(contact_id)
    else:
        assert outcome["__typename"] in {"WethodUnauthorizedError", "WethodValidationError"}
        assert sent == []
