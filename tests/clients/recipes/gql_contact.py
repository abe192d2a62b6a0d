"""Delete a contact with gql."""

from __future__ import annotations

from gql import Client, GraphQLRequest
from gql.transport.httpx import HTTPXAsyncTransport

DELETE_CONTACT = """
mutation DeleteContact($id: ID!) {
  deleteContact(id: $id) {
    __typename
    ... on DeleteContactSuccess { message }
    ... on WethodValidationError { failures { field message } }
    ... on WethodError { key message }
  }
}
"""


async def delete_contact(url: str, headers: dict[str, str], contact_id: str) -> str:
    """Delete a contact and return the text to show."""
    request = GraphQLRequest(DELETE_CONTACT, variable_values={"id": contact_id})
    # The default timeout of httpx, 5 seconds, is shorter than the gateway's.
    async with Client(transport=HTTPXAsyncTransport(url, headers=headers, timeout=15)) as session:
        outcome = (await session.execute(request))["deleteContact"]
    match outcome:
        case {"__typename": "DeleteContactSuccess"}:
            return "The contact is gone."
        case {"failures": failures}:
            return " ".join(f"{failure['field']}: {failure['message']}" for failure in failures)
        case {"message": str(message)}:  # every other WethodError, also of later versions
            return message
    return "Something went wrong. Check if the contact is gone."
