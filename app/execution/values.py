"""What a literal in a document means, in a form that can be compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql import ListValueNode, NullValueNode, ObjectValueNode, StringValueNode, VariableNode

if TYPE_CHECKING:
    from collections.abc import Hashable

    from graphql import ValueNode


def value_key(node: ValueNode) -> Hashable:
    """Equal for literals that are written alike, the order of an object's fields aside; a block string is not."""
    if isinstance(node, VariableNode):
        return (VariableNode, node.name.value)
    if isinstance(node, ObjectValueNode):
        return (ObjectValueNode, frozenset((field.name.value, value_key(field.value)) for field in node.fields))
    if isinstance(node, ListValueNode):
        return (ListValueNode, *map(value_key, node.values))
    if isinstance(node, StringValueNode):
        return (StringValueNode, node.value, bool(node.block))
    if isinstance(node, NullValueNode):
        return (NullValueNode,)
    return (type(node), node.value)  # type: ignore[attr-defined]  # a number, a boolean or an enum value
