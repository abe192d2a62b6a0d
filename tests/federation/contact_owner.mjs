// The neighbour that owns Contact. It still knows contact 1, and answers null for every other.
// Arguments: port.
import { readFileSync } from 'node:fs';
import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { parse } from 'graphql';

const contacts = { 1: { id: '1', name: 'Ada', email: 'ada@example.com', telephone: '1' } };
const schema = buildSubgraphSchema({
  typeDefs: parse(readFileSync(new URL('neighbours/contact_owner.graphql', import.meta.url), 'utf8')),
  resolvers: {
    Query: { contact: (_, { id }) => contacts[id] ?? null },
    Contact: { __resolveReference: ({ id }) => contacts[id] ?? null },
  },
});
// Node closes an idle connection after five seconds, perhaps at the moment in which a router uses it again.
const closing = {
  requestDidStart: async () => ({
    willSendResponse: async ({ response }) => {
      response.http.headers.set('connection', 'close');
    },
  }),
};
await startStandaloneServer(new ApolloServer({ schema, plugins: [closing] }), {
  listen: { host: '127.0.0.1', port: Number(process.argv[2]) },
});
