"""Requests whose end two parsers would see in different places, each with a delete hidden behind it."""

from __future__ import annotations

from tests.attack.attack import MALFORMED, SOUND, Attack, Reply, answered, not_json
from tests.attack.wire import ACCEPT, AS_JSON, DELETE, PERSON, QUERY, ask, raw, request

HIDDEN = ask(DELETE)
"""A delete that no client requested."""

LAST = answered({"__typename": "Query"}, connection="close")
LINE = b"POST /graphql HTTP/1.1"
HOST = b"Host: a"
FIELDS = (HOST, *PERSON, ACCEPT, AS_JSON)
CHUNKED = b"Transfer-Encoding: chunked"
CHUNK = b"%x\r\n%b\r\n" % (len(QUERY), QUERY)
END = b"0\r\n\r\n"


def framed(*fields: bytes, body: bytes = CHUNK + END) -> bytes:
    return raw(LINE, *FIELDS, *fields, body=body)


def length(value: bytes, *fields: bytes) -> bytes:
    return framed(b"Content-Length: " + value, *fields, body=QUERY)


SIZE = b"%d" % len(QUERY)
HEAD = raw(b"GET /graphql?query=%7B__typename%7D HTTP/1.1", *FIELDS)

# name: (what, bytes); a 400 follows, the end of the connection, and nothing else
AMBIGUOUS: dict[str, tuple[str, bytes]] = {
    "cl-te": ("`Content-Length` and `Transfer-Encoding`", framed(b"Content-Length: " + SIZE, CHUNKED)),
    "te-cl": ("`Transfer-Encoding` and `Content-Length`", framed(CHUNKED, b"Content-Length: " + SIZE)),
    "te-te": ("`Transfer-Encoding` twice", framed(CHUNKED, CHUNKED)),
    "te-te-other": ("`Transfer-Encoding` twice, the second unknown", framed(CHUNKED, b"Transfer-Encoding: x")),
    "te-disguised": ("a coding that only looks like `chunked`", framed(b"Transfer-Encoding: xchunked")),
    "te-comma": ("`chunked` in a list with an empty item", framed(b"Transfer-Encoding: ,chunked")),
    "te-quoted": ("`chunked` in quotes", framed(b'Transfer-Encoding: "chunked"')),
    "te-gzip-first": ("`gzip, chunked`", framed(b"Transfer-Encoding: gzip, chunked")),
    "te-gzip-last": ("`chunked, gzip`", framed(b"Transfer-Encoding: chunked, gzip")),
    "te-identity": ("`Transfer-Encoding: identity`", framed(b"Transfer-Encoding: identity", body=QUERY)),
    "te-tab": ("a vertical tab before `chunked`", framed(b"Transfer-Encoding:\x0bchunked")),
    "te-space-before-colon": ("a space before the colon", framed(b"Transfer-Encoding : chunked")),
    "te-folded": ("`Transfer-Encoding` on a folded line", framed(b"X: a", b" Transfer-Encoding: chunked")),
    "te-value-folded": ("`chunked` on a folded line", framed(b"Transfer-Encoding:", b" chunked")),
    "te-1.0": (
        "`Transfer-Encoding` in HTTP/1.0, and a length",
        framed(CHUNKED, b"Content-Length: 1").replace(b"1.1", b"1.0"),
    ),
    "cl-differ": ("two lengths that differ", length(SIZE, b"Content-Length: 1")),
    "cl-agree": ("two lengths that agree", length(SIZE, b"Content-Length: " + SIZE)),
    "cl-list": ("a list of lengths", length(SIZE + b", " + SIZE)),
    "cl-plus": ("a length with a sign", length(b"+" + SIZE)),
    "cl-minus": ("a negative length", length(b"-1")),
    "cl-hexadecimal": ("a hexadecimal length", length(b"0x1a")),
    "cl-underscore": ("a length with an underscore", length(b"2_6")),
    "cl-empty": ("an empty length", length(b"")),
    "cl-overflow": ("a length beyond 64 bits", length(b"18446744073709551642")),
    "cl-space-before-colon": ("a space before the colon of a length", framed(b"Content-Length : 26", body=QUERY)),
    "line-folded": (
        "a folded line right after the request line",
        raw(LINE, b" Host: a", *FIELDS[1:], b"Content-Length: 0"),
    ),
    "line-feeds": ("line feeds as line ends", length(SIZE).replace(b"\r\n", b"\n")),
    "line-feed": ("one line feed as a line end", framed(b"X: a\nContent-Length: 0", body=b"")),
    "return": ("a carriage return as a line end", framed(b"X: a\rContent-Length: 0", body=b"")),
    "value-nul": ("NUL in a value", framed(b"X: a\0b", b"Content-Length: 0", body=b"")),
    "value-control": ("a control character in a value", framed(b"X: a\x01b", b"Content-Length: 0", body=b"")),
    "name-nul": ("NUL in a name", framed(b"X\0: a", b"Content-Length: 0", body=b"")),
    "name-bracket": ("a name with a bracket", framed(b"X(: a", b"Content-Length: 0", body=b"")),
    "name-none": ("a field without a name", framed(b": a", b"Content-Length: 0", body=b"")),
    "colon-none": ("a field without a colon", framed(b"Content-Length", body=b"")),
    "chunk-letters": ("a chunk size that is not a number", framed(CHUNKED, body=b"zz\r\n")),
    "chunk-prefixed": ("a chunk size with a prefix", framed(CHUNKED, body=b"0x1\r\nx\r\n" + END)),
    "chunk-signed": ("a chunk size with a sign", framed(CHUNKED, body=b"+1\r\nx\r\n" + END)),
    "chunk-negative": ("a negative chunk size", framed(CHUNKED, body=b"-1\r\n")),
    "chunk-overflow": ("a chunk size beyond 64 bits", framed(CHUNKED, body=b"ffffffffffffffff1\r\n")),
    "chunk-empty": ("no chunk size", framed(CHUNKED, body=b"\r\n")),
    "chunk-longer": ("a chunk longer than its size", framed(CHUNKED, body=b"1\r\nxx\r\n" + END)),
    "chunk-line-feed": ("a chunk size that ends with a line feed", framed(CHUNKED, body=b"1\nx\r\n" + END)),
    "chunk-data-line-feed": ("a chunk that ends with a line feed", framed(CHUNKED, body=b"1\r\nx\n" + END)),
    "chunk-extension-line-feed": ("a chunk extension with a line feed", framed(CHUNKED, body=b"1;a\nx\r\n" + END)),
    "chunk-last-line-feed": ("a last chunk that ends with a line feed", framed(CHUNKED, body=CHUNK + b"0\n\n")),
    "host-none": ("no host", raw(LINE, *FIELDS[1:], b"Content-Length: 0")),
    "host-user": ("a host with user info", framed(b"Content-Length: 0", body=b"").replace(HOST, HOST + b"@b")),
    "host-space": ("a host with a space", framed(b"Content-Length: 0", body=b"").replace(HOST, HOST + b" b")),
    "host-two": ("two hosts", framed(b"Host: other", b"Content-Length: 0", body=b"")),
    "target-space": ("a space in the target", raw(b"GET /graphql a HTTP/1.1", *FIELDS)),
    "target-control": ("a control character in the target", raw(b"GET /graphql\x01 HTTP/1.1", *FIELDS)),
    "target-text": ("a target that is not ASCII", raw(b"GET /\xc3\xa9 HTTP/1.1", *FIELDS)),
    "target-bare": ("a target without a slash", raw(b"GET graphql HTTP/1.1", *FIELDS)),
    "line-tab": ("a tab in the request line", raw(b"GET\t/graphql HTTP/1.1", *FIELDS)),
    "tunnel": ("`CONNECT`", raw(b"CONNECT a:80 HTTP/1.1", *FIELDS)),
    "method-unknown": ("an unknown method", raw(b"BREW /graphql HTTP/1.1", *FIELDS)),
    "method-lower": ("a method in lower case", raw(b"post /graphql HTTP/1.1", *FIELDS, b"Content-Length: 0")),
    "http-0.9": ("HTTP/0.9", raw(b"GET /graphql HTTP/0.9", *FIELDS)),
    "http-0.9-bare": ("a request line without a version", b"GET /graphql\r\n\r\n"),
    "http-2-line": ("HTTP/2 in a request line", raw(b"GET /graphql HTTP/2.0", *FIELDS)),
    "http-2-preface": ("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "http-3.1": ("HTTP/3.1", raw(b"GET /graphql HTTP/3.1", *FIELDS)),
    "tls": ("a TLS handshake", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    "socks": ("a SOCKS handshake", b"\x05\x01\x00"),
    "proxy-line": ("a line of the PROXY protocol", b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n" + HEAD),
}

IN_BODY = not_json("Expecting value: line 1, column 1")

FRAMING = {
    **{name: Attack(f"{what}, then a delete", data + HIDDEN, MALFORMED) for name, (what, data) in AMBIGUOUS.items()},
    "length-covers": Attack("a delete inside the body: the length includes it", request(HIDDEN, AS_JSON), IN_BODY),
    "upgrade": Attack(
        "`Upgrade`, after which some parsers end the request: the delete is read as its body",
        request(HIDDEN, AS_JSON, b"Connection: upgrade", b"Upgrade: websocket"),
        IN_BODY,
    ),
    "upgrade-h2c": Attack(
        "`Upgrade: h2c`, to bypass a proxy with HTTP/2: the gateway ignores it",
        request(
            QUERY, AS_JSON, b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQ"
        ),
        SOUND,
    ),
    "http-1.0": Attack(
        "HTTP/1.0 without a length, then a delete: the gateway reads no body and no further request",
        raw(b"POST /graphql HTTP/1.0", *FIELDS, body=HIDDEN),
        not_json("Expecting value: it ends too early", connection="close"),
    ),
    "after-close": Attack(
        "a delete after a request that ends the connection: the gateway does not read it",
        request(QUERY, AS_JSON, b"Connection: close") + HIDDEN,
        LAST,
    ),
    "get-with-length": Attack(
        "a `GET` whose body is a delete, which some servers do not read",
        raw(b"GET /graphql?query=%7B__typename%7D HTTP/1.1", *FIELDS, b"Content-Length: %d" % len(HIDDEN), body=HIDDEN),
        SOUND,
    ),
    "head-with-length": Attack(
        "the same by `HEAD`",
        raw(
            b"HEAD /graphql?query=%7B__typename%7D HTTP/1.1", *FIELDS, b"Content-Length: %d" % len(HIDDEN), body=HIDDEN
        ),
        Reply(200, "", SOUND.headers, head_only=True),
    ),
    "chunk-extension": Attack(
        "chunk extensions with digits, which belong neither to the size nor to the body",
        framed(CHUNKED, body=b"%x;a=0;b=2\r\n%b\r\n0;c\r\n\r\n" % (len(QUERY), QUERY)),
        SOUND,
    ),
    "trailer": Attack(
        "a trailer with a token and another company: trailers are not headers",
        framed(CHUNKED, body=CHUNK + b"0\r\nAuthorization: Bearer x\r\nWethod-Company: globex\r\n\r\n"),
        SOUND,
    ),
    "trailer-length": Attack(
        "a trailer with a length", framed(CHUNKED, body=CHUNK + b"0\r\nContent-Length: 9\r\n\r\n") + HIDDEN, MALFORMED
    ),
    "line-ends": Attack("empty lines before a request", b"\r\n\r\n" + request(QUERY, AS_JSON), SOUND),
    "expect": Attack(
        "`Expect: 100-continue` with a body that has already arrived",
        request(QUERY, AS_JSON, b"Expect: 100-continue"),
        SOUND,
    ),
}
