// @apollo/gateway in Apollo Server, wired as deploy/routers/apollo-gateway.mjs says.
// Arguments: supergraph file, port.
import { readFileSync } from 'node:fs';
import { ApolloGateway, RemoteGraphQLDataSource } from '@apollo/gateway';
import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { context, wethodDataSource } from '../../deploy/routers/apollo-gateway.mjs';

const WethodDataSource = wethodDataSource(RemoteGraphQLDataSource);
const gateway = new ApolloGateway({
  supergraphSdl: readFileSync(process.argv[2], 'utf8'),
  buildService: ({ name, url }) =>
    name === 'wethod' ? new WethodDataSource({ url }) : new RemoteGraphQLDataSource({ url }),
});
await startStandaloneServer(new ApolloServer({ gateway }), {
  context,
  listen: { host: '127.0.0.1', port: Number(process.argv[3]) },
});
