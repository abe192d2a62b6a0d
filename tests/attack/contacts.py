"""Ids and headers that try to be more than a contact, a company, a version or a token."""

from __future__ import annotations

from tests.attack.attack import SOUND, Attack, Reply, outcome
from tests.attack.wire import ACCEPT, AS_JSON, DELETED, PERSON, ask, parameters, raw

MUTATION = "mutation($id:ID!){deleteContact(id:$id){__typename ...on WethodValidationError{failures{field message}} \
...on WethodUnauthorizedError{message}}}"


def invalid(field: str, message: str) -> Reply:
    return outcome("WethodValidationError", failures=[{"field": field, "message": message}])


def unauthorized(message: str) -> Reply:
    return outcome("WethodUnauthorizedError", message=message)


BAD_ID = invalid("id", "Must be a whole number from 1 to 9223372036854775807.")

IDS = {
    "parent": ("..", "the parent path"),
    "other-path": ("../../user/1", "another path"),
    "encoded": ("%2e%2e", "the encoded parent path"),
    "encoded-digit": ("%37", "an encoded digit"),
    "query": ("7?force=1", "a number with a query string"),
    "fragment": ("7#", "a number with a fragment"),
    "segment": ("7/restore", "a number with a second path segment"),
    "matrix": ("7;v=1", "a number with a path parameter"),
    "backslash": ("\\7", "a backslash before a digit"),
    "line": ("7 HTTP/1.1\r\nX-Injected: 1", "a number, the end of the request line and a header"),
    "request": ("7 HTTP/1.1\r\nHost: a\r\n\r\nDELETE /api/contact/8", "a number and a second request"),
    "nul": ("7\0", "a NUL after a digit"),
    "space": (" 7", "a space before a digit"),
    "zero": ("0", "zero"),
    "leading-zero": ("07", "a number with a leading zero"),
    "negative": ("-7", "a negative number"),
    "hexadecimal": ("0x7", "a hexadecimal number"),
    "beyond": ("9223372036854775808", "a number beyond 63 bits"),
    "arabic": ("\u0667", "a digit of another script"),
    "fullwidth": ("\uff17", "a fullwidth digit"),
    "override": ("7\u202e", "a digit before a character that changes the direction of text"),
    "sql": ("7 OR 1=1", "a number with SQL"),
}


def with_headers(*fields: bytes) -> bytes:
    """A delete with these headers in place of the caller's."""
    body = parameters(MUTATION, variables={"id": "7"})
    length = b"Content-Length: %d" % len(body)
    return raw(b"POST /graphql HTTP/1.1", b"Host: a", ACCEPT, AS_JSON, *fields, length, body=body)


TOKEN, COMPANY = PERSON
NOT_BEARER = unauthorized("The header Authorization is not of the form `Bearer <token>`.")
REPEATED = unauthorized("The header Authorization arrived 2 times; one was expected.")

CONTACTS = {
    **{
        f"id-{name}": Attack(f"{what} as an id", ask(MUTATION, variables={"id": value}), BAD_ID)
        for name, (value, what) in IDS.items()
    },
    "token-twice": Attack("two tokens", with_headers(TOKEN, TOKEN, COMPANY), REPEATED),
    "token-list": Attack(
        "two tokens in one field", with_headers(b"Authorization: Bearer a, Bearer b", COMPANY), NOT_BEARER
    ),
    "token-text": Attack(
        "a token with bytes that are not ASCII", with_headers(b"Authorization: Bearer caf\xe9", COMPANY), NOT_BEARER
    ),
    "token-cookie": Attack(
        "a token in a cookie, as in a forged request",
        with_headers(b"Cookie: Authorization=Bearer x", COMPANY),
        unauthorized(
            "The header Authorization did not arrive. It carries the caller's Wethod token. "
            "Routers drop it unless configured to forward it."
        ),
    ),
    "company-host": Attack(
        "a company that is a host",
        with_headers(TOKEN, b"Wethod-Company: evil.example"),
        invalid("Wethod-Company", "Must be the sub-domain of a company, such as acme."),
    ),
    "company-twice": Attack(
        "two companies",
        with_headers(TOKEN, COMPANY, b"Wethod-Company: globex"),
        invalid("Wethod-Company", "The header arrived 2 times; one was expected."),
    ),
    "version-path": Attack(
        "a version that is a path",
        with_headers(TOKEN, COMPANY, b"Wethod-Version: ../v2"),
        invalid("Wethod-Version", "Must be a date, such as 2024-06-15."),
    ),
    "hop-by-hop": Attack(
        "`Connection` with the name of the token's header, to drop the token: the gateway still forwards the token",
        with_headers(TOKEN, COMPANY, b"Connection: Authorization"),
        outcome("DeleteContactSuccess"),
        deleted=(DELETED,),
    ),
    "underscores": Attack(
        "`Wethod_Company`, which some servers read as `Wethod-Company`",
        with_headers(TOKEN, b"Wethod_Company: globex"),
        invalid(
            "Wethod-Company",
            "The header did not arrive. It names the company: the sub-domain of its Wethod address, such as acme. "
            "Routers drop it unless configured to forward it.",
        ),
    ),
    "request-id": Attack(
        "a request id with an encoded line break: the gateway replaces the id",
        ask("{__typename}", b"X-Request-ID: a%0d%0aSet-Cookie: x=1"),
        SOUND,
    ),
}
