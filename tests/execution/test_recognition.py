"""What of a schema is recognised as Strawberry's own, and so need not be asked."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

import pytest
import strawberry
from graphql import GraphQLObjectType
from strawberry.schema.config import StrawberryConfig

from app.execution.classes import enum_class, follows_from_class
from app.execution.resolvers import attribute, resolver_function
from tests.execution.contacts import OUTCOMES, build_contact_schema
from tests.execution.rich_schema import CellKind, build_rich_schema, make

if TYPE_CHECKING:
    from graphql import GraphQLAbstractType

CONTACT = build_contact_schema()
RICH = build_rich_schema()
CELL = RICH.type_map["Cell"]


class Meta(type):
    """Has a say in ``isinstance``."""


class Decides:
    """Answers for its attributes."""

    def __getattribute__(self, name: str) -> object:
        return object.__getattribute__(self, name)


@strawberry.type
class Slippery(Decides):
    """One of them."""

    a: int = 1


@strawberry.type
class Ruled(metaclass=Meta):
    """The other."""

    a: int = 1


@strawberry.interface
class Face:
    """Decides."""

    a: int = 1

    @classmethod
    def resolve_type(cls, value: object, *_: object) -> str:
        """Decide."""
        return "Left" if getattr(value, "a", 1) == 1 else "Right"


@strawberry.type
class Left(Face):
    """One."""


@strawberry.type
class Right(Face):
    """Another."""


@strawberry.type
class Query:
    """Has one of each."""

    slippery: Slippery
    ruled: Ruled
    face: Face


OWN = strawberry.Schema(query=Query, types=[Left, Right])._schema.type_map  # noqa: SLF001 - no public way to it


@pytest.mark.parametrize("name", [name for name, type_ in CONTACT.type_map.items() if name[:1] != "_"])
def test_every_field_of_ours_is_on_the_fast_way(name: str) -> None:
    """An upgrade of Strawberry that hides what the compiler recognises is noticed here and not in production."""
    type_ = CONTACT.type_map[name]
    if not isinstance(type_, GraphQLObjectType):
        return
    slow = [
        field_name
        for field_name, field in type_.fields.items()
        if attribute(field) is None and resolver_function(field) is None
    ]
    assert slow == []


@pytest.mark.parametrize(
    "outcome", [make_outcome() for make_outcome in OUTCOMES[:11]], ids=lambda each: type(each).__name__
)
def test_the_class_of_every_outcome_tells_its_type(outcome: object) -> None:
    """No outcome is looked for among the members of the union more than once."""
    union: Any = CONTACT.type_map["DeleteContactResult"]
    object_type: Any = CONTACT.type_map[type(outcome).__name__]
    assert follows_from_class(outcome, object_type, union)


@pytest.mark.parametrize(
    ("field", "recognised"),
    [
        ("text", "attribute"),
        ("integer", "function"),
        ("later", "function"),
        ("plain", "function"),
        ("static", "function"),
        ("gathered", "function"),
        ("tampered", "function"),
        ("streamed", None),
        ("streamedNow", None),
        ("echo", None),
        ("maybeGiven", None),
        ("mutable", None),
        ("shouted", None),
        ("forbidden", None),
    ],
)
def test_only_what_passes_arguments_on_as_they_are_is_recognised(field: str, recognised: str | None) -> None:
    """Whatever Strawberry does more for a field is left to Strawberry."""
    assert isinstance(CELL, GraphQLObjectType)
    definition = CELL.fields[field]
    found = {"attribute": attribute(definition), "function": resolver_function(definition)}
    assert [name for name, each in found.items() if each is not None] == ([recognised] if recognised else [])


def test_a_wrapped_resolver_is_not_recognised() -> None:
    """Whoever wraps a resolver means it to be called."""
    assert isinstance(CELL, GraphQLObjectType)
    for name in ("text", "integer"):
        definition = CELL.fields[name]
        kwargs = definition.to_kwargs()
        resolve = kwargs["resolve"]
        assert resolve is not None

        @wraps(resolve)
        def wrapped(*args: Any, inner: Any = resolve, **arguments: Any) -> Any:
            return inner(*args, **arguments)

        kwargs["resolve"] = wrapped
        other = type(definition)(**kwargs)
        assert (attribute(other), resolver_function(other)) == (None, None)


def test_settings_of_strawberry_are_honoured() -> None:
    """A default resolver or a class of info that somebody chose is used."""

    class Info(strawberry.Info):
        """Another one."""

    @strawberry.type
    class Fields:
        """One field of each kind."""

        plain: int = 1

        @strawberry.field
        def resolved(self) -> int:
            """Have a resolver."""
            return 2

    def read(source: Any, name: str) -> object:
        return (source, name)

    config = StrawberryConfig(default_resolver=read, info_class=Info)
    query = strawberry.Schema(query=Fields, config=config)._schema.query_type  # noqa: SLF001 - no public way to it
    assert query is not None
    assert attribute(query.fields["plain"]) is None
    assert resolver_function(query.fields["resolved"]) is None


@pytest.mark.parametrize(
    ("kind", "type_name", "abstract_name", "follows"),
    [
        (CellKind.PLAIN, "Cell", "Thing", True),
        (CellKind.PLAIN, "Cell", "Node", True),
        (CellKind.SUBCLASS, "Cell", "Node", True),
        (CellKind.ROUND, "Round", "Shape", True),
        (CellKind.CAST, "Round", "Thing", False),
        (CellKind.FOREIGN, "SelfTyped", "Node", False),
        (CellKind.SELF_TYPED, "SelfTyped", "Node", False),
        (CellKind.ASYNC_TYPED, "AsyncTyped", "Node", False),
        (CellKind.BOX_OF_INT, "IntBox", "Thing", False),
        (CellKind.PLAIN, "Round", "Node", False),
    ],
)
def test_only_classes_that_tell_their_type_are_remembered(
    kind: CellKind, type_name: str, abstract_name: str, *, follows: bool
) -> None:
    """Casts, generics, foreign classes and types that decide by themselves are asked about each time."""
    object_type: Any = RICH.type_map[type_name]
    abstract: GraphQLAbstractType = RICH.type_map[abstract_name]  # type: ignore[assignment] # an abstract one
    assert follows_from_class(make(kind, "q"), object_type, abstract) is follows


def test_a_class_that_decides_what_its_attributes_are_is_not_remembered() -> None:
    """Nor is one whose metaclass decides what its instances are."""
    for value in (Slippery(), Ruled()):
        object_type: Any = OWN[type(value).__name__]
        assert not follows_from_class(value, object_type, None)


def test_the_schema_s_own_resolve_type_is_asked_each_time() -> None:
    """An interface may decide by itself what is what."""
    object_type: Any = OWN["Left"]
    abstract: Any = OWN["Face"]
    assert not follows_from_class(Left(), object_type, abstract)


def test_only_strawberry_s_enums_are_remembered() -> None:
    """Members of a Python enum keep their name; what else an enum of graphql-core holds is looked up each time."""
    colour: Any = RICH.type_map["Colour"]
    string: Any = RICH.type_map["String"]
    assert enum_class(colour) is colour.wrapped_cls
    assert enum_class(string) is None
