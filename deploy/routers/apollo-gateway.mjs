// @apollo/gateway in front of wethod-graphql, as the subgraph `wethod`. Usage, with Apollo Server:
//   const Wethod = wethodDataSource(RemoteGraphQLDataSource);
//   new ApolloGateway({ supergraphSdl, buildService: ({ name, url }) =>
//     name === 'wethod' ? new Wethod({ url }) : new RemoteGraphQLDataSource({ url }) });
//   startStandaloneServer(new ApolloServer({ gateway }), { context });

// The caller's token, company and API version. If token or company is missing, nothing is deleted, and the answer says so.
// Trace and request id connect the router's logs with the gateway's and Wethod's.
const FORWARDED = ['authorization', 'wethod-company', 'wethod-version', 'traceparent', 'tracestate', 'x-request-id'];

// Above WETHOD_TIMEOUT_SECONDS (10), so that the gateway's answer with the outcome comes before the timeout.
const TIMEOUT_MILLISECONDS = 15_000;

// A data source gets the headers of the client's request only through the context.
export const context = async ({ req }) => ({ headers: req.headers });

export const wethodDataSource = (RemoteGraphQLDataSource) =>
  class WethodDataSource extends RemoteGraphQLDataSource {
    // No retry here: the gateway itself repeats requests that are safe to repeat.
    fetcher = (url, init) => fetch(url, { ...init, signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS) });

    willSendRequest({ request, context: { headers = {} } }) {
      for (const name of FORWARDED) {
        if (typeof headers[name] === 'string') request.http.headers.set(name, headers[name]);
      }
    }

    // Pass on errors of a request (a limit, for instance) with the gateway's message and code. The original method shows
    // clients "422: Unprocessable Entity" and this subgraph's address instead.
    async errorFromResponse(response) {
      const error = await super.errorFromResponse(response);
      const [original] = error.extensions.response.body?.errors ?? [];
      if (original) {
        error.message = original.message;
        error.extensions.code = original.extensions?.code;
      }
      delete error.extensions.response;
      return error;
    }
  };
