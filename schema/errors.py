"""The nine errors that an operation can end in, and the types of their fields."""

from __future__ import annotations

from typing import TypeAlias

import strawberry


@strawberry.type(description="A header in Wethod's error envelope.")
class WethodHeader:
    """The name of a header and its values."""

    name: str = strawberry.field(description="Name of the header, in lower case.")
    values: list[str] = strawberry.field(description="Its values, in the order of arrival.")


@strawberry.type(
    description="The error envelope that Wethod documents. A part that is absent or cannot be read is null."
)
class WethodResponse:
    """The error envelope of Wethod; every part is optional."""

    headers: list[WethodHeader] = strawberry.field(
        description="Headers of the envelope that are safe to show. Empty if there are none."
    )
    content: str | None = strawberry.field(
        default=None, description="Content of the envelope, untranslated. Null if it contains markup."
    )
    version: str | None = strawberry.field(default=None, description="Protocol version in the envelope.")
    status_code: int | None = strawberry.field(
        default=None,
        description="HTTP status in the envelope. It may differ from the status of the answer.",
    )
    status_text: str | None = strawberry.field(default=None, description="Reason phrase in the envelope.")
    charset: str | None = strawberry.field(default=None, description="Charset in the envelope.")
    callback: str | None = strawberry.field(default=None, description="JSONP callback in the envelope.")
    encoding_options: int = strawberry.field(
        default=64, description="JSON encoding options in the envelope; 64 if it has none."
    )


@strawberry.type(description="One reason why the input was refused.")
class WethodFailure:
    """A ``{field, message}`` of a 400, or one of the gateway's own checks."""

    field: str = strawberry.field(description="Name of the field that causes the error. Empty if Wethod names none.")
    message: str = strawberry.field(description="Human-readable description of the error. Render it as text.")


@strawberry.interface(
    description="An outcome other than success. The concrete type says what is known about the effect."
)
class WethodError:
    """The fields of every error, identical on every member so that one selection fits all."""

    key: str = strawberry.field(
        description="Unique key of the error: Wethod's own, or the gateway's if Wethod sent none."
    )
    message: str = strawberry.field(description="Human-readable description, untranslated. Render it as text.")
    status_code: int | None = strawberry.field(
        default=None, description="HTTP status of Wethod's answer. Null if there was none."
    )
    response: WethodResponse | None = strawberry.field(
        default=None, description="Error envelope of Wethod's answer. Null if there was no answer."
    )


@strawberry.type(
    description=(
        "Wethod (400) refused the input, or the gateway did before anything was sent. "
        "Nothing was changed. Correct what `failures` names, then repeat."
    )
)
class WethodValidationError(WethodError):
    """400, or refused by the gateway."""

    failures: list[WethodFailure] = strawberry.field(default_factory=list, description="All mistakes in the input.")


@strawberry.type(
    description=(
        "Wethod did not accept the token (401), or no usable Authorization header arrived. "
        "Nothing was changed. Authenticate, then repeat."
    )
)
class WethodUnauthorizedError(WethodError):
    """401, or refused by the gateway."""


@strawberry.type(
    description=("The owner of the token lacks a permission (403), such as crm.edit for a delete. Nothing was changed.")
)
class WethodForbiddenError(WethodError):
    """403."""


@strawberry.type(
    description="The company has no such contact (404). Nothing was changed; it may have been deleted before."
)
class WethodNotFoundError(WethodError):
    """404."""


@strawberry.type(
    description="The state of the contact forbids the operation, such as its deletion (412). Nothing was changed."
)
class WethodPreconditionFailedError(WethodError):
    """412."""


@strawberry.type(
    description=(
        "Too many requests with this token (429; Wethod allows 5,000 an hour), or the gateway remembers such an "
        "answer and sent nothing. Nothing was changed. Repeat later."
    )
)
class WethodRateLimitedError(WethodError):
    """429, or a remembered one."""

    retry_after_seconds: int | None = strawberry.field(
        default=None,
        description="Seconds to wait before the next request, 0 to 3,600. Null if Wethod did not say.",
    )


@strawberry.type(
    description=(
        "The request was not sent: Wethod could not be reached, the time was used up, or the gateway was overloaded or "
        "stopped. Nothing was changed. Repeating is safe."
    )
)
class WethodUnavailableError(WethodError):
    """No byte was written."""


@strawberry.type(
    description=(
        "This request or an equal one was sent, and no conclusive answer came. Wethod may have acted: after a delete, "
        "the contact may be gone. Repeating a delete is safe: WethodNotFoundError then means that it is gone."
    )
)
class WethodOutcomeUnknownError(WethodError):
    """At least one byte was written, and no response decides the outcome."""


@strawberry.type(
    description=(
        "Wethod answered with a 3xx or 4xx that it does not document. "
        "It may have acted, for example deleted the contact. Look at the contact before repeating."
    )
)
class WethodUnexpectedResponseError(WethodError):
    """A 3xx or 4xx that Wethod does not document."""


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
