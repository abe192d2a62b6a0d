"""The nine ways a delete can end without the contact being known to be gone."""

from __future__ import annotations

from typing import TypeAlias

import strawberry


@strawberry.type(description="A header of Wethod's answer.")
class WethodHeader:
    """One header name with its values, in the order in which they came."""

    name: str = strawberry.field(description="Name of the header, in lower case.")
    values: list[str] = strawberry.field(description="Its values, in the order in which they came.")


@strawberry.type(
    description="The error envelope that Wethod documents; a part that Wethod did not send or sent unreadable is null."
)
class WethodResponse:
    """The envelope of ``contract.md``, section *Answers*, every part optional."""

    headers: list[WethodHeader] = strawberry.field(
        description="Headers of the envelope that are safe to show; empty when there are none."
    )
    content: str | None = strawberry.field(
        default=None, description="Content of the envelope, untranslated; null where it holds markup."
    )
    version: str | None = strawberry.field(default=None, description="Protocol version that the envelope names.")
    status_code: int | None = strawberry.field(
        default=None,
        description="HTTP status that the envelope names; it may differ from that of the answer.",
    )
    status_text: str | None = strawberry.field(default=None, description="Reason phrase that the envelope names.")
    charset: str | None = strawberry.field(default=None, description="Charset that the envelope names.")
    callback: str | None = strawberry.field(default=None, description="JSONP callback that the envelope names.")
    encoding_options: int = strawberry.field(
        default=64, description="JSON encoding options that the envelope names; 64 where it names none."
    )


@strawberry.type(description="One reason why the input was refused.")
class WethodFailure:
    """A ``{field, message}`` of a 400, or one of the gateway's own checks."""

    field: str = strawberry.field(description="Name of the field causing the error.")
    message: str = strawberry.field(description="Human-readable description of the error; render it as text.")


@strawberry.interface(
    description="Why the gateway cannot report the contact as deleted. The member says what is known."
)
class WethodError:
    """The fields every error shares, identical on every member so that one selection fits all."""

    key: str = strawberry.field(
        description="Unique key of the error: Wethod's own, or the gateway's where Wethod gave none."
    )
    message: str = strawberry.field(description="Human-readable description, untranslated; render it as text.")
    status_code: int | None = strawberry.field(
        default=None, description="HTTP status of Wethod's answer; null when there was none."
    )
    response: WethodResponse | None = strawberry.field(
        default=None, description="The error envelope that Wethod documents; null when there was no answer."
    )


@strawberry.type(
    description=(
        "The input was refused, by Wethod (400) or by the gateway before anything was sent. "
        "Nothing was deleted. Correct what `failures` names, then repeat."
    )
)
class WethodValidationError(WethodError):
    """400, or refused here."""

    failures: list[WethodFailure] = strawberry.field(
        default_factory=list, description="What was wrong, all of it at once."
    )


@strawberry.type(
    description=(
        "Wethod did not accept the token (401), or no usable Authorization header arrived. "
        "Nothing was deleted. Authenticate, then repeat."
    )
)
class WethodUnauthorizedError(WethodError):
    """401, or refused here."""


@strawberry.type(description="The token's owner lacks the permission crm.edit (403). Nothing was deleted.")
class WethodForbiddenError(WethodError):
    """403."""


@strawberry.type(
    description="The company has no such contact (404). Nothing was deleted; it may have been gone before."
)
class WethodNotFoundError(WethodError):
    """404."""


@strawberry.type(description="The contact is in a state that forbids its deletion (412). Nothing was deleted.")
class WethodPreconditionFailedError(WethodError):
    """412."""


@strawberry.type(
    description=(
        "Too many requests with this token (429; Wethod allows 5,000 an hour), or the gateway remembers such an "
        "answer and did not ask again. Nothing was deleted. Repeat later."
    )
)
class WethodRateLimitedError(WethodError):
    """429, or one remembered."""

    retry_after_seconds: int | None = strawberry.field(
        default=None,
        description="Seconds to wait before repeating, 0 to 3,600; null when Wethod did not say.",
    )


@strawberry.type(
    description="Wethod could not be reached. Nothing was sent and nothing was deleted: it is safe to repeat."
)
class WethodUnavailableError(WethodError):
    """Not sent."""


@strawberry.type(
    description=(
        "The request was sent and no conclusive answer came: the contact may be gone. "
        "Repeating is safe; WethodNotFoundError then says that it is gone."
    )
)
class WethodOutcomeUnknownError(WethodError):
    """Sent, and nobody knows."""


@strawberry.type(
    description=(
        "Wethod answered with a status that it does not document; whether the contact was deleted is not known. "
        "Look at the contact before repeating."
    )
)
class WethodUnexpectedResponseError(WethodError):
    """Another 3xx or 4xx."""


ErrorOutcome: TypeAlias = (
    WethodValidationError
    | WethodUnauthorizedError
    | WethodForbiddenError
    | WethodNotFoundError
    | WethodPreconditionFailedError
    | WethodRateLimitedError
    | WethodUnavailableError
    | WethodOutcomeUnknownError
    | WethodUnexpectedResponseError
)
"""The errors that every operation can end in."""
