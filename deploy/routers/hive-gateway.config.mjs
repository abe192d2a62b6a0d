// Hive Gateway before wethod-graphql, as the subgraph `wethod`:
//   hive-gateway supergraph supergraph.graphql --config-path hive-gateway.config.mjs

const SUBGRAPH = 'wethod';

// The caller's own token, company and API version: without them nothing is deleted, and the answer names the missing one.
// Trace and request id connect the router's logs with the gateway's and Wethod's.
const FORWARDED = ['authorization', 'wethod-company', 'wethod-version', 'traceparent', 'tracestate', 'x-request-id'];

export const gatewayConfig = {
  propagateHeaders: {
    // Only to this subgraph: no other gets the Wethod token.
    fromClientToSubgraphs({ request, subgraphName }) {
      if (subgraphName !== SUBGRAPH) return {};
      const present = FORWARDED.filter((name) => request.headers.has(name));
      return Object.fromEntries(present.map((name) => [name, request.headers.get(name)]));
    },
  },

  // Milliseconds, above WETHOD_TIMEOUT_SECONDS (10): the gateway always answers first, with the outcome of the delete.
  upstreamTimeout: ({ subgraphName }) => (subgraphName === SUBGRAPH ? 15_000 : undefined),

  // Off: Hive's retry repeats mutations too, and the gateway repeats what is safe to repeat.
  upstreamRetry: ({ subgraphName }) =>
    subgraphName === SUBGRAPH ? { maxRetries: 0, shouldRetry: () => false } : undefined,

  // On, as by default: outcomes are data. The gateway's own errors are GraphQL errors, which are not masked.
  maskedErrors: true,
};
