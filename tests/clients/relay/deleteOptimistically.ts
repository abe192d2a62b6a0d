import { commitMutation, graphql } from "relay-runtime";
import type { IEnvironment } from "relay-runtime";

import { decide, fromErrors, LOST, type Shown } from "../recipes/optimistic.js";
import type { deleteOptimisticallyMutation } from "./__generated__/deleteOptimisticallyMutation.graphql.js";

/** `reload` loads the list again, for example with `refetch` of its query. */
export function deleteContact(environment: IEnvironment, id: string, reload: () => void): Promise<Shown> {
  return new Promise((resolve) =>
    commitMutation<deleteOptimisticallyMutation>(environment, {
      mutation: graphql`
        mutation deleteOptimisticallyMutation($id: ID!) {
          deleteContact(id: $id) {
            __typename
            ... on DeleteContactSuccess { deletedContactId @deleteRecord }
            ... on WethodError { key message }
          }
        }
      `,
      variables: { id },
      // Relay rolls this back when the answer arrives. After a success, @deleteRecord removes the contact.
      optimisticUpdater: (store) => store.delete(id),
      onCompleted: ({ deleteContact: outcome }) => {
        if (!outcome) return resolve(LOST);
        const row = decide(outcome.__typename);
        if (row === "reload") reload();
        resolve({ row, message: outcome.message ?? "The contact is gone." });
      },
      onError: (error: Error & { source?: { errors?: Parameters<typeof fromErrors>[0] } }) =>
        resolve(error.source?.errors ? fromErrors(error.source.errors) : LOST),
    }),
  );
}
