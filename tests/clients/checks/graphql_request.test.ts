import assert from "node:assert/strict";
import { test } from "node:test";

import { ClientError, GraphQLClient } from "graphql-request";

import { DeleteContact } from "../recipes/contact.js";
import { deleteContact } from "../recipes/graphql_request.js";
import { address, HEADERS, later } from "./gateway.js";

test("every outcome is a value", async () => {
  const url = address("GATEWAY_URL");
  assert.equal(await deleteContact(url, HEADERS, "8"), "The contact is gone.");
  assert.equal(await deleteContact(url, HEADERS, "8"), "The contact was not there any more.");
  assert.match(await deleteContact(url, HEADERS, "30"), /in use/);
  assert.match(await deleteContact(url, { ...HEADERS, Authorization: "Bearer demo-viewer" }, "9"), /crm\.edit/);
  assert.match(await deleteContact(url, { "Wethod-Company": "acme" }, "9"), /Authorization/);
  await later(async (later) => assert.equal(await deleteContact(later, HEADERS, "1"), "Being edited."));
});

test("a request that is no request is an exception", async () => {
  const client = new GraphQLClient(address("GATEWAY_URL"), { headers: HEADERS });
  await assert.rejects(client.request(DeleteContact, {} as { id: string }), (error) => {
    assert.ok(error instanceof ClientError);
    assert.equal(error.response.status, 422);
    assert.equal(error.response.errors?.[0]?.extensions?.["code"], "BAD_USER_INPUT");
    return true;
  });
});
