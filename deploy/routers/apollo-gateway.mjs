// @apollo/gateway before wethod-graphql, as the subgraph `wethod`. Usage, with Apollo Server:
//   const Wethod = wethodDataSource(RemoteGraphQLDataSource);
//   new ApolloGateway({ supergraphSdl, buildService: ({ name, url }) =>
//     name === 'wethod' ? new Wethod({ url }) : new RemoteGraphQLDataSource({ url }) });
//   startStandaloneServer(new ApolloServer({ gateway }), { context });

// The caller's own token, company and API version: without them nothing is deleted, and the answer names which is missing.
// Trace and request id tie the router's logs to the gateway's and to Wethod's.
const FORWARDED = ['authorization', 'wethod-company', 'wethod-version', 'traceparent', 'tracestate', 'x-request-id'];

// Above WETHOD_TIMEOUT_SECONDS (10): the gateway always answers first, and says whether the delete was sent.
const TIMEOUT_MILLISECONDS = 15_000;

// What a data source knows of the client's request is what the context holds.
export const context = async ({ req }) => ({ headers: req.headers });

export const wethodDataSource = (RemoteGraphQLDataSource) =>
  class WethodDataSource extends RemoteGraphQLDataSource {
    // One request, one delete: no retry here, since the gateway repeats what is safe to repeat.
    fetcher = (url, init) => fetch(url, { ...init, signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS) });

    willSendRequest({ request, context: { headers = {} } }) {
      for (const name of FORWARDED) {
        if (typeof headers[name] === 'string') request.http.headers.set(name, headers[name]);
      }
    }

    // What is wrong with a request (a limit, say) in the gateway's words and by its code. The original would say
    // "422: Unprocessable Entity" instead, and tell clients this subgraph's address.
    async errorFromResponse(response) {
      const error = await super.errorFromResponse(response);
      const [told] = error.extensions.response.body?.errors ?? [];
      if (told) {
        error.message = told.message;
        error.extensions.code = told.extensions?.code;
      }
      delete error.extensions.response;
      return error;
    }
  };
