"""A Strawberry schema in which whatever a resolver can do to an execution is one argument away."""

# Resolvers here do not return what they promise: that is what they are for.
# mypy: disable-error-code="no-any-return, untyped-decorator"
# ruff: noqa: TC002, TC003 - Strawberry reads annotations at run time

from __future__ import annotations

import asyncio
import enum
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any, Generic, NewType, TypeVar

import strawberry
from graphql import GraphQLError, GraphQLSchema, Undefined
from strawberry.extensions import FieldExtension
from strawberry.permission import BasePermission
from strawberry.scalars import JSON
from strawberry.schema.config import StrawberryConfig

Item = TypeVar("Item")


@dataclass
class Context:
    """What resolvers saw, in the order in which they were called."""

    calls: list[str] = field(default_factory=list)


Info = strawberry.Info[Context, None]


def note(info: Info) -> None:
    """Write down everything that a resolver can learn from its info."""
    raw = info._raw_info  # noqa: SLF001 - graphql-core's own info is what has to be right
    info.context.calls.append(
        " ".join(
            str(part)
            for part in (
                info.path.as_list(),
                raw.path,
                info.field_name,
                info.python_name,
                info.return_type,
                raw.return_type,
                raw.parent_type,
                info.variable_values,
                sorted(raw.variable_values.sources),
                info.selected_fields,
                sorted(raw.fragments),
                raw.operation is info.operation,
                info.root_value,
                raw.schema is info.schema._schema,  # noqa: SLF001 - Strawberry has no public way to it
                raw.is_awaitable(asyncio.sleep),
                raw.abort_signal,
            )
        )
    )


class Failure(Exception):  # noqa: N818 - a plain exception of an application
    """What a resolver raises."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.extensions = {"code": "FAILURE"}


@strawberry.enum
class Mode(enum.Enum):
    """What a resolver does."""

    VALUE = "value"
    NULL = "null"
    UNDEFINED = "undefined"
    RAISE = "raise"
    RAISE_LOCATED = "raise-located"
    RETURN_ERROR = "return-error"
    WRONG_KIND = "wrong-kind"


@strawberry.enum
class Colour(str, enum.Enum):  # noqa: UP042 - a StrEnum would not be one of the two ways to write it
    """An enum whose members are strings, too, under names of their own."""

    RED = "r"
    GREEN = "g"
    CRIMSON = "r"  # noqa: PIE796 - an alias


@strawberry.enum(name="Kind")
class CellKind(enum.Enum):
    """Which type an abstract field resolves to."""

    PLAIN = strawberry.enum_value("plain", name="ORDINARY")
    ROUND = "round"
    SUBCLASS = "subclass"
    CAST = "cast"
    FOREIGN = "foreign"
    SELF_TYPED = "self-typed"
    ASYNC_TYPED = "async-typed"
    BOX_OF_INT = "box-int"
    BOX_OF_TEXT = "box-text"
    NOT_A_MEMBER = "not-a-member"
    STRANGER = "stranger"


def _parse_odd(value: Any) -> int:
    if not isinstance(value, int) or value % 2 == 0:
        raise ValueError(f"not odd: {value!r}")
    return value


def _serialize_odd(value: Any) -> Any:
    if value == 0:
        return None
    if value == 2:
        return Undefined
    return _parse_odd(value)


Odd = NewType("Odd", int)
Bag = NewType("Bag", list[Any])


def act(mode: Mode, value: Any) -> Any:
    """Do what a mode says."""
    match mode:
        case Mode.NULL:
            return None
        case Mode.UNDEFINED:
            return Undefined
        case Mode.RAISE:
            raise Failure(f"failed on {type(value).__name__}")
        case Mode.RAISE_LOCATED:
            raise GraphQLError("elsewhere", path=["else", 0, "where"], extensions={"code": "ELSEWHERE"})
        case Mode.RETURN_ERROR:
            return Failure("returned")
        case Mode.WRONG_KIND:
            return {"wrong": "kind"} if not isinstance(value, list) else "wrong kind"
        case _:
            return value


async def act_later(mode: Mode, value: Any, turns: int) -> Any:
    """Do it some turns of the event loop later."""
    for _ in range(min(turns, 5)):
        await asyncio.sleep(0)
    return act(mode, value)


@strawberry.interface
class Node:
    """An interface with a field that has a resolver."""

    id: strawberry.ID

    @strawberry.field
    def label(self, prefix: str = "label ") -> str:
        """Answer from the source and an argument with a default."""
        return prefix + self.id


@strawberry.interface
class Shape(Node):
    """An interface of an interface."""

    area: float


@strawberry.type
class Round(Shape):
    """Implements two interfaces."""

    area: float = 3.5
    radius: int | None = 1


@strawberry.type
class SelfTyped(Node):
    """Decides by itself what is one."""

    note: str = "self"

    @classmethod
    def is_type_of(cls, value: object, info: object) -> bool:
        """Take another class, too, but not everything of its own."""
        del info
        return (type(value) is Foreign or isinstance(value, SelfTyped)) and not value.id.endswith("1")


@strawberry.type
class AsyncTyped(Node):
    """Decides by itself, later."""

    note: str = "async"

    @classmethod
    async def is_type_of(cls, value: object, info: object) -> bool:
        """Take some of its own, one turn of the event loop later."""
        del info
        await asyncio.sleep(0)
        return isinstance(value, AsyncTyped | Stranger) and not value.id.endswith("1")


@strawberry.type
class Box(Generic[Item]):
    """A generic type: the class of a value does not tell its type."""

    item: Item
    size: int = 1


@strawberry.type
class Outsider:
    """Belongs to no union and no interface."""

    id: strawberry.ID = strawberry.ID("outsider")


class Foreign:
    """No Strawberry type at all."""

    def __init__(self, identity: strawberry.ID) -> None:
        self.id = identity
        self.note = "foreign"


class Stranger(Foreign):
    """The same to Python, and nobody's at once."""


@strawberry.input
class Inner:
    """An input object with defaults, nested and self-referential."""

    number: int = 3
    colours: list[Colour] = strawberry.field(default_factory=lambda: [Colour.GREEN])
    odd: Odd | None = None
    inner: Inner | None = None


@strawberry.input
class Outer:
    """An input object with required parts."""

    required: str
    inner: Inner | None = strawberry.field(default_factory=Inner)
    list_of_lists: list[list[int | None]] | None = None


@strawberry.input(one_of=True)
class Either:
    """Exactly one of these."""

    text: strawberry.Maybe[str]
    number: strawberry.Maybe[int]


class Shout(FieldExtension):
    """Changes what a resolver answers."""

    def resolve(self, next_: Any, source: Any, info: Any, **kwargs: Any) -> Any:
        """Call the resolver and shout."""
        return str(next_(source, info, **kwargs)).upper()


class Never(BasePermission):
    """Lets nobody pass."""

    message = "never"

    def has_permission(self, source: Any, info: Any, **kwargs: Any) -> bool:
        """Say no."""
        del source, info, kwargs
        return False


Thing = Annotated["Cell | Round | SelfTyped | Box[int] | Box[str]", strawberry.union("Thing")]


@strawberry.type
class Cell(Node):
    """Everything a field can be."""

    text: str = "text"
    maybe: str | None = None
    flag: bool = True
    number: int = 7
    big: int = 2**40
    ratio: float = 0.5
    colour: Colour = Colour.RED
    kind: CellKind | None = CellKind.PLAIN
    odd: Odd = Odd(5)
    even: Odd | None = Odd(4)
    nothing: Odd | None = Odd(0)
    undefined: Odd | None = Odd(2)
    day: date = date(2024, 6, 15)
    words: list[str] = strawberry.field(default_factory=lambda: ["a", "b"])
    holes: list[list[int | None] | None] | None = strawberry.field(default_factory=lambda: [[1, None], None, [2]])
    huge: list[int | None] = strawberry.field(default_factory=lambda: [1, 2**31 - 1, 2**31, -(2**31), -(2**40)])
    pending: str | None = None
    loose: Colour = Colour.RED
    hollow: str = "full"
    missing: str | None = strawberry.field(default_factory=lambda: "missing")

    @strawberry.field
    def integer(self, info: Info, mode: Mode = Mode.VALUE) -> int | None:
        """Nullable and synchronous."""
        note(info)
        return act(mode, 1)

    @strawberry.field
    def integer_required(self, info: Info, mode: Mode = Mode.VALUE) -> int:
        """Non-null and synchronous."""
        note(info)
        return act(mode, 2)

    @strawberry.field
    async def later(self, info: Info, mode: Mode = Mode.VALUE, turns: int = 0) -> int | None:
        """Nullable and asynchronous."""
        note(info)
        return await act_later(mode, 3, turns)

    @strawberry.field
    async def later_required(self, info: Info, mode: Mode = Mode.VALUE, turns: int = 0) -> int:
        """Non-null and asynchronous."""
        note(info)
        return await act_later(mode, 4, turns)

    @strawberry.field
    def child(self, info: Info, mode: Mode = Mode.VALUE) -> Cell | None:
        """An object, perhaps."""
        note(info)
        return act(mode, make_cell(self.id + ".child"))

    @strawberry.field
    def child_required(self, mode: Mode = Mode.VALUE) -> Cell:
        """An object, certainly."""
        return act(mode, make_cell(self.id + ".required"))

    @strawberry.field
    async def child_later(self, mode: Mode = Mode.VALUE, turns: int = 0) -> Cell | None:
        """An object, later."""
        return await act_later(mode, make_cell(self.id + ".later"), turns)

    @strawberry.field
    def children(self, info: Info, modes: list[Mode], turns: int | None = None) -> list[Cell | None] | None:
        """Each of them one of those, each later if turns are given."""
        return _items(info.context, modes, self.id, turns)

    @strawberry.field
    def children_required(self, info: Info, modes: list[Mode], turns: int | None = None) -> list[Cell]:
        """The same, and none may be null."""
        return _items(info.context, modes, self.id, turns)

    @strawberry.field(graphql_type=list[int])
    def countdown(self, mode: Mode = Mode.VALUE) -> CountDown:
        """An asynchronous iterator that cannot be closed."""
        return CountDown(fail=mode is Mode.RAISE)

    @strawberry.field
    async def gathered(self, info: Info, mode: Mode = Mode.VALUE, turns: int = 1) -> list[int]:
        """Uses what graphql-core gives resolvers to wait with, and to have something finished behind them."""
        helpers = info._raw_info.async_helpers  # noqa: SLF001 - there is no other way to them
        helpers.track([_traced(info.context, Mode.RAISE, 0, turns), 1])
        helpers.track([])
        return await helpers.gather([act_later(mode, 1, turns), _traced(info.context, Mode.VALUE, 2, 3)])

    @strawberry.field
    def numbers(self, mode: Mode = Mode.VALUE) -> list[int] | None:
        """A list, or something else."""
        return act(mode, [1, 2, 3])

    @strawberry.field
    def counted(self, info: Info, modes: list[Mode]) -> list[int]:
        """A generator that may raise between two items."""
        return _generate(info.context, modes)  # type: ignore[return-value] # graphql-core takes any iterable

    @strawberry.field(graphql_type=list[int])
    async def streamed(self, info: Info, modes: list[Mode], turns: int = 0) -> AsyncGenerator[int, None]:
        """The resolver is an asynchronous generator."""
        for index, mode in enumerate(modes):
            yield await act_later(mode, index, turns)
        info.context.calls.append("streamed")

    @strawberry.field(graphql_type=list[int | None] | None)
    def streamed_now(self, info: Info, modes: list[Mode], turns: int = 0) -> AsyncGenerator[int | Awaitable[int], None]:
        """The resolver answers one, whose items may have to be awaited in their turn."""
        return _stream(info.context, modes, turns)

    @strawberry.field(graphql_type=list[int])
    def streamed_required(self, info: Info, modes: list[Mode], turns: int = 0) -> AsyncGenerator[Any, None]:
        """The same, and no item may be null."""
        return _stream(info.context, modes, turns)

    @strawberry.field
    def thing(self, kind: CellKind, mode: Mode = Mode.VALUE) -> Thing | None:
        """A member of a union, or what pretends to be."""
        return act(mode, make(kind, self.id))

    @strawberry.field
    def things(self, kinds: list[CellKind]) -> list[Thing | None]:
        """Several of them."""
        return [make(kind, f"{self.id}{index}") for index, kind in enumerate(kinds)]

    @strawberry.field
    async def thing_later(self, kind: CellKind, turns: int = 1) -> Thing:
        """The same, later, and not null."""
        return await act_later(Mode.VALUE, make(kind, self.id), turns)

    @strawberry.field
    def node(self, kind: CellKind) -> Node | None:
        """An implementation of an interface, or what pretends to be."""
        return make(kind, self.id)

    @strawberry.field
    def nodes(self, kinds: list[CellKind]) -> list[Node]:
        """Several of them."""
        return [make(kind, f"{self.id}{index}") for index, kind in enumerate(kinds)]

    @strawberry.field
    def shape(self, kind: CellKind = CellKind.ROUND) -> Shape | None:
        """An implementation of the narrower interface."""
        return make(kind, self.id)

    @strawberry.field
    def outsider(self, mode: Mode = Mode.VALUE) -> Outsider | None:
        """A type without interfaces: anything passes for one."""
        return act(mode, Outsider())

    @strawberry.field
    def echo(
        self,
        root: Any,
        outer: Outer | None = None,
        json: JSON | None = None,
        odds: list[Odd] | None = None,
        day: date | None = None,
        either: Either | None = None,
    ) -> str:
        """What arrived of arguments that are converted on their way."""
        return f"{root.id} {outer} {json} {odds} {day} {either}"

    @strawberry.field
    def plain(
        self,
        parent: strawberry.Parent[Any],
        info: Info,
        colour: Colour | None = Colour.GREEN,
        text: Annotated[str | None, strawberry.argument(name="renamed")] = "default",
        odd: Odd = Odd(1),
        identity: strawberry.ID | None = None,
    ) -> str:
        """What arrived of arguments that arrive as they are."""
        note(info)
        return f"{parent.id} {colour!r} {text!r} {odd!r} {identity!r}"

    @strawberry.field
    def without_default(self, text: str | None, number: float | None) -> str | None:
        """Python misses an argument that GraphQL does not."""
        return f"{text!r} {number!r}"

    @strawberry.field
    async def without_default_later(self, text: str | None) -> str | None:
        """The same, later."""
        return repr(text)

    @strawberry.field
    def maybe_given(self, text: strawberry.Maybe[str | None]) -> str:
        """Tells null from absent."""
        return repr(text)

    @strawberry.field
    def mutable(self, numbers: list[int] = [1]) -> list[int]:  # noqa: B006 - Strawberry hands out copies of it
        """Changes what it was given; the next run must not see it."""
        numbers.append(len(numbers))
        return numbers

    @strawberry.field
    def tampered(self, bag: Bag) -> Bag:
        """The same with a scalar whose value arrives unconverted."""
        bag.append(len(bag))
        return bag

    @strawberry.field(extensions=[Shout()])
    def shouted(self, text: str = "quiet") -> str:
        """Goes through a field extension."""
        return text

    @strawberry.field(permission_classes=[Never])
    def forbidden(self) -> str | None:
        """Goes through a permission."""
        return "seen"

    @strawberry.field
    @staticmethod
    def static(turns: int = 0) -> int:
        """A static method."""
        return turns


def _items(context: Context, modes: list[Mode], identity: str, turns: int | None) -> Any:
    cells = [make_cell(f"{identity}.{index}") for index, _ in enumerate(modes)]
    if turns is not None:
        return [_traced(context, mode, cell, turns) for mode, cell in zip(modes, cells, strict=True)]
    return [_caught(mode, cell) for mode, cell in zip(modes, cells, strict=True)]


def _caught(mode: Mode, value: Any) -> Any:
    try:
        return act(mode, value)
    except (Failure, GraphQLError) as error:
        return error


async def _traced(context: Context, mode: Mode, value: Any, turns: int) -> Any:
    """Act later, and leave a trace: whoever awaits this is seen to."""
    context.calls.append(f"begin {turns}")
    result = await act_later(mode, value, turns)
    context.calls.append(f"end {turns}")
    return result


def _generate(context: Context, modes: list[Mode]) -> Generator[int | Awaitable[int], None, None]:
    for index, mode in enumerate(modes):
        context.calls.append(f"generate {index}")
        yield _traced(context, mode, index, index) if index % 2 else act(mode, index)


async def _stream(context: Context, modes: list[Mode], turns: int) -> AsyncGenerator[int | Awaitable[int], None]:
    try:
        for index, mode in enumerate(modes):
            yield _traced(context, mode, index, turns) if index % 2 else await act_later(mode, index, turns)
    finally:
        context.calls.append("closed")


class CountDown:
    """An asynchronous iterator without ``aclose``."""

    def __init__(self, *, fail: bool) -> None:
        self._left = 3
        self._fail = fail

    def __aiter__(self) -> CountDown:
        """Itself."""
        return self

    async def __anext__(self) -> int:
        """The next number, or none."""
        self._left -= 1
        if self._left == 0:
            raise Failure("counted down") if self._fail else StopAsyncIteration
        return self._left


class Later:
    """Awaitable any number of times, and silent if it never is."""

    def __await__(self) -> Generator[None, None, str]:
        """Take one turn of the event loop."""
        yield
        return "awaited"


class Stubborn(Cell):
    """An undecorated subclass, some of whose attributes cannot be read."""

    @property
    def maybe(self) -> str | None:
        """Raise."""
        raise Failure("unreadable")

    @maybe.setter
    def maybe(self, value: str | None) -> None:
        """Let the constructor pass."""


def make_cell(identity: str) -> Cell:
    """A cell; one attribute waits to be awaited and another does not exist."""
    cell = Cell(id=strawberry.ID(identity))
    del cell.missing
    cell.loose = "g"  # type: ignore[assignment] # the value of a member, which graphql-core takes as well
    cell.hollow = None  # type: ignore[assignment] # what a careless resolver may do
    cell.pending = Later() if len(identity) == 1 else "settled"  # type: ignore[assignment] # graphql-core awaits it
    return cell


_MAKERS: dict[CellKind, Callable[[strawberry.ID], Any]] = {
    CellKind.PLAIN: lambda identity: Cell(id=identity),
    CellKind.ROUND: lambda identity: Round(id=identity),
    CellKind.SUBCLASS: lambda identity: Stubborn(id=identity),
    CellKind.CAST: lambda identity: strawberry.cast(Round, Cell(id=identity)),
    CellKind.FOREIGN: Foreign,
    CellKind.SELF_TYPED: lambda identity: SelfTyped(id=identity),
    CellKind.ASYNC_TYPED: lambda identity: AsyncTyped(id=identity),
    CellKind.BOX_OF_INT: lambda _identity: Box(item=1),
    CellKind.BOX_OF_TEXT: lambda _identity: Box(item="text"),
    CellKind.NOT_A_MEMBER: lambda _identity: Outsider(),
    CellKind.STRANGER: Stranger,
}


def make(kind: CellKind, identity: str) -> Any:
    """A value of some kind."""
    return _MAKERS[kind](strawberry.ID(identity))


@strawberry.type
class Query:
    """Two ways into the cells, and two that end at once."""

    @strawberry.field
    def cell(self, info: Info, mode: Mode = Mode.VALUE) -> Cell | None:
        """One, perhaps."""
        note(info)
        return act(mode, make_cell("q"))

    @strawberry.field
    async def cell_required(self, mode: Mode = Mode.VALUE, turns: int = 0) -> Cell:
        """One, or no data at all."""
        return await act_later(mode, make_cell("r"), turns)

    @strawberry.field
    def answer(self, mode: Mode = Mode.VALUE) -> int:
        """A leaf."""
        return act(mode, 42)

    @strawberry.field
    async def answer_later(self, mode: Mode = Mode.VALUE, turns: int = 0) -> int | None:
        """A leaf, later."""
        return await act_later(mode, 43, turns)


@strawberry.type
class Mutation:
    """Steps that must not overlap."""

    @strawberry.mutation
    async def step(self, info: Info, mode: Mode = Mode.VALUE, turns: int = 0) -> Cell | None:
        """Leave a trace before and after."""
        note(info)
        cell = await act_later(mode, make_cell("m"), turns)
        info.context.calls.append(f"done {info.path.key}")
        return cell

    @strawberry.mutation
    def step_required(self, info: Info, mode: Mode = Mode.VALUE) -> Cell:
        """A step at once; if it fails nothing follows."""
        note(info)
        return act(mode, make_cell("n"))


def build_rich_schema() -> GraphQLSchema:
    """graphql-core's schema of all this."""
    schema = strawberry.Schema(
        query=Query,
        mutation=Mutation,
        types=[Round, SelfTyped, AsyncTyped],
        config=StrawberryConfig(
            scalar_map={
                Odd: strawberry.scalar(name="Odd", parse_value=_parse_odd, serialize=_serialize_odd),
                Bag: strawberry.scalar(name="Bag", parse_value=lambda value: [value], serialize=list),
            }
        ),
    )
    return schema._schema  # noqa: SLF001 - Strawberry has no public way to graphql-core's schema
