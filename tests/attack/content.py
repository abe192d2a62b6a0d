"""Bodies that JSON parsers read differently, or fail on."""

from __future__ import annotations

import gzip
import json

from tests.attack.attack import SOUND, Attack, Reply, invalid, not_json, outcome, refused
from tests.attack.documents import ENOUGH
from tests.attack.wire import DELETE, QUERY, ask, post

BY_VARIABLE = "mutation($id:ID!){deleteContact(id:$id){__typename}}"


def not_an_id(message: str) -> Reply:
    return refused(422, "BAD_USER_INPUT", f"Variable '$id' has invalid value: ID must be {message}", (1, 10))


KIND = "a string or an integer"
FRACTION = f"{KIND} without fraction or exponent"
DECLARED = [(number, 7 + 8 * number + max(0, number - 10)) for number in range(20)]
"""Number and column of each variable that is reported."""


def with_id(number: str) -> bytes:
    return post(b'{"query":' + json.dumps(BY_VARIABLE).encode() + b',"variables":{"id":' + number.encode() + b"}}")


CONTENT = {
    "nothing": Attack("no body", post(b""), not_json("Expecting value: it ends too early")),
    "text": Attack("text", post(b"NONSENSE"), not_json("Expecting value: line 1, column 1")),
    "null": Attack(
        "`null`",
        post(b"null"),
        refused(422, "BAD_REQUEST", "The request's body is no JSON object; one GraphQL request is expected."),
    ),
    "compressed": Attack(
        "a compressed body that expands to a thousand times its size",
        post(gzip.compress(b" " * 1_000_000, mtime=0), b"Content-Encoding: gzip"),
        refused(415, "BAD_REQUEST", "The request's body must not be encoded.", accept_encoding="identity"),
    ),
    "utf-8-broken": Attack(
        "bytes that are not UTF-8", post(QUERY.replace(b"__", b"\xff_")), not_json("byte 11 is not UTF-8")
    ),
    "utf-16": Attack("UTF-16", post(QUERY.decode().encode("utf-16")), not_json("byte 0 is not UTF-8")),
    "byte-order-mark": Attack(
        "a byte order mark", post(b"\xef\xbb\xbf" + QUERY), not_json("it begins with a byte order mark")
    ),
    "nan": Attack("`NaN`", post(b'{"query":NaN}'), not_json("NaN is not JSON")),
    "surrogate": Attack("a lone surrogate for an id", with_id('"\\ud800"'), outcome("WethodValidationError")),
    "surrogate-in-document": Attack(
        "a lone surrogate in the document",
        post(b'{"query":"{\\ud800}"}'),
        refused(400, "GRAPHQL_PARSE_FAILED", "Syntax Error: Invalid character: U+D800.", (1, 2)),
    ),
    "nul": Attack(
        "NUL in the document",
        ask("{__typename\0}"),
        refused(400, "GRAPHQL_PARSE_FAILED", "Syntax Error: Unexpected character: U+0000.", (1, 12)),
    ),
    "nested-arrays": Attack(
        "20,000 nested arrays", post(b"[" * 20_000 + b"]" * 20_000), not_json("it is nested too deeply")
    ),
    "nested-variables": Attack(
        "10,000 nested objects as a variable",
        post(b'{"query":"{__typename}","variables":{"a":' + b'{"a":' * 10_000 + b"1" + b"}" * 10_000 + b"}}"),
        not_json("it is nested too deeply"),
    ),
    "many-variables": Attack(
        "5,000 variables that the document does not declare",
        ask("{__typename}", variables={f"v{number}": number for number in range(5_000)}),
        SOUND,
    ),
    "declared-variables": Attack(
        "240 variables that the document declares and does not use",
        ask("query(" + "".join(f"$a{number}:Int " for number in range(240)) + "){__typename}"),
        invalid(*((f"Variable '$a{number}' is never used.", ((1, column),)) for number, column in DECLARED), ENOUGH),
    ),
    "huge-variable": Attack(
        "a variable of 60,000 characters",
        ask(BY_VARIABLE, variables={"id": "9" * 60_000}),
        outcome("WethodValidationError"),
    ),
    "huge-number": Attack("an integer of 6,000 digits", with_id("9" * 6_000), outcome("WethodValidationError")),
    "float": Attack("a number that becomes another id as a float", with_id("9007199254740993.0"), not_an_id(FRACTION)),
    "exponent": Attack("`1e3`, which is 1000", with_id("1e3"), not_an_id(FRACTION)),
    "list": Attack("a list that contains an id", with_id('["7"]'), not_an_id(KIND)),
    "object": Attack("an object that NoSQL databases read as a condition", with_id('{"$gt":""}'), not_an_id(KIND)),
    "keys-twice": Attack(
        "a mutation and a query with the same JSON key: the last one counts",
        post(b'{"query":' + json.dumps(DELETE).encode() + b',"query":"{__typename}"}'),
        SOUND,
    ),
    "prototype": Attack(
        "keys that pollute prototypes in other servers",
        ask("{__typename}", __proto__={"admin": True}, constructor={"prototype": {"admin": True}}),
        SOUND,
    ),
}
