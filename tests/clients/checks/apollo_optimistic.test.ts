import assert from "node:assert/strict";
import { test } from "node:test";

import { gql } from "@apollo/client";

import { httpLink, makeClient } from "../recipes/apollo.js";
import { deleteContact } from "../recipes/apollo_optimistic.js";
import { ALL, FATES } from "./fates.js";
import { address, HEADERS, until, watch } from "./gateway.js";

const CONTACTS = gql`query Contacts { contacts { id name } }`;

/** A client whose page shows the list, and every list that the page showed, one after the other. */
async function shown(uri: string) {
  const names = new Map(ALL.map((id) => [id, `Contact ${id}`]));
  const { asked } = watch(names);
  const client = makeClient(httpLink(uri, HEADERS));
  const lists: string[] = [];
  client.watchQuery<{ contacts: { id: string }[] }>({ query: CONTACTS }).subscribe(({ data, dataState }) => {
    if (dataState !== "complete") return;
    const list = data.contacts.map(({ id }) => id).join("");
    if (list !== lists.at(-1)) lists.push(list);
  });
  await until(() => lists.length > 0);
  return { client, names, lists, asked };
}

for (const [what, { id, row, message }] of Object.entries(FATES)) {
  test(`Wethod ${what}`, async () => {
    const { client, names, lists, asked } = await shown(address("SCRIPTED_URL"));
    const without = ALL.filter((other) => other !== id).join("");
    if (row === "reload") names.delete(id); // somebody else deleted it since the list was loaded
    const result = await deleteContact(client, id);
    assert.equal(result.row, row);
    assert.match(result.message, message);
    assert.deepEqual(lists.slice(0, 2), [ALL.join(""), without]); // it left the list before the answer
    const end = row === "gone" || row === "reload" ? without : ALL.join("");
    await until(() => asked() === (row === "reload" ? 2 : 1) && lists.at(-1) === end);
    if (row !== "uncertain") return;
    assert.equal((await deleteContact(client, id)).row, "uncertain"); // "Repeat" does no harm
    assert.equal(lists.at(-1), end);
  });
}

test("a request that the gateway refuses rolls back and says why", async () => {
  const { client, lists } = await shown(address("SCRIPTED_URL"));
  const result = await deleteContact(client, "1".repeat(70_000));
  assert.equal(result.row, "restored");
  assert.match(result.message, /longer than/);
  assert.equal(lists.at(-1), ALL.join(""));
});

test("an answer that is lost on its way to this client is as uncertain", async () => {
  const { client, lists } = await shown("http://127.0.0.1:1/graphql");
  assert.equal((await deleteContact(client, "1")).row, "uncertain");
  assert.equal(lists.at(-1), ALL.join(""));
});
