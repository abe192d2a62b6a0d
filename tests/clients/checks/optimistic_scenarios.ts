/** The tests of an optimistic delete: the same for every client whose page watches a list of contacts. */

import assert from "node:assert/strict";
import { test } from "node:test";

import type { Shown } from "../recipes/optimistic.js";
import { ALL, FATES } from "./fates.js";
import { address, broken, HEADERS, until, watch } from "./gateway.js";

/** A client and its recipe. `showContacts` calls `show` with the ids of each list that the page receives. */
export type Recipe<Client> = {
  makeClient: (url: string, headers: Record<string, string>) => Client;
  showContacts: (client: Client, show: (ids: string[]) => void) => void;
  deleteContact: (client: Client, id: string) => Promise<Shown>;
};

/** Declares the tests of one client. */
export function testOptimisticDeletes<Client>({ makeClient, showContacts, deleteContact }: Recipe<Client>): void {
  /** A client whose page shows the list, and every list that the page showed, in order. */
  async function open(url: string) {
    const names = new Map(ALL.map((id) => [id, `Contact ${id}`]));
    const { asked } = watch(names);
    const client = makeClient(url, HEADERS);
    const lists: string[] = [];
    showContacts(client, (ids) => {
      const list = ids.join("");
      if (list !== lists.at(-1)) lists.push(list);
    });
    await until(() => lists.length > 0);
    return { client, names, lists, asked };
  }

  for (const [what, { id, row, message }] of Object.entries(FATES)) {
    test(`Wethod ${what}`, async () => {
      const { client, names, lists, asked } = await open(address("SCRIPTED_URL"));
      const without = ALL.filter((other) => other !== id).join("");
      if (row === "reload") names.delete(id); // another user deleted it after the list was loaded
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
    const { client, lists } = await open(address("SCRIPTED_URL"));
    const result = await deleteContact(client, "1".repeat(70_000));
    assert.equal(result.row, "restored");
    assert.match(result.message, /longer than/);
    assert.equal(lists.at(-1), ALL.join(""));
  });

  test("a bug of the gateway is uncertain: it may have sent the delete", () =>
    broken(async (url) => {
      const { client, lists } = await open(url);
      assert.equal((await deleteContact(client, "1")).row, "uncertain");
      assert.equal(lists.at(-1), ALL.join(""));
    }));

  test("an answer that is lost on its way to this client is uncertain too", async () => {
    const { client, lists } = await open("http://127.0.0.1:1/graphql");
    assert.equal((await deleteContact(client, "1")).row, "uncertain");
    assert.equal(lists.at(-1), ALL.join(""));
  });
}
