import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";

import type { IEnvironment } from "relay-runtime";

import { deleteContact, makeEnvironment } from "./deleteContact";
import { deleteContacts } from "./deleteContacts";

const HEADERS = { Authorization: "Bearer demo-editor", "Wethod-Company": "acme" };
const URL = process.env["RELAY_URL"]!;

/** Put contacts into the store, as a query of a supergraph would. */
function remember(environment: IEnvironment, ...ids: string[]): void {
  environment.commitUpdate((store) => {
    const contacts = ids.map((id) => {
      const contact = store.create(id, "Contact");
      contact.setValue(id, "id");
      return contact;
    });
    store.getRoot().setLinkedRecords(contacts, "contacts");
  });
}

/** The contacts that the store's list holds. */
function listed(environment: IEnvironment): unknown[] {
  let ids: unknown[] = [];
  environment.commitUpdate((store) => {
    ids = store.getRoot().getLinkedRecords("contacts")?.flatMap((contact) => (contact ? [contact.getValue("id")] : [])) ?? [];
  });
  return ids;
}

test("a deleted contact leaves the store, and the lists that hold it", async () => {
  const environment = makeEnvironment(URL, HEADERS);
  remember(environment, process.env["CONTACT_ID"]!, "40");
  assert.equal(await deleteContact(environment, process.env["CONTACT_ID"]!), undefined);
  assert.equal(environment.getStore().getSource().getStatus(process.env["CONTACT_ID"]!), "NONEXISTENT");
  assert.deepEqual(listed(environment), ["40"]);
});

test("an error is a value, and leaves the store alone", async () => {
  const environment = makeEnvironment(URL, HEADERS);
  remember(environment, "40");
  assert.match((await deleteContact(environment, "40"))!, /in use/);
  assert.equal(environment.getStore().getSource().getStatus("40"), "EXISTENT");
  assert.deepEqual(listed(environment), ["40"]);
});

test("of many contacts, those that were deleted leave the store, and the others stay contacts", async () => {
  const environment = makeEnvironment(URL, HEADERS);
  const other = String(Number(process.env["CONTACT_ID"]) + 20);
  remember(environment, other, "70", "40");
  const rest = await deleteContacts(environment, [other, "70", "x"]);
  assert.deepEqual([...rest.keys()], ["70", "x"]);
  assert.match(rest.get("70")!, /in use/);
  assert.deepEqual(listed(environment), ["70", "40"]);
  assert.equal(environment.getStore().getSource().get("70")?.["__typename"], "Contact");
});
