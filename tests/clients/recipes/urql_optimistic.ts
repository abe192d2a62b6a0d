import { Client, fetchExchange } from "@urql/core";
import { type Cache, cacheExchange } from "@urql/exchange-graphcache";

import type { DeleteContactMutation } from "../gql/graphql.js";
import { DeleteContact, explain } from "./contact.js";
import { decide, fromErrors, LOST, type Shown } from "./optimistic.js";
import { keys, possibleTypes } from "./urql.js";

/** Removes the contact from the list. `invalidate` would reload the list, which still contains the contact. */
function unlist(cache: Cache, id: string): void {
  const contact = cache.keyOfEntity({ __typename: "Contact", id });
  const listed = cache.resolve("Query", "contacts") as string[] | undefined;
  if (listed) cache.link("Query", "contacts", listed.filter((key) => key !== contact));
}

export function makeClient(url: string, headers: Record<string, string>): Client {
  return new Client({
    url,
    fetchOptions: { headers },
    exchanges: [
      cacheExchange({
        possibleTypes,
        keys,
        optimistic: {
          deleteContact: ({ id }) => ({
            __typename: "DeleteContactSuccess",
            message: "",
            contact: { __typename: "Contact", id: id as string },
          }),
        },
        updates: {
          Mutation: {
            // Runs twice: for the optimistic result, which Graphcache rolls back later, and for the answer.
            deleteContact(result, { id }, cache) {
              const row = decide((result as DeleteContactMutation).deleteContact?.__typename);
              if (row === "gone") unlist(cache, id as string);
              if (row === "reload") cache.invalidate("Query", "contacts");
            },
          },
        },
      }),
      fetchExchange,
    ],
  });
}

export async function deleteContact(client: Client, id: string): Promise<Shown> {
  const { data, error } = await client.mutation(DeleteContact, { id });
  if (error?.graphQLErrors.length && !data) return fromErrors(error.graphQLErrors);
  const outcome = data?.deleteContact;
  return outcome ? { row: decide(outcome.__typename), message: explain(outcome) } : LOST;
}
