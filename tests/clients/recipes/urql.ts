import { Client, fetchExchange } from "@urql/core";
import { cacheExchange } from "@urql/exchange-graphcache";

import type { DeleteContactMutation, DeleteContactsMutation } from "../gql/graphql.js";
import introspection from "../schema.json" with { type: "json" }; // wethod-graphql schema --api --json > schema.json
import { DeleteContact, explain } from "./contact.js";
import { DeleteContacts, type Entries } from "./contacts.js";

// Graphcache must know the types that are a WethodError. Its option `schema` throws at types of later versions.
export const possibleTypes = Object.fromEntries(
  introspection.__schema.types.map(({ name, possibleTypes }) => [name, possibleTypes?.map((type) => type.name) ?? []]),
);

// They need no key. An entry is part of an answer, though it has the id of a contact.
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
  return data?.deleteContacts ?? []; // null only if the gateway itself failed
}
