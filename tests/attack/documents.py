"""Documents that cost much, request much, or reveal much."""

from __future__ import annotations

import hashlib
from typing import TypeAlias

from graphql import get_introspection_query

from tests.attack.attack import SOUND, Attack, Reply, answered, invalid, not_json, outcome, refused
from tests.attack.wire import ask, get, parameters, post

ROOT_FIELDS = "The operation has more than 20 root fields."
DEPTH = "The operation is nested deeper than 20 fields."
UNFOLDED = "The document's fragments unfold to more than 2000 selections."
TOO_OFTEN = "The document repeats fields, or spreads fragments, too often to be validated."
WRITTEN = "The document has more than 333 selections. Each operation and each fragment counts as 5."
NAMES = "The answer would be too long. Select fewer aliases of a field, or give shorter lists."
TOKENS = refused(422, "LIMIT_EXCEEDED", "The document has more than 1000 tokens, or as many comments.")
TOO_DEEP = refused(422, "LIMIT_EXCEEDED", "The document is nested too deeply.")
BATCH = refused(
    422, "BAD_REQUEST", "The request's body is a batch, which is not supported; one GraphQL request is expected."
)
NOT_FOUND = refused(422, "PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound")


def too_much(message: str, column: int = 1) -> Reply:
    return refused(422, "LIMIT_EXCEEDED", message, (1, column))


def numbered(count: int, text: str) -> str:
    """Repeat a text with 0, 1 and so on in place of each `#`."""
    return " ".join(text.replace("#", str(number)) for number in range(count))


def aliases(count: int) -> str:
    """Delete one contact under this many aliases."""
    return "mutation{" + numbered(count, 'a#:deleteContact(id:"7"){__typename}') + "}"


def spreads(levels: int, leaf: str, kind: str) -> str:
    """Fragments that each spread the next one twice."""
    fragments = "".join(f"fragment F{level} on {kind}{{...F{level + 1} ...F{level + 1}}}" for level in range(levels))
    return f"{fragments}fragment F{levels} on {kind}{{{leaf}}}"


def persisted(digest: str) -> dict[str, object]:
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": digest}}}


MOST_ERRORS = 20
ENOUGH = ("Too many validation errors, error limit reached. Validation aborted.", ())


def unknown_directives(count: int) -> Reply:
    """One error with a location for each, up to the limit of errors."""
    errors = [("Unknown directive '@aa'.", ((1, 12 + 3 * number),)) for number in range(min(count, MOST_ERRORS))]
    return invalid(*errors, *([ENOUGH] if count > MOST_ERRORS else []))


VOLUME = {
    "aliases": Attack("90 deletes under aliases", ask(aliases(90)), too_much(ROOT_FIELDS)),
    "aliases-in-fragments": Attack(
        "2^20 deletes, multiplied by fragments",
        ask("mutation{...F0}" + spreads(20, 'deleteContact(id:"7"){__typename}', "Mutation")),
        too_much(ROOT_FIELDS),
    ),
    "batch": Attack("an array of two requests", post(b"[" + b",".join([parameters("{__typename}")] * 2) + b"]"), BATCH),
    "batch-large": Attack(
        "an array of a thousand requests", post(b"[" + b",".join([parameters("{__typename}")] * 1_000) + b"]"), BATCH
    ),
    "batch-lines": Attack(
        "two requests, one on each line",
        post(parameters("{__typename}") + b"\n" + parameters("{__typename}")),
        not_json("Extra data: line 2, column 1"),
    ),
    "operations": Attack(
        "two operations without a name: the gateway runs neither",
        ask('mutation A{deleteContact(id:"7"){__typename}} query B{__typename}'),
        refused(
            422,
            "OPERATION_RESOLUTION_FAILURE",
            "The document has 2 operations: name one by operationName.",
            (1, 1),
            (1, 47),
        ),
    ),
    "directives": Attack(
        "ten directives that do not exist", ask("{__typename" + "@aa" * 10 + "}"), unknown_directives(10)
    ),
    "directives-many": Attack(
        "498 directives that do not exist", ask("{__typename" + "@aa" * 498 + "}"), unknown_directives(498)
    ),
    "directives-overload": Attack("10,000 directives", ask("{__typename" + "@aa" * 10_000 + "}"), TOKENS),
    "directives-repeated": Attack(
        "one directive twice",
        ask("{__typename@skip(if:false)@skip(if:false)}"),
        invalid(
            ("The directive '@skip' can only be used once at this location.", ((1, 12), (1, 27))),
        ),
    ),
    "fields-repeated": Attack(
        "one field 50 times: the answer has it once",
        ask("{wethodContext{" + "company " * 50 + "}}"),
        answered({"wethodContext": {"company": "acme"}}),
    ),
    "fields-repeated-often": Attack(
        "one field 300 times: validation compares each pair",
        ask("{wethodContext{" + "company " * 300 + "}}"),
        refused(422, "LIMIT_EXCEEDED", TOO_OFTEN),
    ),
    "fields-unknown": Attack(
        "900 fields of an unknown field: validation visits each of them twice",
        ask("{x{" + numbered(900, "a#") + "}}"),
        refused(422, "LIMIT_EXCEEDED", WRITTEN),
    ),
    "fragments-unused": Attack(
        "140 fragments that are not used: validation visits each of them",
        ask("{__typename}" + "".join(f"fragment F{number} on Query{{__typename}}" for number in range(140))),
        refused(422, "LIMIT_EXCEEDED", WRITTEN),
    ),
    "fields-repeated-more": Attack("one field 8,000 times", ask("{wethodContext{" + "version " * 8_000 + "}}"), TOKENS),
    "cycle": Attack(
        "a fragment that spreads itself",
        ask("{...A}fragment A on Query{...A}"),
        invalid(("Cannot spread fragment 'A' within itself.", ((1, 27),))),
    ),
    "cycle-of-two": Attack(
        "two fragments that spread each other",
        ask("{...A}fragment A on Query{...B}fragment B on Query{...A}"),
        invalid(("Cannot spread fragment 'A' within itself via 'B'.", ((1, 27), (1, 52)))),
    ),
    "exponential": Attack(
        "fragments that double the selections 40 times",
        ask("{wethodContext{...F0}}" + spreads(40, "company", "WethodContext")),
        too_much(UNFOLDED),
    ),
    "unfolding": Attack(
        "400,000 fields by aliases in fragments",
        ask(
            "{" + numbered(20, "a#:wethodContext{...F}") + "}"
            "fragment F on WethodContext{" + numbered(56, "b#:failures{...G}") + "}"
            "fragment G on WethodFailure{" + numbered(110, "c#:field") + "}"
        ),
        too_much(UNFOLDED),
    ),
    "sdl-again-and-again": Attack(
        "the SDL 2,000 times: an answer of 20 MB without a token",
        ask("{" + numbered(20, "a#:_service{...F}") + "}fragment F on _Service{" + numbered(97, "b#:sdl") + "}"),
        too_much("The operation selects sdl more than 4 times."),
    ),
    "services": Attack(
        "the SDL five times",
        ask("{" + numbered(5, "a#:_service{sdl}") + "}"),
        too_much("The operation selects _service more than 4 times."),
    ),
    "names": Attack(
        "912 lists of failures by aliases in a fragment: an answer of 290 KB without a token",
        ask(
            "{" + numbered(19, "a#:wethodContext{...F}") + "}"
            "fragment F on WethodContext{" + numbered(48, "b#:failures{message}") + "}"
        ),
        too_much(NAMES),
    ),
    "words": Attack(
        "780 messages of Wethod by aliases in a fragment: an answer of 12 MB if each is long",
        ask(
            "mutation{" + numbered(20, "a#:deleteContact(id:1){...F}") + "}"
            "fragment F on WethodError{" + numbered(39, "b#:message") + "}"
        ),
        too_much(NAMES),
    ),
    "null-for-a-default": Attack(
        "null for a `@skip` variable with a default: as a field error, it would come after the delete",
        ask(
            "mutation($brief:Boolean=false){deleteContact(id:7){...on DeleteContactSuccess@skip(if:$brief){message}}}",
            variables={"brief": None},
        ),
        refused(422, "BAD_USER_INPUT", "Variable '$brief' must not be null where the operation uses it.", (1, 10)),
    ),
    "operations-times-fragments": Attack(
        "thirty operations that spread one fragment of a hundred fields",
        ask(numbered(30, "query Q#{...F}") + "fragment F on Query{wethodContext{" + "company " * 100 + "}}"),
        too_much(UNFOLDED, 295),
    ),
    "errors-behind-empty-lines": Attack(
        "300 errors after 27,000 empty lines: the answer has the first three",
        ask("\n" * 27_000 + "{wethodContext{" + numbered(300, "a#") + "}}"),
        invalid(
            *((f"Cannot query field 'a{i}' on type 'WethodContext'.", ((27_001, 16 + 3 * i),)) for i in range(3)),
            ENOUGH,
        ),
    ),
    "deep-fields": Attack(
        "fields nested 150 deep",
        ask("{__typename " + "wethodContext{" * 150 + "company" + "}" * 150 + "}"),
        too_much(DEPTH),
    ),
    "deep-inline-fragments": Attack(
        "inline fragments nested 190 deep, which have no fields and no depth",
        ask("{" + "...on Query{" * 190 + "__typename" + "}" * 190 + "}"),
        SOUND,
    ),
    "deep-list": Attack(
        "a list nested 490 deep as an id",
        ask("mutation{deleteContact(id:" + "[" * 490 + "]" * 490 + "){__typename}}"),
        TOO_DEEP,
    ),
    "deep-type": Attack(
        "a variable whose type is nested 400 deep",
        ask("query($a:" + "[" * 400 + "Int" + "]" * 400 + "){__typename}"),
        TOO_DEEP,
    ),
    "wide": Attack("a document of 10,000 fields", ask("{" + "a " * 10_000 + "}"), TOKENS),
    "comments": Attack("a document of 20,000 comments", ask("#\n" * 20_000 + "{__typename}"), TOKENS),
    "long-string": Attack(
        "a string of 60,000 characters as an id",
        ask('mutation{deleteContact(id:"' + "9" * 60_000 + '"){__typename}}'),
        outcome("WethodValidationError"),
    ),
    "long-name": Attack(
        "a field whose name has 10,000 letters: the message is cut",
        ask("{" + "a" * 10_000 + "}"),
        invalid((f"Cannot query field '{'a' * 980}… (Long text is cut.)", ((1, 2),))),
    ),
}

INTROSPECTION_OFF = "GraphQL introspection has been disabled, but the requested query contained the field '{}'."


HiddenFields: TypeAlias = "tuple[tuple[str, int, int], ...]"
"""Fields with their lines and columns."""


def hidden(fields: HiddenFields) -> list[tuple[str, tuple[tuple[int, int], ...]]]:
    """One error for each field that is hidden while introspection is off."""
    return [(INTROSPECTION_OFF.format(name), ((line, column),)) for name, line, column in fields]


def introspection(*fields: tuple[str, int, int]) -> Reply:
    return invalid(*hidden(fields))


TOOLS_ASK: HiddenFields = (
    ("__schema", 3, 3),
    ("queryType", 5, 5),
    ("kind", 5, 22),
    ("mutationType", 6, 5),
    ("kind", 6, 25),
    ("subscriptionType", 7, 5),
    ("kind", 7, 29),
    ("types", 8, 5),
    ("directives", 11, 5),
    ("locations", 17, 7),
    ("args", 18, 7),
    ("kind", 26, 3),
    ("fields", 31, 3),
    ("args", 34, 5),
    ("type", 37, 5),
    ("inputFields", 43, 3),
    ("interfaces", 46, 3),
    ("enumValues", 49, 3),
    ("possibleTypes", 55, 3),
    ("type", 63, 3),
)
CIRCULAR_ASKS: HiddenFields = (
    ("__schema", 1, 2),
    ("types", 1, 11),
    *((name, 1, column + 12 * level) for level in range(4) for name, column in (("fields", 17), ("type", 24))),
)


CIRCULAR = "{__schema{types{" + "fields{type{" * 4 + "name" + "}" * 11

DISCLOSURE = {
    "introspection": Attack(
        "the introspection query of common tools", ask(get_introspection_query()), invalid(*hidden(TOOLS_ASK), ENOUGH)
    ),
    "introspection-type": Attack(
        "one type by name", ask('{__type(name:"Mutation"){name}}'), introspection(("__type", 1, 2))
    ),
    "introspection-get": Attack(
        "the same by `GET`",
        get(b"/graphql?query=%7B__schema%7BqueryType%7Bname%7D%7D%7D"),
        introspection(("__schema", 1, 2), ("queryType", 1, 11)),
    ),
    "introspection-alias": Attack(
        "introspection under an alias, in a fragment",
        ask("{...A}fragment A on Query{x:__schema{queryType{name}}}"),
        introspection(("__schema", 1, 27), ("queryType", 1, 38)),
    ),
    "introspection-circular": Attack(
        "types of fields of types of fields",
        ask(CIRCULAR),
        invalid(("Maximum introspection depth exceeded", ((1, 2),)), *hidden(CIRCULAR_ASKS)),
    ),
    "suggestion-field": Attack(
        "a misspelt field, to get a suggestion",
        ask("{wethodContex{company}}"),
        invalid(("Cannot query field 'wethodContex' on type 'Query'.", ((1, 2),))),
    ),
    "suggestion-argument": Attack(
        "a misspelt argument",
        ask('mutation{deleteContact(di:"7",id:"7"){__typename}}'),
        invalid(("Unknown argument 'di' on field 'Mutation.deleteContact'.", ((1, 24),))),
    ),
    "suggestion-type": Attack(
        "a misspelt type", ask("{...on WethodContex{company}}"), invalid(("Unknown type 'WethodContex'.", ((1, 8),)))
    ),
    "suggestion-directive": Attack(
        "a misspelt directive", ask("{__typename@skp(if:true)}"), invalid(("Unknown directive '@skp'.", ((1, 12),)))
    ),
    "entities": Attack(
        "a contact by federation's `_entities`: this subgraph resolves no entities",
        ask('{_entities(representations:[{__typename:"Contact",id:"7"}]){__typename}}'),
        invalid(("Cannot query field '_entities' on type 'Query'.", ((1, 2),))),
    ),
    "typename": Attack("`__typename`, which is harmless", ask("{__typename}"), SOUND),
    "debug": Attack(
        "extensions and headers that turn on tracing and debugging in other servers",
        ask(
            "{__typename}",
            b"X-Apollo-Tracing: 1",
            b"Apollo-Federation-Include-Trace: ftv1",
            b"Apollo-Query-Plan-Experimental: 1",
            b"X-Debug: 1",
            b"GraphQL-Debug: 1",
            extensions={"tracing": True, "debug": True, "includeStacktrace": True},
            debug=True,
        ),
        SOUND,
    ),
    "unhandled": Attack(
        "a document that cannot be parsed, to get a stack trace",
        ask("query cop { __typename "),
        refused(400, "GRAPHQL_PARSE_FAILED", "Syntax Error: Expected Name, found <EOF>.", (1, 24)),
    ),
    "graphiql": Attack(
        "the `Accept` header of a browser, to get GraphiQL",
        get(b"/graphql", b"Accept: text/html").replace(b"Accept: application/graphql-response+json\r\n", b""),
        refused(
            406,
            "BAD_REQUEST",
            "The Accept header names none of the available types: application/graphql-response+json, application/json.",
        ),
    ),
    "persisted-unknown": Attack(
        "the hash of an unknown document", post(parameters(None, **persisted("0" * 64))), NOT_FOUND
    ),
    "persisted-poisoned": Attack(
        "a mutation with the hash of a query of other clients",
        ask(
            'mutation{deleteContact(id:"7"){__typename}}',
            **persisted(hashlib.sha256(b"{__typename}").hexdigest()),
        ),
        refused(422, "BAD_REQUEST", "The parameter extensions.persistedQuery.sha256Hash is not the query's hash."),
    ),
    "persisted-invalid": Attack(
        "an invalid document with its hash, to fill the cache",
        ask("{nothing}", **persisted(hashlib.sha256(b"{nothing}").hexdigest())),
        invalid(("Cannot query field 'nothing' on type 'Query'.", ((1, 2),))),
    ),
    "subscription": Attack(
        "a subscription",
        ask("subscription{x}"),
        invalid(("The subscription operation is not supported by the schema.", ((1, 1),))),
    ),
    "defer": Attack(
        "`@defer`, to keep the connection busy",
        ask("{...@defer{__typename}}"),
        invalid(("Unknown directive '@defer'.", ((1, 5),))),
    ),
}
