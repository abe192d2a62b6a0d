"""Requests that a foreign page can make a browser send without a preflight."""

from __future__ import annotations

from app.graphql_http.cors import CLIENT_HEADERS
from tests.attack.attack import ORIGIN, SOUND, Attack, Reply, answered, outcome, refused
from tests.attack.wire import AS_JSON, DELETE, DELETED, ask, get, parameters, post, request

UNLABELLED = refused(
    415,
    "BAD_REQUEST",
    "The Content-Type of the request must be application/json, in UTF-8 and named once.",
    accept_post="application/json",
)
NO_QUERY = refused(422, "BAD_REQUEST", "The parameter query is missing.")
BY_POST = refused(405, "BAD_REQUEST", "A mutation must be sent by POST.", allow="POST")
OTHER_METHOD = refused(
    405, "BAD_REQUEST", "GraphQL requests are sent by POST, or by GET for a query.", allow="GET, HEAD, POST"
)

EVIL = b"Origin: https://evil.example"
FORM = (EVIL, b"Sec-Fetch-Site: cross-site", b"Sec-Fetch-Mode: navigate", b"Sec-Fetch-Dest: document")
FETCH = (EVIL, b"Sec-Fetch-Site: cross-site", b"Sec-Fetch-Mode: no-cors", b"Sec-Fetch-Dest: empty")

ENCODED = b"mutation%7BdeleteContact(id:%227%22)%7B__typename%7D%7D"
MULTIPART = (
    b'--b\r\nContent-Disposition: form-data; name="operations"\r\n\r\n'
    + parameters(DELETE)
    + b'\r\n--b\r\nContent-Disposition: form-data; name="map"\r\n\r\n{}\r\n--b--\r\n'
)


def typed(content_type: bytes, body: bytes = parameters(DELETE)) -> bytes:
    """A body of a media type that a form, or a fetch without a preflight, can send."""
    return request(body, *FORM, b"Content-Type: " + content_type)


FORGERIES = {
    "form-urlencoded": Attack(
        "a form, `application/x-www-form-urlencoded`",
        typed(b"application/x-www-form-urlencoded", b"query=" + ENCODED),
        UNLABELLED,
    ),
    "form-multipart": Attack(
        "a form, `multipart/form-data`, as upload clients do",
        typed(b"multipart/form-data; boundary=b", MULTIPART),
        UNLABELLED,
    ),
    "form-text": Attack(
        "a form, `text/plain`, whose only field is JSON", typed(b"text/plain", parameters(DELETE, x="=")), UNLABELLED
    ),
    "no-type": Attack("a `fetch` of a Blob without a type", request(parameters(DELETE), *FETCH), UNLABELLED),
    "empty-type": Attack("an empty `Content-Type`", request(parameters(DELETE), *FETCH, b"Content-Type:"), UNLABELLED),
    **{
        f"smuggled-{name}": Attack(f"`{content_type.decode()}`", typed(content_type), UNLABELLED)
        for name, content_type in {
            "text-parameter": b"text/plain; application/json",
            "text-charset": b"text/plain; charset=application/json",
            "text-comma": b"text/plain, application/json",
            "json-comma": b"application/json, text/plain",
            "form-parameter": b"application/x-www-form-urlencoded; application/json",
            "boundary": b"multipart/form-data; boundary=application/json",
            "suffix": b"application/json+x",
            "graphql": b"application/graphql",
            "graphql-json": b"application/graphql+json",
            "other-charset": b"application/json; charset=utf-7",
            "latin": b"application/json; charset=iso-8859-1",
            "utf-16": b"application/json; charset=utf-16",
        }.items()
    },
    "types-text-first": Attack(
        "two `Content-Type` fields, `text/plain` first",
        request(parameters(DELETE), *FETCH, b"Content-Type: text/plain", AS_JSON),
        UNLABELLED,
    ),
    "types-json-first": Attack(
        "two `Content-Type` fields, `application/json` first",
        request(parameters(DELETE), *FETCH, AS_JSON, b"Content-Type: text/plain"),
        UNLABELLED,
    ),
    "beacon-report": Attack(
        "a report that a browser sends automatically", typed(b"application/reports+json"), UNLABELLED
    ),
    "link": Attack("a link or an image: a mutation by `GET`", get(b"/graphql?query=" + ENCODED, *FORM), BY_POST),
    "link-head": Attack(
        "the same by `HEAD`",
        get(b"/graphql?query=" + ENCODED, *FORM, method=b"HEAD"),
        Reply(405, "", BY_POST.headers, head_only=True),
    ),
    "link-named": Attack(
        "a query and a mutation by `GET`, with the name of the mutation",
        get(
            b"/graphql?query=query+A%7B__typename%7D+mutation+B%7BdeleteContact(id:7)%7B__typename%7D%7D"
            b"&operationName=B",
            *FORM,
        ),
        BY_POST,
    ),
    "link-override": Attack(
        "a mutation by `GET` with headers that some frameworks read as `POST`",
        get(b"/graphql?query=" + ENCODED, b"X-HTTP-Method-Override: POST", b"X-Method-Override: POST"),
        BY_POST,
    ),
    "get-body": Attack(
        "a `GET` whose body is the mutation", get(b"/graphql", AS_JSON, body=parameters(DELETE)), NO_QUERY
    ),
    "get-both": Attack(
        "a `GET` with a query and a mutation in the body: the body is not read",
        get(b"/graphql?query=%7B__typename%7D", AS_JSON, body=parameters(DELETE)),
        SOUND,
    ),
    "post-query-string": Attack(
        "a `POST` with the mutation in the query string",
        request(b"{}", AS_JSON, line=b"POST /graphql?query=" + ENCODED),
        NO_QUERY,
    ),
    **{
        f"method-{method.decode().lower()}": Attack(
            f"the mutation by `{method.decode()}`",
            request(parameters(DELETE), AS_JSON, line=method + b" /graphql"),
            OTHER_METHOD,
        )
        for method in (b"PUT", b"PATCH", b"DELETE", b"TRACE", b"PROPFIND")
    },
    "jsonp": Attack(
        "a `<script>` that asks for a JSONP callback",
        get(b"/graphql?query=%7B__typename%7D&callback=steal&jsonp=steal", *FETCH),
        SOUND,
    ),
}

SHARED = {"access-control-allow-origin": ORIGIN, "access-control-expose-headers": "X-Request-ID"}
"""The fields by which a page of a listed origin may read an answer."""

OWN_HEADERS = ("Authorization", "Wethod-Company", "Wethod-Version")

PREFLIGHT = (b"Access-Control-Request-Method: POST", b"Access-Control-Request-Headers: authorization, content-type")

ALLOWED = {
    **SHARED,
    "access-control-allow-methods": "GET, HEAD, POST",
    "access-control-max-age": "600",
    "access-control-allow-headers": ", ".join(sorted((*CLIENT_HEADERS, *OWN_HEADERS), key=str.lower)),
    "content-type": "text/plain; charset=utf-8",
    "cache-control": "no-store",
    "vary": "Accept, Origin",
    "x-content-type-options": "nosniff",
}


def preflight(origin: str, *fields: bytes) -> bytes:
    """The preflight request of a browser before a page may send JSON."""
    return request(b"", b"Origin: " + origin.encode(), *(fields or PREFLIGHT), line=b"OPTIONS /graphql")


def unlisted(what: str) -> Reply:
    """A refused preflight: the browser then does not send the request itself."""
    kept = {name: value for name, value in ALLOWED.items() if name not in SHARED}
    return Reply(400, f"Disallowed CORS {what}", kept)


CORS = {
    "preflight-off": Attack(
        "a preflight, to a gateway without listed origins", preflight("https://evil.example"), OTHER_METHOD
    ),
    "answer-off": Attack(
        "a query from another origin, to a gateway without listed origins: no page may read the answer",
        ask("{__typename}", EVIL),
        SOUND,
    ),
    "preflight-listed": Attack(
        "a preflight from the listed origin", preflight(ORIGIN), Reply(200, "OK", ALLOWED), front="cors"
    ),
    **{
        f"preflight-{name}": Attack(
            f"a preflight from `{origin}`, which is not listed", preflight(origin), unlisted("origin"), front="cors"
        )
        for name, origin in {
            "foreign": "https://evil.example",
            "null": "null",
            "suffix": f"{ORIGIN}.evil.example",
            "prefix": "https://evil-app.example",
            "plain": "http://app.example",
            "port": f"{ORIGIN}:444",
            "case": "https://APP.example",
        }.items()
    },
    "preflight-header": Attack(
        "a preflight from the listed origin for a header that is not listed",
        preflight(ORIGIN, PREFLIGHT[0], b"Access-Control-Request-Headers: x-evil"),
        Reply(400, "Disallowed CORS headers", ALLOWED),
        front="cors",
    ),
    "preflight-method": Attack(
        "a preflight from the listed origin for `DELETE`",
        preflight(ORIGIN, b"Access-Control-Request-Method: DELETE"),
        Reply(400, "Disallowed CORS method", ALLOWED),
        front="cors",
    ),
    "preflight-credentials": Attack(
        "a request from the listed origin with a cookie: the answer does not allow credentials",
        ask("{__typename}", b"Origin: " + ORIGIN.encode(), b"Cookie: session=1"),
        answered({"__typename": "Query"}, **SHARED),
        front="cors",
    ),
    "answer-foreign": Attack(
        "a query from an origin that is not listed: no page may read the answer",
        ask("{__typename}", EVIL),
        SOUND,
        front="cors",
    ),
    "form-cors": Attack("a form from an origin that is not listed", typed(b"text/plain"), UNLABELLED, front="cors"),
    "json-unasked": Attack(
        "JSON from another origin with a valid token: a browser first sends a preflight, and no page has the token",
        post(parameters(DELETE), *FETCH),
        outcome("DeleteContactSuccess"),
        deleted=(DELETED,),
    ),
}
