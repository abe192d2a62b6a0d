import assert from "node:assert/strict";
import { test } from "node:test";

import { Client, fetchExchange, gql } from "@urql/core";
import { persistedExchange } from "@urql/exchange-persisted";
import type { DocumentNode } from "graphql";

import { DeleteContact, explain } from "../recipes/contact.js";
import { deleteContact, deleteContacts, makeClient } from "../recipes/urql.js";
import { address, HEADERS, later, watch } from "./gateway.js";

const CONTACTS = gql`query Contacts { contacts { id name } }`;

test("a deleted contact leaves the cache, and lists that held it are loaded again", async () => {
  const names = new Map([["5", "Ada"], ["20", "Grace"]]);
  const { asked } = watch(names);
  const client = makeClient(address("GATEWAY_URL"), HEADERS);
  const list = async () => (await client.query(CONTACTS, {})).data?.contacts.map(({ name }: { name: string }) => name);
  assert.deepEqual([await list(), await list(), asked()], [["Ada", "Grace"], ["Ada", "Grace"], 1]);
  assert.match(await deleteContact(client, "20"), /in use/);
  assert.deepEqual([await list(), asked()], [["Ada", "Grace"], 1]);
  names.delete("5");
  assert.equal(await deleteContact(client, "5"), "The contact is gone.");
  assert.deepEqual([await list(), asked()], [["Grace"], 2]);
  assert.equal(await deleteContact(client, "5"), "The contact was not there any more.");
});

test("an error of a later version is taken for no success", async () => {
  await later(async (url) => assert.match(await deleteContact(makeClient(url, HEADERS), "1"), /is not known here/));
});

test("persisted documents, automatic and trusted", async () => {
  const { sent } = watch(new Map());
  // A text that no other client has sent yet.
  const automatic = gql`mutation ByUrql($id: ID!) { deleteContact(id: $id) { __typename } }`;
  const client = (url: string, options: Parameters<typeof persistedExchange>[0]) =>
    new Client({
      url,
      fetchOptions: { headers: HEADERS },
      exchanges: [persistedExchange({ enableForMutation: true, ...options }), fetchExchange],
    });
  const first = await client(address("GATEWAY_URL"), {}).mutation(automatic, { id: "6" });
  assert.equal(first.data.deleteContact.__typename, "DeleteContactSuccess");
  assert.deepEqual(sent.map(({ query }) => Boolean(query)), [false, true]);

  sent.length = 0;
  const generateHash = async (_: string, document: DocumentNode & { __meta__?: { hash: string } }) =>
    document.__meta__?.hash;
  const trusted = client(address("TRUSTED_URL"), { enforcePersistedQueries: true, generateHash });
  const second = await trusted.mutation(DeleteContact, { id: "7" });
  assert.equal(explain(second.data?.deleteContact), "The contact is gone.");
  assert.deepEqual(sent.map(({ query }) => Boolean(query)), [false]);
  const { error } = await trusted.mutation(automatic, { id: "9" });
  assert.equal(error?.graphQLErrors[0]?.extensions["code"], "PERSISTED_QUERY_NOT_SUPPORTED");
});

test("of many contacts, lists that held one that was deleted are loaded again", async () => {
  const names = new Map([["52", "Ada"], ["60", "Grace"]]);
  const { asked } = watch(names);
  const client = makeClient(address("GATEWAY_URL"), HEADERS);
  const list = async () => (await client.query(CONTACTS, {})).data?.contacts.map(({ name }: { name: string }) => name);
  assert.deepEqual([await list(), asked()], [["Ada", "Grace"], 1]);
  names.delete("52");
  const entries = await deleteContacts(client, ["60", "52"]);
  assert.deepEqual(
    entries.map(({ id, result }) => [id, result?.__typename]),
    [["60", "WethodPreconditionFailedError"], ["52", "DeleteContactSuccess"]],
  );
  assert.deepEqual([await list(), asked()], [["Grace"], 2]);
});
