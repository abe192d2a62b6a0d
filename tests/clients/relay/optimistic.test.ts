import assert from "node:assert/strict";
import { test } from "node:test";

import type { IEnvironment } from "relay-runtime";

import { ALL, FATES } from "../checks/fates.js";
import { broken } from "../checks/gateway.js";
import { makeEnvironment } from "./deleteContact";
import { deleteContact } from "./deleteOptimistically";

const HEADERS = { Authorization: "Bearer demo-editor", "Wethod-Company": "acme" };
const URL = process.env["SCRIPTED_URL"]!;

/** A store that holds all contacts. */
function filled(url: string): IEnvironment {
  const environment = makeEnvironment(url, HEADERS);
  environment.commitUpdate((store) => ALL.forEach((id) => store.create(id, "Contact").setValue(id, "id")));
  return environment;
}

/** The contacts that the store holds. */
const held = (environment: IEnvironment): string[] =>
  ALL.filter((id) => environment.getStore().getSource().getStatus(id) === "EXISTENT");

for (const [what, { id, row, message }] of Object.entries(FATES)) {
  test(`Wethod ${what}`, async () => {
    const environment = filled(URL);
    const without = ALL.filter((other) => other !== id);
    let reloads = 0;
    const deleting = deleteContact(environment, id, () => (reloads += 1));
    assert.deepEqual(held(environment), without); // before the answer
    const result = await deleting;
    assert.equal(result.row, row);
    assert.match(result.message, message);
    assert.deepEqual(held(environment), row === "gone" ? without : ALL);
    assert.equal(reloads, row === "reload" ? 1 : 0);
    if (row !== "uncertain") return;
    const repeated = await deleteContact(environment, id, () => (reloads += 1)); // "Repeat" does no harm
    assert.equal(repeated.row, "uncertain");
    assert.deepEqual(held(environment), ALL);
  });
}

test("a request that the gateway refuses rolls back and says why", async () => {
  const environment = filled(URL);
  const result = await deleteContact(environment, "1".repeat(70_000), assert.fail);
  assert.equal(result.row, "restored");
  assert.match(result.message, /longer than/);
  assert.deepEqual(held(environment), ALL);
});

test("a bug of the gateway is uncertain: it may have sent the delete", () =>
  broken(async (url) => {
    const environment = filled(url);
    assert.equal((await deleteContact(environment, "1", assert.fail)).row, "uncertain");
    assert.deepEqual(held(environment), ALL);
  }));

test("an answer that is lost on its way to this client is as uncertain", async () => {
  const environment = filled("http://127.0.0.1:1/graphql");
  assert.equal((await deleteContact(environment, "1", assert.fail)).row, "uncertain");
  assert.deepEqual(held(environment), ALL);
});
