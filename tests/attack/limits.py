"""Each limit: the request that is just accepted, and the one that is just refused."""

from __future__ import annotations

from tests.attack.attack import SOUND, Attack, answered, invalid, not_read, refused
from tests.attack.documents import DEPTH, ROOT_FIELDS, TOKENS, aliases, too_much
from tests.attack.framing import CHUNK, CHUNKED, FIELDS, framed
from tests.attack.wire import ACCEPT, AS_JSON, DELETED, QUERY, ask, post, raw, request

LONG_BODY = refused(413, "LIMIT_EXCEEDED", "The request's body is longer than 65536 bytes.", connection="close")
LONG_HEAD = not_read(431, "LIMIT_EXCEEDED", "The request line and the headers are too long.")
LONG_TARGET = not_read(414, "LIMIT_EXCEEDED", "The request target is too long.")
LONG_FRAMING = not_read(
    431, "LIMIT_EXCEEDED", "The chunks of the body are too small, or their extensions or trailers are too long."
)
DEEP_PIPELINE = not_read(503, "LIMIT_EXCEEDED", "Too many requests wait on this connection.")

BY_GET = b"GET /graphql?query=%7B__typename%7D HTTP/1.1"

BODY_BYTES = 65_536
HEAD_BYTES = 32_768
REQUEST = request(QUERY, AS_JSON)


def chunked(size: int, each: int = 1_000) -> bytes:
    body = QUERY.ljust(size)
    chunks = [body[at : at + each] for at in range(0, size, each)]
    return framed(CHUNKED, body=b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n")


# Without optional spaces, which are not always counted.
DENSE = tuple(field.replace(b": ", b":") for field in FIELDS)


def with_head(size: int) -> bytes:
    """A query by GET whose head has this many bytes, in one long field."""
    return raw(BY_GET, *DENSE, b"X:" + b"v" * (size - len(raw(BY_GET, *DENSE, b"X:"))))


def with_fields(size: int) -> bytes:
    """A query by GET whose head has this many bytes, in many fields."""
    count, odd = divmod(size - len(raw(BY_GET, *DENSE)), len(b"a:b\r\n"))
    return raw(BY_GET, *DENSE, *[b"a:b"] * (count - 1), b"a:b" + b"b" * odd)


def with_target(size: int) -> bytes:
    target = b"/graphql?query=%7B__typename%7D&x="
    return raw(b"GET " + target.ljust(size, b"x") + b" HTTP/1.1", b"Host: a", ACCEPT)


TARGET_BYTES = HEAD_BYTES - len(with_target(100)) + 100


UNKNOWN_FIELD = invalid(("Cannot query field 'failures' on type 'WethodFailure'.", ((1, 25),)))


def nested(levels: int) -> str:
    """A query with fields at this depth; only the first exists."""
    return "{wethodContext" + "{failures" * (levels - 2) + "{field" + "}" * levels


def rows(tokens: int) -> list[list[str]]:
    """Aliases of a field in twenty contexts, for a query of this many tokens."""
    counts = [*([15] * 19), (tokens - 2 - 19 * 50 - 5) // 3]
    return [[f"b{name}" for name in range(count)] for count in counts]


def fields(tokens: int) -> str:
    """A query of this many tokens, nearly all of them aliases."""
    names = rows(tokens)
    selections = [" ".join(f"{name}:company" for name in row) for row in names]
    selections[0] += " company" * (tokens - 2 - 20 * 5 - 3 * sum(map(len, names)))
    return "{" + "".join(f"a{row}:wethodContext{{{each}}}" for row, each in enumerate(selections)) + "}"


THOUSAND = {f"a{row}": dict.fromkeys(names, "acme") for row, names in enumerate(rows(1_000))}
THOUSAND["a0"]["company"] = "acme"


PAIRS: dict[str, tuple[Attack, Attack]] = {
    "body": (
        Attack("a body of 65,536 bytes", post(QUERY.ljust(BODY_BYTES)), SOUND),
        Attack("a body of 65,537 bytes", post(QUERY.ljust(BODY_BYTES + 1)), LONG_BODY),
    ),
    "chunks": (
        Attack("65,536 bytes in chunks", chunked(BODY_BYTES), SOUND),
        Attack("65,537 bytes in chunks", chunked(BODY_BYTES + 1), LONG_BODY),
    ),
    "small-chunks": (
        Attack("65,536 bytes in chunks of five bytes", chunked(BODY_BYTES, 5), SOUND),
        Attack("65,536 bytes in chunks of one byte", chunked(BODY_BYTES, 1), LONG_FRAMING),
    ),
    "head": (
        Attack("a head of 32,768 bytes in one field", with_head(HEAD_BYTES), SOUND),
        Attack("a head of 32,769 bytes in one field", with_head(HEAD_BYTES + 1), LONG_HEAD),
    ),
    "fields": (
        Attack("a head of 32,768 bytes in 6,500 fields", with_fields(HEAD_BYTES), SOUND),
        Attack("a head of 32,769 bytes in 6,500 fields", with_fields(HEAD_BYTES + 1), LONG_HEAD),
    ),
    "target": (
        Attack("a target that fills the 32,768 bytes of the head", with_target(TARGET_BYTES), SOUND),
        Attack("a target that is longer than the limit of the head", with_target(HEAD_BYTES + 1), LONG_TARGET),
    ),
    "trailers": (
        Attack(
            "trailers of 32,700 bytes", framed(CHUNKED, body=CHUNK + b"0\r\nT: " + b"t" * 32_695 + b"\r\n\r\n"), SOUND
        ),
        Attack("endless trailers", framed(CHUNKED, body=CHUNK + b"0\r\nT: " + b"t" * 200_000), LONG_FRAMING),
    ),
    "pipeline": (
        Attack("17 requests at once", REQUEST * 17, SOUND, earlier=(SOUND,) * 16),
        Attack("18 requests at once", REQUEST * 18, DEEP_PIPELINE, earlier=(SOUND,) * 17),
    ),
    "tokens": (
        Attack("a document of 1,000 tokens", ask(fields(1_000)), answered(THOUSAND)),
        Attack("a document of 1,001 tokens", ask(fields(1_001)), TOKENS),
    ),
    "comments": (
        Attack("a document of 1,000 comments", ask("#\n" * 1_000 + "{__typename}"), SOUND),
        Attack("a document of 1,001 comments", ask("#\n" * 1_001 + "{__typename}"), TOKENS),
    ),
    "root-fields": (
        Attack(
            "20 deletes under aliases",
            ask(aliases(20)),
            answered({f"a{number}": {"__typename": "DeleteContactSuccess"} for number in range(20)}),
            deleted=(DELETED,) * 20,
        ),
        Attack("21 deletes under aliases", ask(aliases(21)), too_much(ROOT_FIELDS)),
    ),
    "depth": (
        Attack(
            "fields nested 20 deep: only validation refuses them, because they do not exist",
            ask(nested(20)),
            UNKNOWN_FIELD,
        ),
        Attack("fields nested 21 deep", ask(nested(21)), too_much(DEPTH)),
    ),
}

LIMITS = {
    f"{name}-{which}": attack
    for name, attacks in PAIRS.items()
    for which, attack in zip(("last", "next"), attacks, strict=True)
}
