// Composes each case with each composer. Standard input: {case: [{name, url, sdl}]}; standard output:
// {case: {composer: {errors: [[code, message]], hints: [text], supergraph, mutations: [name]}}}.
import { readFileSync } from 'node:fs';
import { composeServices as composeApollo } from '@apollo/composition';
import { composeServices as composeGuild } from '@theguild/federation-composition';
import { federateSubgraphs } from '@wundergraph/composition';
import { composeServices as composeApollo24 } from 'apollo-composition-2.4';
import { composeServices as composeApollo27 } from 'apollo-composition-2.7';
import { parse, print } from 'graphql';

function mutations(document) {
  const type = document.definitions.find(({ kind, name }) => kind === 'ObjectTypeDefinition' && name.value === 'Mutation');
  return type ? type.fields.map(({ name }) => name.value) : [];
}

function federation(compose) {
  return (subgraphs) => {
    const { errors = [], hints = [], supergraphSdl = '' } = compose(
      subgraphs.map(({ name, url, sdl }) => ({ name, url, typeDefs: parse(sdl) })),
    );
    return {
      errors: errors.map(({ message, extensions }) => [extensions.code, message]),
      hints: hints.map((hint) => `${hint.definition.code}: ${hint.message}`),
      supergraph: supergraphSdl,
      mutations: supergraphSdl ? mutations(parse(supergraphSdl)) : [],
    };
  };
}

function cosmo(subgraphs) {
  const result = federateSubgraphs({
    subgraphs: subgraphs.map(({ name, url, sdl }) => ({ name, url, definitions: parse(sdl) })),
  });
  return {
    errors: result.success ? [] : result.errors.map(({ message }) => ['', message]), // Cosmo's have no codes
    hints: result.warnings.map(({ message }) => message),
    supergraph: result.success ? print(result.federatedGraphAST) : '',
    mutations: result.success ? mutations(result.federatedGraphAST) : [],
  };
}

const composers = {
  '@apollo/composition': federation(composeApollo),
  '@apollo/composition 2.4': federation(composeApollo24),
  '@apollo/composition 2.7': federation(composeApollo27),
  '@theguild/federation-composition': federation(composeGuild),
  '@wundergraph/composition': cosmo,
};
const cases = JSON.parse(readFileSync(0, 'utf8'));
const results = Object.fromEntries(
  Object.entries(cases).map(([name, subgraphs]) => [
    name,
    Object.fromEntries(Object.entries(composers).map(([composer, compose]) => [composer, compose(subgraphs)])),
  ]),
);
process.stdout.write(JSON.stringify(results));
