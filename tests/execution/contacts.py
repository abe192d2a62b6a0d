"""The context of our own schema, in which the id chooses the outcome."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import strawberry

from schema.contact import Contact, DeleteContactOutcome, DeleteContactSuccess, DeletionEvidence
from schema.context import WethodContext
from schema.errors import (
    WethodFailure,
    WethodForbiddenError,
    WethodHeader,
    WethodNotFoundError,
    WethodOutcomeUnknownError,
    WethodPreconditionFailedError,
    WethodRateLimitedError,
    WethodResponse,
    WethodUnauthorizedError,
    WethodUnavailableError,
    WethodUnexpectedResponseError,
    WethodValidationError,
)
from schema.root import build_schema

if TYPE_CHECKING:
    from collections.abc import Callable

    from graphql import GraphQLSchema

ENVELOPE = WethodResponse(
    headers=[WethodHeader(name="date", values=["today", "tomorrow"]), WethodHeader(name="retry-after", values=[])],
    content="content",
    status_code=404,
)
FAILURES = [WethodFailure(field="id", message="not found"), WethodFailure(field="Wethod-Company", message="blank")]


def _success(evidence: DeletionEvidence) -> DeleteContactSuccess:
    contact = Contact(id=strawberry.ID("7"))
    return DeleteContactSuccess(deleted_contact_id=contact.id, contact=contact, message="gone", confirmed_by=evidence)


def _fail() -> DeleteContactOutcome:
    raise RuntimeError("a bug")


def _words(status: int | None = None, response: WethodResponse | None = None) -> dict[str, Any]:
    return {"key": "key", "message": "message", "status_code": status, "response": response}


OUTCOMES: tuple[Callable[[], Any], ...] = (
    lambda: _success(DeletionEvidence.RESPONSE),
    lambda: _success(DeletionEvidence.ABSENCE),
    lambda: WethodValidationError(**_words(400, ENVELOPE), failures=FAILURES),
    lambda: WethodUnauthorizedError(**_words()),
    lambda: WethodForbiddenError(**_words(403)),
    lambda: WethodNotFoundError(**_words(404, ENVELOPE)),
    lambda: WethodPreconditionFailedError(**_words(412)),
    lambda: WethodRateLimitedError(**_words(429), retry_after_seconds=30),
    lambda: WethodUnavailableError(**_words()),
    lambda: WethodOutcomeUnknownError(**_words(502)),
    lambda: WethodUnexpectedResponseError(**_words(418)),
    _fail,
    lambda: None,
    lambda: "no outcome at all",
    lambda: WethodNotFoundError(**_words(2**31)),  # beyond GraphQL's Int
    lambda: ENVELOPE,  # a type of the schema that is no member of the union
)


@dataclass
class StubContacts:
    """Contacts without Wethod: the id chooses the outcome and the time until it."""

    calls: list[str] = field(default_factory=list)

    async def call(self, _operation: object, /, *, contact_id: str) -> DeleteContactOutcome:
        return await self.delete(contact_id)

    async def call_many(self, _operation: object, contact_ids: list[str]) -> list[Any]:
        """Delete one after the other; an exception takes the place of its outcome."""
        return [await self._try(contact_id) for contact_id in contact_ids]

    async def _try(self, contact_id: str) -> Any:
        try:
            return await self.delete(contact_id)
        except RuntimeError as error:
            return error

    async def delete(self, contact_id: str) -> DeleteContactOutcome:
        """Answer with the outcome of this number, some iterations of the event loop later."""
        self.calls.append(f"delete {contact_id}")
        number = int(contact_id) if contact_id.isdigit() else len(contact_id)
        for _ in range(number % 3):
            await asyncio.sleep(0)
        self.calls.append(f"deleted {contact_id}")
        return cast("DeleteContactOutcome", OUTCOMES[number % len(OUTCOMES)]())

    def context(self) -> WethodContext:
        self.calls.append("context")
        return WethodContext(company="acme", received_headers=["Authorization"], failures=FAILURES)


def build_contact_schema() -> GraphQLSchema:
    return build_schema()._schema  # noqa: SLF001 - Strawberry has no public way to graphql-core's schema
