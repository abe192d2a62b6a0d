import { commitMutation, graphql } from "relay-runtime";
import type { IEnvironment } from "relay-runtime";

import type { deleteContactsMutation } from "./__generated__/deleteContactsMutation.graphql.js";

/** Resolves to a text to show for each contact that was not deleted or may not be, by its id. */
export function deleteContacts(environment: IEnvironment, ids: string[]): Promise<Map<string, string>> {
  return new Promise((resolve, reject) =>
    commitMutation<deleteContactsMutation>(environment, {
      mutation: graphql`
        mutation deleteContactsMutation($ids: [ID!]!) {
          deleteContacts(ids: $ids) {
            id
            result {
              __typename
              ... on DeleteContactSuccess { deletedContactId @deleteRecord }
              ... on WethodError { key message }
            }
          }
        }
      `,
      variables: { ids },
      onError: reject,
      onCompleted: ({ deleteContacts: entries }) =>
        resolve(
          new Map(
            (entries ?? [])
              .filter(({ result }) => result?.__typename !== "DeleteContactSuccess")
              .map(({ id, result }) => [id, result?.message ?? "Unknown."]),
          ),
        ),
    }),
  );
}
