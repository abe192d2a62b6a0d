"""Delete a contact with the client that ariadne-codegen generates."""

from __future__ import annotations

from contact_client import (
    Client,
    DeleteContactDeleteContactDeleteContactSuccess,
    DeleteContactDeleteContactWethodValidationError,
)
from pydantic import ValidationError


async def delete_contact(url: str, headers: dict[str, str], contact_id: str) -> str:
    """Delete a contact and return the text to show."""
    async with Client(url=url, headers=headers) as client:
        try:
            # The default timeout of httpx, 5 seconds, is shorter than the gateway's.
            outcome = (await client.delete_contact(id=contact_id, timeout=15)).delete_contact
        except ValidationError:  # a WethodError of a later version, which the generated models do not contain
            outcome = None
    match outcome:
        case None:
            return "Something went wrong. Check if the contact is gone."
        case DeleteContactDeleteContactDeleteContactSuccess():
            return "The contact is gone."
        case DeleteContactDeleteContactWethodValidationError(failures=failures):
            return " ".join(f"{failure.field}: {failure.message}" for failure in failures)
    return outcome.message
