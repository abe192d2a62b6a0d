"""Hosts, targets and paths that would lead somewhere else."""

from __future__ import annotations

from tests.attack.attack import MALFORMED, NOTHING_HERE, SOUND, Attack
from tests.attack.wire import AS_JSON, QUERY, get, request


def to(line: bytes, host: bytes = b"gateway.example", *fields: bytes) -> bytes:
    """A sound query, sent to this target at this host."""
    return request(QUERY, AS_JSON, *fields, line=b"POST " + line, host=host)


ROUTES = {
    "host": Attack("another host: the answer does not contain it", to(b"/graphql", b"evil.example"), SOUND),
    "host-port": Attack("a port that does not exist", to(b"/graphql", b"a:99999999"), SOUND),
    "host-markup": Attack("HTML as a host", to(b"/graphql", b'"><script>'), MALFORMED),
    "host-slash": Attack(
        "another host and a trailing slash, which some servers redirect to that host: the gateway serves it",
        to(b"/graphql/", b"evil.example"),
        SOUND,
    ),
    "forwarded": Attack(
        "headers that some servers read as host and path",
        to(
            b"/graphql",
            b"a",
            b"X-Forwarded-Host: evil.example",
            b"X-Original-URL: /metrics",
            b"X-Rewrite-URL: /metrics",
            b"Forwarded: host=evil.example",
            b"X-Forwarded-For: 127.0.0.1",
            b"X-HTTP-Method-Override: DELETE",
        ),
        SOUND,
    ),
    "absolute": Attack(
        "an absolute target with another host: the gateway uses only its path (RFC 9112 section 3.2.2)",
        to(b"http://evil.example/graphql"),
        SOUND,
    ),
    "absolute-other": Attack(
        "an absolute target with another path", to(b"http://127.0.0.1:80/api/contact/7"), NOTHING_HERE
    ),
    "absolute-scheme": Attack("an absolute target with another scheme", to(b"file:///graphql"), MALFORMED),
    "authority": Attack("a target that is only a host", to(b"evil.example:443"), MALFORMED),
    "two-slashes": Attack("two slashes, which browsers read as a host", to(b"//evil.example/graphql"), NOTHING_HERE),
    "backslash": Attack("a backslash instead of a slash", to(b"/\\graphql"), NOTHING_HERE),
    "dots": Attack("dot segments", to(b"/health/../graphql"), NOTHING_HERE),
    "dots-encoded": Attack("percent-encoded dot segments", to(b"/health/%2e%2e/graphql"), NOTHING_HERE),
    "parameter": Attack("a path parameter", to(b"/graphql;x=1"), NOTHING_HERE),
    "case": Attack("the path in another case", to(b"/GraphQL"), NOTHING_HERE),
    "encoded": Attack("the percent-encoded path, which is the same (RFC 3986 section 2.3)", to(b"/%67raphql"), SOUND),
    "encoded-slash": Attack("an encoded slash", to(b"/%2fgraphql"), NOTHING_HERE),
    "encoded-nul": Attack("an encoded NUL", to(b"/graphql%00"), NOTHING_HERE),
    "fragment": Attack("a target with a fragment, which no client sends", to(b"/graphql#x"), SOUND),
    "asterisk": Attack("the target `*`", to(b"*"), NOTHING_HERE),
    "wethod": Attack("the path of Wethod's DELETE", get(b"/api/contact/7", method=b"DELETE"), NOTHING_HERE),
    **{
        f"console{path.decode().replace('/', '-').rstrip('-')}": Attack(
            f"a path of common consoles, documents and files: `{path.decode()}`", get(path), NOTHING_HERE
        )
        for path in (
            b"/",
            b"/graphiql",
            b"/playground",
            b"/altair",
            b"/voyager",
            b"/explorer/",
            b"/graphql/console",
            b"/docs",
            b"/openapi.json",
            b"/debug/pprof",
            b"/.env",
            b"/.git/config",
            b"/static/../../etc/passwd",
        )
    },
}
