import { graphql } from "../gql/gql.js";
import type { DeleteContactMutation } from "../gql/graphql.js";

export const DeleteContact = graphql(`
  mutation DeleteContact($id: ID!) {
    deleteContact(id: $id) {
      __typename
      ... on DeleteContactSuccess { message contact { id } }
      ... on WethodValidationError { failures { field message } }
      ... on WethodRateLimitedError { retryAfterSeconds }
      ... on WethodError { key message }
    }
  }
`);

export type Outcome = DeleteContactMutation["deleteContact"];

/** The text to show for an outcome. */
export function explain(outcome: Outcome | undefined): string {
  if (!outcome) return "Something went wrong. Reload to see if the contact is gone."; // a bug of the gateway
  switch (outcome.__typename) {
    case "DeleteContactSuccess":
      return "The contact is gone.";
    case "WethodNotFoundError":
      return "The contact was not there any more.";
    case "WethodValidationError":
      return outcome.failures.map(({ field, message }) => `${field}: ${message}`).join(" ");
    case "WethodRateLimitedError":
      return `Too many requests. Repeat in ${outcome.retryAfterSeconds ?? 60} seconds.`;
    case "WethodUnavailableError":
      return "Nothing was deleted. Repeat.";
    case "WethodOutcomeUnknownError":
      return "The contact may be gone. Repeating does no harm.";
    default: // all other errors, also those of later versions (Graphcache keeps only their names)
      return outcome.message ?? "The outcome is not known here. Reload.";
  }
}
