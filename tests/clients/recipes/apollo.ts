import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from "@apollo/client";

import { DeleteContact, explain } from "./contact.js";
import { DeleteContacts, type Entries } from "./contacts.js";

export function makeClient(link: ApolloLink): ApolloClient {
  return new ApolloClient({
    link,
    cache: new InMemoryCache({
      // A pattern: it also matches errors of later versions.
      possibleTypes: { WethodError: ["Wethod\\w+Error"] },
      // An entry has the id of a contact, but it is not that contact. It needs no key.
      typePolicies: { DeleteContactsEntry: { keyFields: false } },
    }),
  });
}

export const httpLink = (uri: string, headers: Record<string, string>): ApolloLink => new HttpLink({ uri, headers });

/** `useMutation` takes the same options. */
export async function deleteContact(client: ApolloClient, id: string): Promise<string> {
  const { data } = await client.mutate({
    mutation: DeleteContact,
    variables: { id },
    update(cache, { data }) {
      const outcome = data?.deleteContact;
      if (outcome?.__typename === "DeleteContactSuccess" && outcome.contact) {
        cache.evict({ id: cache.identify(outcome.contact) });
        cache.gc();
      }
    },
  });
  return explain(data?.deleteContact);
}

export async function deleteContacts(client: ApolloClient, ids: string[]): Promise<Entries> {
  const { data } = await client.mutate({
    mutation: DeleteContacts,
    variables: { ids },
    update(cache, { data }) {
      for (const { result } of data?.deleteContacts ?? []) {
        if (result?.__typename === "DeleteContactSuccess" && result.contact) {
          cache.evict({ id: cache.identify(result.contact) });
        }
      }
      cache.gc();
    },
  });
  return data?.deleteContacts ?? []; // null only after a bug of the gateway
}
