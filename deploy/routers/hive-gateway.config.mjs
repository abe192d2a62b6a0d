// Hive Gateway in front of wethod-graphql, as the subgraph `wethod`:
//   hive-gateway supergraph supergraph.graphql --config-path hive-gateway.config.mjs

const SUBGRAPH = 'wethod';

// The caller's token, company and API version. If token or company is missing, nothing is deleted, and the answer says so.
// Trace and request id connect the router's logs with the gateway's and Wethod's.
const FORWARDED = ['authorization', 'wethod-company', 'wethod-version', 'traceparent', 'tracestate', 'x-request-id'];

export const gatewayConfig = {
  propagateHeaders: {
    // Only this subgraph gets the Wethod token.
    fromClientToSubgraphs({ request, subgraphName }) {
      if (subgraphName !== SUBGRAPH) return {};
      const present = FORWARDED.filter((name) => request.headers.has(name));
      return Object.fromEntries(present.map((name) => [name, request.headers.get(name)]));
    },
  },

  // Milliseconds, above WETHOD_TIMEOUT_SECONDS (10), so that the gateway's answer comes before the timeout.
  upstreamTimeout: ({ subgraphName }) => (subgraphName === SUBGRAPH ? 15_000 : undefined),

  // Off: Hive also retries mutations, and the gateway itself repeats requests that are safe to repeat.
  upstreamRetry: ({ subgraphName }) =>
    subgraphName === SUBGRAPH ? { maxRetries: 0, shouldRetry: () => false } : undefined,

  // On, as by default. Outcomes are data, and the gateway's errors are GraphQL errors; neither is masked.
  maskedErrors: true,
};
