"""Requests as bytes: well-formed except for the part that an attack changes."""

from __future__ import annotations

import json

PERSON = (b"Authorization: Bearer test-token", b"Wethod-Company: acme")
"""The headers that a caller's own page adds. Attacks have them too, so that only the defence under test stops them."""

ACCEPT = b"Accept: application/graphql-response+json"
AS_JSON = b"Content-Type: application/json"

DELETE = 'mutation{deleteContact(id:"7"){__typename}}'
DELETED = "/api/contact/7"


def raw(line: bytes, *fields: bytes, body: bytes = b"") -> bytes:
    return b"\r\n".join((line, *fields)) + b"\r\n\r\n" + body


def request(body: bytes, *fields: bytes, line: bytes = b"POST /graphql", host: bytes = b"gateway.example") -> bytes:
    """A request with a caller's headers and a body of known length."""
    length = b"Content-Length: %d" % len(body)
    return raw(line + b" HTTP/1.1", b"Host: " + host, *PERSON, ACCEPT, *fields, length, body=body)


def post(body: bytes, *fields: bytes) -> bytes:
    return request(body, AS_JSON, *fields)


def parameters(query: object, **others: object) -> bytes:
    return json.dumps({"query": query, **others}, separators=(",", ":")).encode()


QUERY = parameters("{__typename}")


def ask(query: str, *fields: bytes, **others: object) -> bytes:
    return post(parameters(query, **others), *fields)


def get(target: bytes, *fields: bytes, body: bytes = b"", method: bytes = b"GET") -> bytes:
    return request(body, *fields, line=method + b" " + target)
