"""Which of a schema's callables are Strawberry's own, so that their answer is known without asking them.

A callable is recognised by its code object, which no wrapper shares. Where Strawberry changes, or somebody supplies a
callable of their own, nothing is recognised and the callable itself is asked: slower, never different.
"""

from __future__ import annotations

from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.union import StrawberryUnion

if TYPE_CHECKING:
    from collections.abc import Callable

_CONVERTER = GraphQLCoreConverter


def _nested(function: Callable[..., Any], *names: str) -> CodeType | None:
    """The code of a function that is defined inside another one."""
    code: CodeType | None = getattr(function, "__code__", None)
    for name in names:
        constants = code.co_consts if code is not None else ()
        code = next((each for each in constants if isinstance(each, CodeType) and each.co_name == name), None)
    return code


READ_ATTRIBUTE = _nested(_CONVERTER.from_resolver, "_get_basic_result")
RESOLVE = _nested(_CONVERTER.from_resolver, "_resolver")
RESOLVE_ASYNC = _nested(_CONVERTER.from_resolver, "_async_resolver")
CONVERT_AND_CALL = _nested(_CONVERTER.from_resolver, "wrap_field_extensions", "extension_resolver")
IS_TYPE_OF = _nested(_CONVERTER.from_object, "_get_is_type_of", "is_type_of")
RESOLVE_INTERFACE = _nested(_CONVERTER.from_interface, "_get_resolve_type", "resolve_type")
RESOLVE_UNION = _nested(StrawberryUnion.get_type_resolver, "_resolve_union_type")


def knows(candidate: object, *codes: CodeType | None) -> dict[str, Any] | None:
    """What a closure knows, by name, if its code is one of these; None if it is not."""
    if not isinstance(candidate, FunctionType) or not any(candidate.__code__ is code for code in codes):
        return None
    cells = candidate.__closure__ or ()
    return {name: cell.cell_contents for name, cell in zip(candidate.__code__.co_freevars, cells, strict=True)}
