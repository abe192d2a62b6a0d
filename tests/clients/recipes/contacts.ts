import { graphql } from "../gql/gql.js";
import type { DeleteContactsMutation } from "../gql/graphql.js";

export const DeleteContacts = graphql(`
  mutation DeleteContacts($ids: [ID!]!) {
    deleteContacts(ids: $ids) {
      id
      result {
        __typename
        ... on DeleteContactSuccess { message contact { id } }
        ... on WethodValidationError { failures { field message } }
        ... on WethodRateLimitedError { retryAfterSeconds }
        ... on WethodError { key message }
      }
    }
  }
`);

export type Entries = NonNullable<DeleteContactsMutation["deleteContacts"]>;

/** The ids to send again: nothing was sent for them, or their outcome is unknown. */
export function repeatable(entries: Entries): string[] {
  const again = ["WethodUnavailableError", "WethodOutcomeUnknownError"];
  return entries.filter(({ result }) => again.includes(result?.__typename ?? "")).map(({ id }) => id);
}
