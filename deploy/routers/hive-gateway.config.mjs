// Hive Gateway before wethod-graphql, as the subgraph `wethod`:
//   hive-gateway supergraph supergraph.graphql --config-path hive-gateway.config.mjs

const SUBGRAPH = 'wethod';

// The caller's own token, company and API version: without them nothing is deleted, and the answer names which is missing.
// Trace and request id tie the router's logs to the gateway's and to Wethod's.
const FORWARDED = ['authorization', 'wethod-company', 'wethod-version', 'traceparent', 'tracestate', 'x-request-id'];

export const gatewayConfig = {
  propagateHeaders: {
    // Only to this subgraph: a Wethod token is nobody else's business.
    fromClientToSubgraphs({ request, subgraphName }) {
      if (subgraphName !== SUBGRAPH) return {};
      const present = FORWARDED.filter((name) => request.headers.has(name));
      return Object.fromEntries(present.map((name) => [name, request.headers.get(name)]));
    },
  },

  // Milliseconds, above WETHOD_TIMEOUT_SECONDS (10): the gateway always answers first, and says whether it sent the delete.
  upstreamTimeout: ({ subgraphName }) => (subgraphName === SUBGRAPH ? 15_000 : undefined),

  // Off: Hive's retry repeats mutations too, and the gateway itself repeats what is safe to repeat.
  upstreamRetry: ({ subgraphName }) =>
    subgraphName === SUBGRAPH ? { maxRetries: 0, shouldRetry: () => false } : undefined,

  // On is the default, and right: outcomes are data. The gateway's own errors are GraphQL errors and pass unmasked.
  maskedErrors: true,
};
