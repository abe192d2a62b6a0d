import assert from "node:assert/strict";
import { test } from "node:test";

import { ApolloClient, gql, InMemoryCache } from "@apollo/client";

import { deleteContact, deleteContacts, httpLink, makeClient } from "../recipes/apollo.js";
import { DeleteContact } from "../recipes/contact.js";
import { repeatable } from "../recipes/contacts.js";
import { address, HEADERS, later, watch } from "./gateway.js";

const CONTACTS = gql`query Contacts { contacts { id name } }`;
const cached = (client: ApolloClient): string[] => Object.keys(client.extract() as object);
const NAMES = new Map([["1", "Ada"], ["10", "Grace"]]);

test("a deleted contact leaves the cache, and the lists that hold it", async () => {
  const { asked } = watch(NAMES);
  const client = makeClient(httpLink(address("GATEWAY_URL"), HEADERS));
  await client.query({ query: CONTACTS });
  assert.ok(cached(client).includes("Contact:1"));
  assert.equal(await deleteContact(client, "1"), "The contact is gone.");
  assert.ok(!cached(client).includes("Contact:1"));
  assert.deepEqual(client.readQuery({ query: CONTACTS }), {
    contacts: [{ __typename: "Contact", id: "10", name: "Grace" }],
  });
  assert.equal(asked(), 1);
  assert.equal(await deleteContact(client, "1"), "The contact was not there any more.");
});

test("an error is a value, and leaves the cache alone", async () => {
  watch(NAMES);
  const client = makeClient(httpLink(address("GATEWAY_URL"), HEADERS));
  await client.query({ query: CONTACTS });
  assert.match(await deleteContact(client, "10"), /in use/);
  assert.ok(cached(client).includes("Contact:10"));
  assert.match(await deleteContact(client, "x"), /^id: /);
});

test("an error of a later version keeps its message", async () => {
  await later(async (uri) => {
    assert.equal(await deleteContact(makeClient(httpLink(uri, HEADERS)), "1"), "Being edited.");
    // Without the pattern the cache drops what is in `... on WethodError`, which is why the recipe has one.
    const plain = new ApolloClient({ link: httpLink(uri, HEADERS), cache: new InMemoryCache() });
    const { data } = await plain.mutate({ mutation: DeleteContact, variables: { id: "1" }, update: () => undefined });
    assert.deepEqual(data?.deleteContact, { __typename: "WethodConflictError" });
  });
});

test("of many contacts, those that were deleted leave the cache", async () => {
  watch(new Map([["51", "Ada"], ["50", "Grace"]]));
  const client = makeClient(httpLink(address("GATEWAY_URL"), HEADERS));
  await client.query({ query: CONTACTS });
  const entries = await deleteContacts(client, ["51", "50", "x", "51"]);
  assert.deepEqual(
    entries.map(({ id, result }) => [id, result?.__typename]),
    [["51", "DeleteContactSuccess"], ["50", "WethodPreconditionFailedError"], ["x", "WethodValidationError"], ["51", "DeleteContactSuccess"]],
  );
  assert.deepEqual(repeatable(entries), []);
  assert.deepEqual(client.readQuery({ query: CONTACTS }), {
    contacts: [{ __typename: "Contact", id: "50", name: "Grace" }],
  });
  assert.deepEqual(cached(client).filter((key) => key.startsWith("DeleteContactsEntry")), []);
});

test("of many contacts, those that may be sent again are known", async () => {
  const client = makeClient(httpLink(address("SCRIPTED_URL"), HEADERS));
  assert.deepEqual(repeatable(await deleteContacts(client, ["1", "2", "3", "4", "5"])), ["3", "5"]);
});
