import { Client, fetchExchange } from "@urql/core";
import { cacheExchange } from "@urql/exchange-graphcache";

import type { DeleteContactMutation, DeleteContactsMutation } from "../gql/graphql.js";
import introspection from "../schema.json" with { type: "json" }; // wethod-graphql schema --api --json > schema.json
import { DeleteContact, explain } from "./contact.js";
import { DeleteContacts, type Entries } from "./contacts.js";

// Graphcache must know the types that implement WethodError. Its option `schema` throws on types of later versions.
export const possibleTypes = Object.fromEntries(
  introspection.__schema.types.map(({ name, possibleTypes }) => [name, possibleTypes?.map((type) => type.name) ?? []]),
);

// These types need no key. An entry has the id of a contact, but it is not that contact.
export const keys = { DeleteContactSuccess: () => null, DeleteContactsEntry: () => null, WethodFailure: () => null };

export function makeClient(url: string, headers: Record<string, string>): Client {
  return new Client({
    url,
    fetchOptions: { headers },
    exchanges: [
      cacheExchange({
        possibleTypes,
        keys,
        updates: {
          Mutation: {
            deleteContact(result, _args, cache) {
              const { deleteContact: outcome } = result as DeleteContactMutation;
              if (outcome?.__typename === "DeleteContactSuccess" && outcome.contact) cache.invalidate(outcome.contact);
            },
            deleteContacts(result, _args, cache) {
              for (const { result: outcome } of (result as DeleteContactsMutation).deleteContacts ?? []) {
                if (outcome?.__typename === "DeleteContactSuccess" && outcome.contact) cache.invalidate(outcome.contact);
              }
            },
          },
        },
      }),
      fetchExchange,
    ],
  });
}

export async function deleteContact(client: Client, id: string): Promise<string> {
  const { data, error } = await client.mutation(DeleteContact, { id });
  if (error) throw error;
  return explain(data?.deleteContact);
}

export async function deleteContacts(client: Client, ids: string[]): Promise<Entries> {
  const { data, error } = await client.mutation(DeleteContacts, { ids });
  if (error) throw error;
  return data?.deleteContacts ?? []; // null only after a bug of the gateway
}
