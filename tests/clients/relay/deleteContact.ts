import { commitMutation, graphql, Environment, Network, RecordSource, Store } from "relay-runtime";
import type { IEnvironment } from "relay-runtime";

import type { deleteContactMutation } from "./__generated__/deleteContactMutation.graphql.js";

export function makeEnvironment(url: string, headers: Record<string, string>): IEnvironment {
  return new Environment({
    store: new Store(new RecordSource()),
    // An entry of deleteContacts has the id of a contact. Without this, Relay stores both as one record.
    getDataID: ({ id }, typename) => (typename === "DeleteContactsEntry" ? null : id),
    network: Network.create(async ({ text, id }, variables) => {
      const response = await fetch(url, {
        method: "POST",
        headers: { "Content-Type": "application/json", Accept: "application/graphql-response+json", ...headers },
        body: JSON.stringify(id ? { doc_id: id, variables } : { query: text, variables }),
      });
      return response.json();
    }),
  });
}

/** Resolves to undefined if the contact is gone, otherwise to the text to show. */
export function deleteContact(environment: IEnvironment, id: string): Promise<string | undefined> {
  return new Promise((resolve, reject) =>
    commitMutation<deleteContactMutation>(environment, {
      mutation: graphql`
        mutation deleteContactMutation($id: ID!) {
          deleteContact(id: $id) {
            __typename
            ... on DeleteContactSuccess { deletedContactId @deleteRecord }
            ... on WethodError { key message }
          }
        }
      `,
      variables: { id },
      onError: reject,
      onCompleted: ({ deleteContact: outcome }) =>
        resolve(outcome?.__typename === "DeleteContactSuccess" ? undefined : (outcome?.message ?? "Unknown.")),
    }),
  );
}
