/** The gateway under test, what a request to it carries, and what stands beside it in a real supergraph. */

import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

export const HEADERS = { Authorization: "Bearer demo-editor", "Wethod-Company": "acme" };

/** An address that pytest hands over. */
export function address(name: "GATEWAY_URL" | "TRUSTED_URL" | "APOLLO_URL" | "SCRIPTED_URL"): string {
  const url = process.env[name];
  if (!url) throw new Error(`${name} is not set: run these tests by pytest`);
  return url;
}

/** Waits until something holds, at most 5 seconds. */
export async function until(holds: () => boolean): Promise<void> {
  for (const end = Date.now() + 5_000; !holds(); await new Promise(setImmediate)) {
    if (Date.now() > end) throw new Error(`not within 5 s: ${holds}`);
  }
}

export type Sent = { method: string; query?: string; extensions?: { persistedQuery?: { sha256Hash: string } } };

/** Notes what `fetch` sends from here on, and answers `query Contacts` as the subgraph that owns them would. */
export function watch(names: Map<string, string>): { sent: Sent[]; asked: () => number } {
  const sent: Sent[] = [];
  const real = globalThis.fetch;
  let asked = 0;
  globalThis.fetch = async (input, init = {}) => {
    const { query: text, extensions = "{}" } = Object.fromEntries(new URL(String(input)).searchParams);
    const body = init.body ? JSON.parse(String(init.body)) : { query: text, extensions: JSON.parse(extensions) };
    const query = body.query as string | undefined;
    if (query?.includes("query Contacts")) {
      asked += 1;
      const contacts = [...names].map(([id, name]) => ({ __typename: "Contact", id, name }));
      return Response.json({ data: { __typename: "Query", contacts } });
    }
    sent.push({ ...body, method: init.method ?? "GET" });
    return real(input, init);
  };
  return { sent, asked: () => asked };
}

/** A gateway of a later version: it has an error that this version's clients have never heard of. */
export function later<T>(use: (url: string) => Promise<T>): Promise<T> {
  const outcome = { __typename: "WethodConflictError", __isWethodError: "WethodConflictError" };
  const deleteContact = { ...outcome, key: "conflict", message: "Being edited." };
  return serve(200, { data: { __typename: "Mutation", deleteContact } }, use);
}

/** A gateway with a bug, which may have sent the delete. */
export function broken<T>(use: (url: string) => Promise<T>): Promise<T> {
  const error = { message: "Internal server error.", extensions: { code: "INTERNAL_SERVER_ERROR" } };
  return serve(500, { errors: [error] }, use);
}

async function serve<T>(status: number, answer: unknown, use: (url: string) => Promise<T>): Promise<T> {
  const server = createServer(async (request: IncomingMessage, response) => {
    await text(request);
    response.writeHead(status, { "Content-Type": "application/graphql-response+json" });
    response.end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
