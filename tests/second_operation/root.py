"""The root types with two more operations, as schema/root.py would have them."""

from __future__ import annotations

import functools

import strawberry

from schema.root import OPERATIONS as SHIPPED
from schema.root import Mutation as ShippedMutation
from schema.root import Query as ShippedQuery
from schema.root import subgraph
from tests.second_operation.read_contact import READ_CONTACT, ReadContactResult, resolve_read_contact
from tests.second_operation.update_email import UPDATE_EMAIL, UpdateEmailResult, resolve_update_email

OPERATIONS = (*SHIPPED, READ_CONTACT, UPDATE_EMAIL)


@strawberry.type(description="Queries.")
class Query(ShippedQuery):
    """One field more."""

    read_contact: ReadContactResult | None = strawberry.field(
        resolver=resolve_read_contact, metadata={"calls": 1}, description="Read a contact."
    )


@strawberry.type(description="Changes.")
class Mutation(ShippedMutation):
    """One field more."""

    update_email: UpdateEmailResult | None = strawberry.field(
        resolver=resolve_update_email, description="Change the e-mail address of a contact."
    )


@functools.cache
def build_schema() -> strawberry.federation.Schema:
    """Build the schema with both."""
    return subgraph(Query, Mutation)
