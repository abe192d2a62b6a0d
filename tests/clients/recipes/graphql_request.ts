import { GraphQLClient } from "graphql-request";

import { DeleteContact, explain } from "./contact.js";

export async function deleteContact(url: string, headers: Record<string, string>, id: string): Promise<string> {
  const data = await new GraphQLClient(url, { headers }).request(DeleteContact, { id });
  return explain(data.deleteContact);
}
