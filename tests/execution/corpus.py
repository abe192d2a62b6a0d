"""Operations that between them take every way through the compiler."""

from __future__ import annotations

from tests.execution.comparison import Case

_OUTCOME = """{
  __typename
  ... on DeleteContactSuccess { deletedContactId message confirmedBy contact { id } }
  ... on WethodError { key message statusCode response { headers { name values } content encodingOptions } }
  ... on WethodValidationError { failures { field message } }
  ... on WethodRateLimitedError { retryAfterSeconds }
}"""

CONTACT_CASES = (
    Case(
        f"mutation ($id: ID!) {{ deleteContact(id: $id) {_OUTCOME} }}",
        (*({"id": number} for number in range(16)), {"id": "0"}, {"id": "5"}, {}, {"id": None}, {"id": 1.0}),
        "every-outcome",
    ),
    Case(f'mutation {{ deleteContact(id: "2") {_OUTCOME} again: deleteContact(id: 1) {_OUTCOME} }}', name="literals"),
    Case(
        "mutation { a: deleteContact(id: 2) { __typename } b: deleteContact(id: 11) { __typename } c: __typename "
        "d: deleteContact(id: 13) { __typename } e: deleteContact(id: 4) { __typename } }",
        name="one-after-the-other",
    ),
    Case(
        "{ wethodContext { company version receivedHeaders failures { field } ...F } ...Q }"
        "fragment F on WethodContext { failures { message } } fragment Q on Query { wethodContext { version } }",
        name="merged-selections",
    ),
    Case("{ _service { sdl } }", name="federation"),
)


def _cell(selections: str, name: str, *variables: dict[str, object], head: str = "") -> Case:
    return Case(f"query {head} {{ cell {{ {selections} }} }}", variables or ({}, {}), name)


_ALL_KINDS = (
    "ORDINARY",
    "ROUND",
    "SUBCLASS",
    "CAST",
    "FOREIGN",
    "SELF_TYPED",
    "ASYNC_TYPED",
    "BOX_OF_INT",
    "BOX_OF_TEXT",
    "NOT_A_MEMBER",
    "STRANGER",
)
_ALL_MODES = ("VALUE", "NULL", "UNDEFINED", "RAISE", "RAISE_LOCATED", "RETURN_ERROR", "WRONG_KIND")


def _each_mode(field: str, selections: str = "") -> str:
    return " ".join(f"m{number}: {field}(mode: {mode}) {selections}" for number, mode in enumerate(_ALL_MODES))


def _each_kind(field: str, selections: str) -> str:
    return " ".join(f"k{number}: {field}(kind: {kind}) {selections}" for number, kind in enumerate(_ALL_KINDS))


def _nested(depth: int) -> object:
    value: object = None
    for _ in range(depth):
        value = {"inner": value}
    return value


RICH_CASES = (
    _cell(
        "__typename id text maybe flag number ratio colour kind odd day words holes pending label",
        "attributes",
    ),
    _cell("alias: text t: __typename a: id id", "aliases-keep-their-order"),
    _cell("even", "scalar-raises"),
    _cell("nothing", "scalar-answers-null"),
    _cell("undefined text", "scalar-answers-undefined"),
    _cell("big", "beyond-int"),
    _cell("huge", "items-beyond-int"),
    _cell("missing again: missing pending text", "no-such-attribute"),
    _cell(_each_mode("integer"), "nullable-leaf"),
    *(_cell(f"integerRequired(mode: {mode}) text", f"required-leaf-{mode.lower()}") for mode in _ALL_MODES),
    _cell(_each_mode("later"), "nullable-leaf-later"),
    _cell("laterRequired(mode: RAISE) text", "required-leaf-later-raises"),
    _cell("laterRequired(mode: NULL, turns: 2) text", "required-leaf-later-null"),
    _cell(_each_mode("child", "{ id text }"), "nullable-object"),
    _cell(_each_mode("childLater", "{ id child { id } }"), "nullable-object-later"),
    *(
        _cell(f"childRequired(mode: {mode}) {{ id maybe }} text", f"required-object-{mode.lower()}")
        for mode in _ALL_MODES
    ),
    _cell(
        "children(modes: [VALUE, NULL, RETURN_ERROR, VALUE]) { id integerRequired(mode: RAISE) }",
        "nulls-stop-at-nullable-items",
    ),
    _cell("children(modes: [VALUE, RAISE, VALUE], turns: 1) { id later(turns: 1) }", "items-later"),
    _cell("children(modes: [VALUE, RAISE], turns: 1) { id laterRequired(mode: RAISE) }", "items-later-fail-later"),
    _cell("child { children(modes: [VALUE], turns: 0) { id } }", "a-single-item-later"),
    _cell("child { childrenRequired(modes: [VALUE, NULL]) { id } }", "null-among-required-items"),
    _cell(
        "child { childrenRequired(modes: [VALUE, RAISE, VALUE], turns: 2) { id later(turns: 3) } } later(turns: 1)",
        "required-item-fails-later",
    ),
    _cell("child { counted(modes: [VALUE, VALUE, VALUE, VALUE]) }", "generator"),
    _cell("child { counted(modes: [VALUE, VALUE, RAISE, VALUE]) text }", "generator-raises"),
    _cell("child { counted(modes: [VALUE, RAISE, VALUE]) text }", "generator-item-raises"),
    _cell("child { counted(modes: [NULL, VALUE, VALUE, VALUE]) text }", "generator-abandoned"),
    _cell(_each_mode("numbers"), "list"),
    _cell("countdown a: child { countdown(mode: RAISE) } b: child { countdown }", "iterator-that-cannot-be-closed"),
    _cell("loose colour", "value-of-an-enum-member"),
    _cell(
        "a: child { gathered } b: child { gathered(mode: RAISE) } c: child { gathered(mode: NULL) } later(turns: 4)",
        "helpers",
    ),
    _cell("child { streamed(modes: [VALUE, VALUE], turns: 1) }", "async-generator"),
    _cell("child { streamed(modes: [VALUE, RAISE], turns: 1) text }", "async-generator-raises"),
    _cell("streamedNow(modes: [VALUE, VALUE, NULL, RAISE, VALUE, VALUE])", "async-generator-of-awaitables"),
    _cell("streamedNow(modes: [VALUE, RAISE])", "async-generator-of-one-awaitable"),
    _cell("streamedNow(modes: [VALUE, VALUE, WRONG_KIND])", "async-generator-of-wrong-kind"),
    _cell("child { streamedRequired(modes: [VALUE, VALUE, NULL], turns: 1) } text", "async-generator-abandoned"),
    _cell("child { streamedRequired(modes: [VALUE, VALUE, VALUE, RAISE], turns: 1) }", "async-generator-item-raises"),
    _cell(_each_kind("thing", "{ __typename ... on Cell { text maybe } ... on Round { area } }"), "union"),
    _cell(_each_kind("node", "{ __typename id label ... on Cell { text } ... on Shape { area } }"), "interface"),
    _cell("child { nodes(kinds: [STRANGER, STRANGER]) { __typename id } } a: node(kind: STRANGER) { id }", "stranger"),
    _cell(_each_kind("shape", "{ __typename id ... on Node { label } }"), "narrower-interface"),
    _cell("thingLater(kind: ORDINARY) { __typename } text", "required-union-later"),
    _cell("child { thingLater(kind: NOT_A_MEMBER) { __typename } } text", "required-union-later-fails"),
    _cell(
        "thing(kind: BOX_OF_INT) { ... on IntBox { item size } } other: thing(kind: BOX_OF_TEXT) "
        "{ ... on StrBox { text: item } } cast: thing(kind: CAST) { __typename ... on Round { id radius area } } "
        "plain: thing(kind: ORDINARY) { __typename ... on Round { id } ... on Cell { cell: id } }",
        "classes-that-do-not-tell",
        {},
        {},
        {},
    ),
    _cell(
        "things(kinds: [BOX_OF_INT, BOX_OF_TEXT, BOX_OF_INT, ORDINARY, CAST, SELF_TYPED, SELF_TYPED]) "
        "{ __typename ... on StrBox { text: item } ... on IntBox { item } }",
        "things",
    ),
    _cell("nodes(kinds: [ORDINARY, ROUND, CAST, ORDINARY]) { __typename id }", "nodes"),
    _cell("child { nodes(kinds: [SELF_TYPED, SELF_TYPED]) { __typename id } }", "node-of-its-own-mind"),
    _cell("child { nodes(kinds: [ASYNC_TYPED, ASYNC_TYPED]) { __typename id } }", "node-disowned-later"),
    _cell("child { nodes(kinds: [ORDINARY, NOT_A_MEMBER, ROUND]) { __typename id } }", "node-of-no-type"),
    _cell(_each_mode("outsider", "{ id }"), "type-without-interfaces"),
    _cell("child { child { child { integerRequired(mode: NULL) } id } id } text", "null-rises-to-the-nearest-nullable"),
    _cell(
        "a: child { x: later(turns: 3, mode: RAISE) y: laterRequired(turns: 1, mode: RAISE) } "
        "b: later(mode: RAISE, turns: 2) c: integer(mode: RAISE)",
        "errors-in-the-order-of-the-event-loop",
    ),
    _cell(
        "a: child { x: laterRequired(mode: RAISE) y: later(mode: RAISE, turns: 4) z: integerRequired(mode: RAISE) }",
        "errors-below-a-null-are-dropped",
    ),
    _cell("child { later(turns: 1) integerRequired(mode: RAISE) }", "abandoned-awaitables-are-settled"),
    _cell(
        "a: child { x: later(mode: RAISE, turns: 1) z: integerRequired(mode: RAISE) } b: later(turns: 4)",
        "abandoned-awaitables-tell-nothing",
    ),
    _cell(
        "a: children(modes: [RAISE], turns: 1) { id } b: later(mode: RAISE, turns: 1)",
        "an-item-alone-has-no-task",
    ),
    _cell("a: integer(mode: RAISE) text a: integer(mode: RAISE)", "errors-have-every-node"),
    _cell("child { hollow }", "null-attribute"),
    Case(
        "{ cell { a: child { ...F } b: child { ...F child { text } } c: child { ...F } } }"
        "fragment F on Cell { child { id } }",
        ({}, {}),
        "one-fragment-in-two-places",
    ),
    Case("{ answer(mode: NULL) cell { id } }", ({},), "no-data"),
    Case("{ answerLater(turns: 1) answer(mode: RAISE) }", ({},), "no-data-while-something-is-pending"),
    Case("{ cellRequired(mode: RAISE, turns: 1) { id } answerLater(turns: 3) }", ({},), "no-data-later"),
    Case("{ answer __typename answerLater a: answerLater(mode: RAISE) }", ({},), "root-leaves"),
    Case(
        "mutation { a: step(turns: 3) { id } b: step { later(turns: 2) } c: step(mode: RAISE) { id } d: step { id } }",
        ({},),
        "steps",
    ),
    Case("mutation { a: step { id } b: stepRequired(mode: RAISE) { id } c: step { id } }", ({},), "step-fails"),
    Case(
        "mutation { a: step { childRequired(mode: NULL) { id } } __typename b: stepRequired { id } }",
        ({},),
        "step-becomes-null",
    ),
    Case(
        "query ($yes: Boolean!, $perhaps: Boolean = true) { cell { text @include(if: $yes) id @skip(if: $yes) text "
        "...F @include(if: $perhaps) ... @skip(if: $perhaps) { number } child @skip(if: $yes) { id } "
        "child { text } } } "
        "fragment F on Node { label ...G @skip(if: $yes) } fragment G on Cell { flag }",
        (
            {"yes": True},
            {"yes": False},
            {"yes": True, "perhaps": False},
            {"yes": False, "perhaps": False},
            {"yes": True, "perhaps": None},
            {"yes": None},
            {},
            {"yes": True},
        ),
        "conditions",
    ),
    Case(
        "query ($perhaps: Boolean = true) { answer @include(if: $perhaps) cell { text } }",
        ({}, {"perhaps": None}, {"perhaps": False}),
        "condition-at-the-root",
    ),
    _cell("text @skip(if: true) id @skip(if: false) number @include(if: false) flag @include(if: true)", "constants"),
    Case(
        "{ cell { child { id } ...F ... on Node { id } } } fragment F on Cell { child { text child { id } } ...G } "
        "fragment G on Cell { child { child { text } } flag }",
        ({}, {}),
        "merged-fragments",
    ),
    _cell(
        'plain a: plain(colour: null, renamed: null, odd: 3, identity: 7) b: plain(colour: RED, identity: "x") '
        "c: plain(colour: $colour, renamed: $text, odd: $odd, identity: $id)",
        "arguments-as-they-are",
        {},
        {"colour": "RED", "text": "t", "odd": 7, "id": 9007199254740993},
        {"colour": None, "text": None, "id": None},
        {"odd": None},
        {"odd": 2},
        {"colour": "PURPLE", "text": 1, "id": []},
        head="($colour: Colour, $text: String, $odd: Odd = 5, $id: ID)",
    ),
    _cell(
        'echo a: echo(outer: {required: "r"}, odds: 3, day: "2024-06-15", json: {a: [$any]}) '
        "b: echo(outer: $outer, json: $any, odds: $odds, day: $day, either: $either) "
        "c: echo(outer: {required: $text, inner: {number: 4, colours: [RED, GREEN], inner: null}, listOfLists: [1]})",
        "arguments-converted",
        {"text": "t"},
        {
            "text": "",
            "outer": {"required": "x", "inner": {"colours": ["RED"]}, "listOfLists": [[1, None]]},
            "any": {"b": [1.5]},
            "odds": [1, 3],
            "day": "2024-06-15",
            "either": {"text": "e"},
        },
        {"text": "t", "outer": {"inner": {"numbr": 1}}},
        {"text": "t", "odds": [2], "day": "x", "outer": {}},
        {"text": "t", "either": {"text": None}},
        {"text": "t", "either": {"text": "a", "number": 1}},
        head="($outer: Outer, $any: JSON, $odds: [Odd!], $day: Date, $either: Either, $text: String!)",
    ),
    Case(
        "query ($outer: Outer) { cell { echo(outer: $outer) } }",
        ({"outer": {"inner": {"numbr": 1}}},),
        "suggestions",
        hide_suggestions=False,
    ),
    _cell(
        'x: withoutDefault(text: "t", number: 1) a: withoutDefault b: withoutDefaultLater(text: null) c: '
        "withoutDefaultLater d: later(mode: RAISE) e: withoutDefaultLater(text: $text)",
        "missing-for-python",
        {},
        {"text": "t"},
        head="($text: String)",
    ),
    _cell("maybeGiven a: maybeGiven(text: null) b: maybeGiven(text: $text)", "maybe", {}, head="($text: String)"),
    _cell(
        "mutable(numbers: []) a: mutable(numbers: [1, 2]) b: mutable(numbers: $numbers) c: mutable "
        "tampered(bag: 1) d: tampered(bag: [1]) e: tampered(bag: $bag) f: tampered(bag: $bag)",
        "no-run-sees-what-another-changed",
        {},
        {},
        {"bag": [], "numbers": [1]},
        {},
        head="($bag: Bag! = 7, $numbers: [Int!]! = [5])",
    ),
    _cell('shouted a: shouted(text: "loud") forbidden static b: static(turns: 3)', "extensions-and-permissions"),
    Case(
        "query ($mode: Mode!, $turns: Int! = 1) { cell(mode: $mode) { later(turns: $turns, mode: $mode) } "
        "answerLater(turns: $turns) }",
        (
            {"mode": "VALUE"},
            {"mode": "RAISE", "turns": 2},
            {"mode": "NULL", "turns": None},
            {"mode": "value"},
            {"mode": None},
            {},
            {"mode": "VALUE", "turns": 2.5, "extra": 1},
        ),
        "variables",
    ),
    Case(
        "query ($outer: Outer) { cell { echo(outer: $outer) } }",
        tuple({"outer": {"required": "r", "inner": _nested(depth)}} for depth in (3, 150, 250, 5000)),
        "variables-nested-too-deeply",
    ),
    Case(
        "query ($modes: [Mode!]!, $deep: Outer) { cell { counted(modes: $modes) children(modes: $modes) { id } "
        "echo(outer: $deep) } }",
        (
            {"modes": ["VALUE", "NULL"]},
            {"modes": "VALUE"},
            {"modes": ["VALUE", None, "X"]},
            {"modes": [], "deep": {"required": 1, "listOfLists": [["a", 1], [2.5]]}},
            {"modes": {"a": 1}},
        ),
        "variables-of-lists",
    ),
)
