"""Objects: the schema says which object type a value has, and its selection set is executed (GraphQL §6.4.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graphql import default_type_resolver
from graphql.pyutils import Undefined

from app.execution.classes import follows_from_class, is_cast
from app.execution.run import is_pending

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from graphql import GraphQLAbstractType, GraphQLObjectType
    from graphql.pyutils import Path

    from app.execution.run import Complete, Run, Select
    from app.execution.site import Site


def object_completion(type_: GraphQLObjectType, site: Site) -> Complete:
    """What completes a value of an object type."""
    known: dict[type, Select] = {}
    return _unless_known(known, _as_object(type_, None, known, site))


def abstract_completion(type_: GraphQLAbstractType, site: Site) -> Complete:
    """What completes a value of an interface or a union."""
    resolve_type = type_.resolve_type or default_type_resolver
    known: dict[type, Select] = {}
    completions: dict[GraphQLObjectType, Complete] = {}

    def complete(run: Run, value: Any, path: Path, at: Path) -> Any:
        name = resolve_type(value, site.info(run, at), type_)
        if is_pending(name):
            return complete_later(run, value, path, at, name)
        return complete_named(run, value, path, at, name)

    def complete_named(run: Run, value: Any, path: Path, at: Path, name: object) -> Any:
        object_type = site.object_type(name, type_, run, at, value)
        complete_object = completions.get(object_type)
        if complete_object is None:
            complete_object = completions[object_type] = _as_object(object_type, type_, known, site)
        return complete_object(run, value, path, at)

    async def complete_later(run: Run, value: Any, path: Path, at: Path, name: Awaitable[object]) -> Any:
        completed = complete_named(run, value, path, at, await name)
        return await completed if is_pending(completed) else completed

    return _unless_known(known, complete)


def _unless_known(known: dict[type, Select], otherwise: Complete) -> Complete:
    """Passes values by whose class nobody need be asked about again; it is no exception's and not None's."""

    def complete(run: Run, value: Any, path: Path, at: Path) -> Any:
        select = known.get(type(value))
        if select is not None and not is_cast(value):
            return select(run, value, path)
        if isinstance(value, Exception):
            raise value
        if value is None or value is Undefined:
            return None
        return otherwise(run, value, path, at)

    return complete


def _as_object(
    type_: GraphQLObjectType, abstract: GraphQLAbstractType | None, known: dict[type, Select], site: Site
) -> Complete:
    """What completes a value of a type that is settled, and notes classes about which nobody need be asked again."""
    is_type_of = type_.is_type_of

    def complete(run: Run, value: Any, path: Path, at: Path) -> Any:
        if is_type_of is not None:
            verdict = is_type_of(value, site.info(run, at))
            if is_pending(verdict):
                return complete_later(run, value, path, verdict)
            if not verdict:
                raise site.wrong_type(type_, value)
        select = site.select(type_)
        if follows_from_class(value, type_, abstract):
            known[type(value)] = select
        return select(run, value, path)

    async def complete_later(run: Run, value: Any, path: Path, verdict: Awaitable[bool]) -> Any:
        if not await verdict:
            raise site.wrong_type(type_, value)
        completed = site.select(type_)(run, value, path)
        return await completed if is_pending(completed) else completed

    return complete
