"""Documents of the highest cost for their size: each family repeats one construct, to any number of tokens."""

from __future__ import annotations

import math
from itertools import combinations
from typing import TYPE_CHECKING, TypeAlias

from graphql import Lexer, Source, TokenKind, parse

from app.documents.limits import MAX_BLOCK_STRING_LINES, TOKENS_PER_SELECTION, count_written

if TYPE_CHECKING:
    from collections.abc import Callable

Write: TypeAlias = "Callable[[int], str]"

MEMBERS = [
    *("WethodValidationError", "WethodUnauthorizedError", "WethodForbiddenError", "WethodNotFoundError"),
    *("WethodPreconditionFailedError", "WethodRateLimitedError", "WethodUnavailableError"),
    *("WethodOutcomeUnknownError", "WethodUnexpectedResponseError"),
]


def tokens(text: str) -> int:
    lexer, count = Lexer(Source(text)), 0
    while lexer.advance().kind is not TokenKind.EOF:
        count += 1
    return count


def of_size(write: Write, most: int) -> str:
    """The largest document of a family within this number of tokens, and the selections that it allows to write."""
    low, high = 1, most
    while low < high:
        middle = (low + high + 1) // 2
        text = write(middle)
        fits = tokens(text) <= most and count_written(parse(text)) <= most // TOKENS_PER_SELECTION
        low, high = (middle, high) if fits else (low, middle - 1)
    return write(low)


def join(write: Write, count: int) -> str:
    return " ".join(write(number) for number in range(count))


def square_root(count: int) -> int:
    return max(2, math.isqrt(count))


def cube_root(count: int) -> int:
    return max(2, round(math.cbrt(count)))


def select(name: str, fields: str) -> str:
    return f"{name} {{ {fields} }} "


def error(fields: str) -> str:
    return f"mutation {{ deleteContact(id: 1) {{ ... on WethodError {{ {fields} }} }} }} "


def context(fields: str) -> str:
    return f"{{ wethodContext {{ {fields} }} }} "


def chain(count: int, first: str, on: str, fields: str = "", last: str = "__typename") -> str:
    """An operation that spreads a chain of fragments."""
    fragments = join(lambda n: f"fragment F{n} on {on} {{ {fields} ...F{n + 1} }}", count)
    return f"{first} {fragments} fragment F{count} on {on} {{ {last} }}"


def block_string_and_names(line_ends: int, names: int) -> str:
    """A block string as a wrong argument: it is read line by line, and printed for the message of the error."""
    values = '"""a' + "\n" * line_ends + 'b""" ' + "{a: 1} " * 130
    return f"mutation {{ deleteContact(id: [{values}]) {{ {join(lambda i: f'a{i}', names)} }} }}"


def _subsets(count: int) -> str:
    chosen = [subset for size in range(1, 6) for subset in combinations(range(6), size)][:count]
    operations = [
        f"query Q{number} {{ ...G {' '.join(f'...S{each}' for each in subset)} }}"
        for number, subset in enumerate(chosen)
    ]
    fragments = join(lambda n: f"fragment S{n} on Query {{ __typename }}", 6)
    return f"{' '.join(operations)} fragment G on Query {{ {context('company ' * 6 * count)[1:-2]} }} {fragments}"


FAMILIES: dict[str, Write] = {
    # fields that meet
    "one-leaf-again-and-again": lambda n: error("key " * n),
    "one-leaf-in-inline-fragments": lambda n: context("... { company } " * n),
    "one-leaf-on-every-type": lambda n: (
        f"mutation {{ deleteContact(id: 1) {{ {join(lambda i: f'... on {MEMBERS[i % 9]} {{ key }}', n)} }} }}"
    ),
    "one-object-again-and-again": lambda n: error("response { version } " * n),
    "one-object-of-other-fields": lambda n: error(join(lambda i: f"response {{ a{i}: version }}", n)),
    "one-object-on-every-type": lambda n: (
        "mutation { deleteContact(id: 1) { "
        f"{join(lambda i: f'... on {MEMBERS[i % 9]} {{ response {{ headers {{ name }} }} }}', n)} }} }}"
    ),
    "one-object-on-every-type-and-their-interface": lambda n: (
        f"mutation {{ deleteContact(id: 1) {{ ... on WethodError {{ {'response { headers { name } } ' * n} }} "
        f"{' '.join(f'... on {name} {{ response {{ headers {{ name }} }} }}' for name in MEMBERS)} }} }}"
    ),
    "squares": lambda n: context(f"failures {{ {'field ' * square_root(n)} }} " * square_root(n)),
    "cubes": lambda n: error(
        select("response", select("headers", "name " * cube_root(n)) * cube_root(n)) * cube_root(n)
    ),
    "deep-twins": lambda n: context(("x { " * 18 + "y" + " }" * 18 + " ") * max(1, n // 40)),
    "conflicts": lambda n: error("a: key a: message " * n),
    "conflicts-of-arguments": lambda n: context(join(lambda i: f"a(x: {i})", n)),
    "many-arguments": lambda n: context(f"x({join(lambda i: f'a{i}: 1', square_root(n))}) " * square_root(n)),
    "large-values": lambda n: context(f"x(a: {{ {join(lambda i: f'a{i}: 1', n)} }}) " * 4),
    "deep-values": lambda n: context(f"x(a: {'[' * min(n, 100)}1{']' * min(n, 100)}) " * max(1, n // 100)),
    # fragments
    "a-fragment-again-and-again": lambda n: error("...F " * n) + "fragment F on WethodError { key }",
    "fragments-of-one-field": lambda n: (
        error(join(lambda i: f"...F{i}", n)) + join(lambda i: f"fragment F{i} on WethodError {{ key }}", n)
    ),
    "fragments-of-one-object": lambda n: (
        error(join(lambda i: f"response {{ ...F{i} }}", n))
        + join(lambda i: f"fragment F{i} on WethodResponse {{ headers {{ name }} }}", n)
    ),
    "every-fragment-in-every-object": lambda n: (
        error(f"response {{ {join(lambda i: f'...F{i}', square_root(n))} }} " * square_root(n))
        + join(lambda i: f"fragment F{i} on WethodResponse {{ headers {{ name }} }}", square_root(n))
    ),
    "a-chain-of-fragments": lambda n: chain(n, error("...F0"), "WethodError", "key message", "key"),
    "a-chain-of-fragments-below-objects": lambda n: chain(
        n, error("response { version ...F0 } " * square_root(n)), "WethodResponse", "version"
    ),
    "every-fragment-in-every-earlier-one": lambda n: (
        error("...F0")
        + join(
            lambda i: (
                f"fragment F{i} on WethodError "
                f"{{ key {' '.join(f'...F{j}' for j in range(i + 1, square_root(2 * n)))} }}"
            ),
            square_root(2 * n),
        )
    ),
    "twice-the-next-fragment": lambda n: (
        chain(n, "{ ...F0 }", "Query", "a: x { ...G } ...G") + (" fragment G on Query { __typename }")
    ),
    "every-fragment-in-every-one": lambda n: (
        error("...F0")
        + join(
            lambda i: f"fragment F{i} on WethodError {{ key {join(lambda j: f'...F{j}', square_root(n))} }}",
            square_root(n),
        )
    ),
    "cycles": lambda n: chain(n, error("...F0"), "WethodError", "", join(lambda i: f"...F{i}", n)),
    "unfolding-aliases": lambda n: (
        "{ "
        + join(lambda i: f"a{i}: wethodContext {{ ...F }}", min(20, square_root(n)))
        + " } fragment F on WethodContext { "
        + join(lambda i: f"b{i}: failures {{ ...G }}", n)
        + " } fragment G on WethodFailure { "
        + join(lambda i: f"c{i}: field", n)
        + " }"
    ),
    "unused-fragments": lambda n: "{ __typename } " + join(lambda i: f"fragment F{i} on Query {{ __typename }}", n),
    "unknown-fragments": lambda n: context(join(lambda i: f"...F{i}", n)),
    "fragments-of-one-name": lambda n: "{ ...F }" + " fragment F on Query { __typename }" * n,
    # operations and their variables
    "operations": lambda n: join(lambda i: f"query Q{i} {{ {'__typename ' * math.ceil(n / 50)}}}", min(n, 50)),
    "operations-of-eight-fields": lambda n: join(lambda i: f"query Q{i} {{ {'__typename ' * 8}}}", min(n, 50)),
    "operations-without-a-name": lambda n: "{ __typename } " * n,
    "operations-of-one-name": lambda n: "query Q { __typename } " * n,
    "operations-and-a-chain": lambda n: chain(n, join(lambda i: f"query Q{i} {{ ...F0 }}", n), "Query"),
    "operations-and-subsets-of-fragments": _subsets,
    "operations-and-variables-of-a-fragment": lambda n: (
        join(lambda i: f"query Q{i}($v: Boolean!) {{ ...G }}", n)
        + f" fragment G on Query {{ {context('company @skip(if: $v) ' * n)[1:-2]} }}"
    ),
    "operations-that-do-not-define-them": lambda n: (
        join(lambda i: f"query Q{i} {{ ...G }}", n)
        + f" fragment G on Query {{ {context('company @skip(if: $v) ' * n)[1:-2]} }}"
    ),
    "operations-and-many-variables": lambda n: (
        join(lambda i: f"query Q{i}({join(lambda j: f'$v{j}: Boolean!', square_root(n))}) {{ ...G }}", square_root(n))
        + f" fragment G on Query {{ {context(join(lambda j: f'company @skip(if: $v{j})', square_root(n)))[1:-2]} }}"
    ),
    "variables": lambda n: (
        f"query Q({join(lambda i: f'$v{i}: Boolean!', n)}) " + context(join(lambda i: f"company @skip(if: $v{i})", n))
    ),
    "unused-variables": lambda n: f"query Q({join(lambda i: f'$v{i}: Int = 1', n)}) {{ __typename }}",
    "variables-of-one-name": lambda n: f"query Q({'$v: Boolean! ' * n}) " + context("company @skip(if: $v)"),
    "variables-of-a-deep-type": lambda n: (
        f"query Q($v: {'[' * min(n, 150)}Int{']' * min(n, 150)}) " + context("company @skip(if: $v) " * n)
    ),
    "variables-in-objects": lambda n: "query Q($v: Int) " + context(f"x(a: [{'{a: $v} ' * n}])"),
    # the rest
    "the-sdl": lambda n: "{ _service { " + join(lambda i: f"s{i}: sdl", n) + " } }",
    "introspection": lambda n: "{ __schema { " + "types { name } " * n + "} }",
    "introspection-in-introspection": lambda n: (
        "{ " + "__schema { " * min(n, 90) + "types " * n + "} " * min(n, 90) + "}"
    ),
    "introspection-in-fragments": lambda n: chain(n, "{ __schema { types { ...F0 } } }", "__Type", "name", "name"),
    "inline-fragments-in-inline-fragments": lambda n: context(
        "... { company " * min(n, 150) + "company " * n + "} " * min(n, 150)
    ),
    "unknown-fields": lambda n: context(join(lambda i: f"compani{i}", n)),
    "bare-names-in-operations-and-objects": lambda n: (
        f"{{ x(a: [{'{a: 1} ' * 125}]) }} "
        + join(lambda i: f"query Q{i} {{ x {{ {join(lambda j: f'a{j}', n)} }} }}", 18)
    ),
    "bare-names-in-unused-fragments": lambda n: (
        "{ x } " + join(lambda i: f"fragment F{i} on X {{ {join(lambda j: f'a{j}', n)} }}", 19)
    ),
    "bare-names-and-objects": lambda n: (
        f"{{ x(a: [{'{a: 1} ' * 130}]) {{ {'a ' * min(n, 54)}{join(lambda i: f'a{i}', n)} }} }}"
    ),
    "a-block-string-and-names": lambda n: block_string_and_names(MAX_BLOCK_STRING_LINES - 1, n),
    "a-list-of-every-contact": lambda n: f"mutation {{ deleteContacts(ids: [{'1 ' * n}]) {{ __typename }} }}",
    "fragments-of-every-field": lambda n: (
        "{ __typename } "
        + join(
            lambda i: (
                f"fragment F{i} on WethodContext {{ company version receivedHeaders failures {{ field message }} }}"
            ),
            n,
        )
    ),
    "operations-of-every-field": lambda n: join(
        lambda i: (
            f"query Q{i} {{ __typename _service {{ sdl }} wethodContext "
            "{ company version receivedHeaders failures { field message } } }"
        ),
        n,
    ),
    "operations-of-eight-fields-and-one-of-names": lambda n: (
        join(lambda i: f"query Q{i} {{ {'__typename ' * 8}}}", 19)
        + f" query Q {{ x(a: [{'1 ' * (500 - n)}]) {{ {join(lambda j: f'a{j}', n)} }} }}"
    ),
    "unknown-types": lambda n: context(join(lambda i: f"... on WethodErra{i} {{ x }}", n)),
    "unknown-directives": lambda n: context("company " + join(lambda i: f"@d{i}", n)),
    "unknown-arguments": lambda n: f"mutation {{ deleteContact({join(lambda i: f'a{i}: 1', n)}) {{ __typename }} }}",
    "arguments-of-one-name": lambda n: f"mutation {{ deleteContact({'id: 1 ' * n}) {{ __typename }} }}",
    "object-fields-of-one-name": lambda n: context(f"x(a: [{'{a: 1 a: 2} ' * n}])"),
    "one-directive-again-and-again": lambda n: context("company " + "@skip(if: true) " * n),
    "definitions-of-types": lambda n: "{ __typename } " + "type T { a: Int } " * n,
    "definitions-of-directives": lambda n: "{ __typename @d } " + "directive @d on FIELD " * n,
}


def _spread(fields: str, count: int, root: str = "wethodContext", on: str = "WethodContext") -> str:
    """The most root fields that are allowed, each with a fragment of these fields."""
    kind = "query" if root == "wethodContext" else "mutation"
    roots = join(lambda i: f"r{i}: {root} {{ ...F }}", count)
    return f"{kind} {{ {roots} }} fragment F on {on} {{ {fields} }}"


_DELETE = "deleteContact(id: 1)"

SPREADS: dict[str, Write] = {
    "failures-under-aliases-in-every-root": lambda n: _spread(
        join(lambda i: f"a{i}: failures {{ message }}", min(n, 48)), 19
    ),
    "messages-under-aliases-in-every-root": lambda n: _spread(
        f"failures {{ {join(lambda i: f'a{i}: message', min(n, 90))} }}", 20
    ),
    "companies-under-long-aliases": lambda n: _spread(join(lambda i: f"{'a' * 500}{i}: company", min(n, 90)), 20),
    "messages-of-deletes": lambda n: _spread(
        f"... on WethodError {{ {join(lambda i: f'a{i}: message', min(n, 39))} }}", 20, _DELETE, "DeleteContactResult"
    ),
    "long-aliases-of-deletes": lambda n: _spread(
        f"... on WethodError {{ {join(lambda i: f'{chr(97 + i % 26) * 600}{i}: key', min(n, 80))} }}",
        20,
        _DELETE,
        "DeleteContactResult",
    ),
    "typenames-in-every-root": lambda n: _spread(join(lambda i: f"a{i}: __typename", min(n, 95)), 20),
    "long-typenames-of-deletes": lambda n: _spread(
        join(lambda i: f"{'t' * 101}{i:02}: __typename", min(n, 38)), 20, _DELETE, "DeleteContactResult"
    ),
    "five-services": lambda n: "{ " + join(lambda i: f"a{i}: _service {{ sdl }}", min(n, 5)) + " }",
    "four-services": lambda n: "{ " + join(lambda i: f"a{i}: _service {{ sdl }}", min(n, 4)) + " }",
}
"""Documents whose answers are as long as they can be, for a caller without a token."""
