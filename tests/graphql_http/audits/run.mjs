// Runs the public GraphQL-over-HTTP audits against the endpoint of argv and prints one JSON line for each.
import { serverAudits } from "graphql-http";

const [url] = process.argv.slice(2);
for (const audit of serverAudits({ url, fetchFn: fetch })) {
  const result = await audit.fn();
  const reason = result.status === "ok" ? null : String(result.reason);
  const http = result.response?.status ?? null;
  console.log(JSON.stringify({ id: audit.id, name: audit.name, status: result.status, reason, http }));
}
