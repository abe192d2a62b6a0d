"""The context of our own schema, in which the operation and the id choose the outcome."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import strawberry

from schema.contact import Contact, DeleteContactOutcome, DeleteContactSuccess, DeletionEvidence
from schema.context import WethodContext
from schema.delete_contact import DELETE_CONTACT
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
    from collections.abc import Callable, Mapping

    from graphql import GraphQLSchema

    from schema.rest import RestOperation

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


SUCCESSES: Mapping[str, tuple[Callable[[], Any], ...]] = {
    "deleteContact": (lambda: _success(DeletionEvidence.RESPONSE), lambda: _success(DeletionEvidence.ABSENCE)),
}
"""The successes of each operation, by its name."""

ERRORS: tuple[Callable[[], Any], ...] = (
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
"""The errors that every operation can return, and values that it must not return."""

OUTCOMES = (*SUCCESSES[DELETE_CONTACT.name], *ERRORS)


@dataclass
class StubContacts:
    """Contacts without Wethod: the first argument chooses the outcome and the time until it."""

    calls: list[str] = field(default_factory=list)

    async def call(self, operation: RestOperation[Any, Any], /, *args: str, **kwargs: str) -> Any:
        """Answer with the outcome of this number, some iterations of the event loop later."""
        first = next(iter((*args, *kwargs.values())))
        self.calls.append(f"called {first}")
        number = int(first) if first.isdigit() else len(first)
        for _ in range(number % 3):
            await asyncio.sleep(0)
        self.calls.append(f"answered {first}")
        outcomes = (*SUCCESSES[operation.name], *ERRORS)
        return outcomes[number % len(outcomes)]()

    async def call_many(self, operation: RestOperation[Any, Any], arguments: list[str]) -> list[Any]:
        """Make one call after the other; an exception takes the place of its outcome."""
        return [await self._try(operation, argument) for argument in arguments]

    async def _try(self, operation: RestOperation[Any, Any], argument: str) -> Any:
        try:
            return await self.call(operation, argument)
        except RuntimeError as error:
            return error

    def describe(self) -> WethodContext:
        self.calls.append("describe")
        return WethodContext(company="acme", received_headers=["Authorization"], failures=FAILURES)


def build_contact_schema() -> GraphQLSchema:
    return build_schema()._schema  # noqa: SLF001 - Strawberry has no public way to graphql-core's schema
