import assert from "node:assert/strict";
import { test } from "node:test";

import { CombinedGraphQLErrors, gql } from "@apollo/client";

import { deleteContact, httpLink, makeClient } from "../recipes/apollo.js";
import { automatic, trusted, trustedByName } from "../recipes/apollo_persisted.js";
import { address, HEADERS, type Sent, watch } from "./gateway.js";

const CONTEXT = gql`query Context { wethodContext { company } }`;
const CONTEXT_DATA = { wethodContext: { __typename: "WethodContext", company: "acme" } };

/** What a request consists of. */
const parts = ({ method, query, extensions }: Sent): string[] => [
  method,
  ...(extensions?.persistedQuery ? ["hash"] : []),
  ...(query ? ["text"] : []),
];

test("the text is sent once, the hash from then on, and queries by GET", async () => {
  const { sent } = watch(new Map());
  const client = makeClient(automatic(httpLink(address("GATEWAY_URL"), HEADERS)));
  assert.equal(await deleteContact(client, "2"), "The contact is gone.");
  assert.equal(await deleteContact(client, "3"), "The contact is gone.");
  assert.deepEqual(sent.map(parts), [["POST", "hash"], ["POST", "hash", "text"], ["POST", "hash"]]);
  sent.length = 0;
  for (let i = 0; i < 2; i += 1) {
    const { data } = await client.query({ query: CONTEXT, fetchPolicy: "no-cache" });
    assert.deepEqual(data, CONTEXT_DATA);
  }
  assert.deepEqual(sent.map(parts), [["GET", "hash"], ["POST", "hash", "text"], ["GET", "hash"]]);
});

for (const [manifest, link, url, id] of [
  ["graphql-codegen", trusted, "TRUSTED_URL", "4"],
  ["Apollo", trustedByName, "APOLLO_URL", "11"],
] as const) {
  test(`a trusted document of the manifest of ${manifest} runs by its key alone`, async () => {
    const { sent } = watch(new Map());
    const client = makeClient(link(httpLink(address(url), HEADERS)));
    assert.equal(await deleteContact(client, id), "The contact is gone.");
    assert.match(await deleteContact(client, "10"), /in use/);
    assert.match(await deleteContact(client, "x"), /^id: /); // __typename of the failures is in the manifest
    assert.deepEqual(sent.map(parts), Array(3).fill(["POST", "hash"]));
  });
}

test("where documents are trusted, nothing else runs", async () => {
  for (const link of [trusted, automatic, (http: ReturnType<typeof httpLink>) => http]) {
    const client = makeClient(link(httpLink(address("TRUSTED_URL"), HEADERS)));
    await assert.rejects(client.query({ query: CONTEXT }), (error) => {
      assert.ok(CombinedGraphQLErrors.is(error));
      assert.equal(error.errors[0]?.extensions?.["code"], "PERSISTED_QUERY_NOT_SUPPORTED");
      return true;
    });
  }
});
