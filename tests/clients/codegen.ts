import type { CodegenConfig } from "@graphql-codegen/cli";
import { addTypenameSelectionDocumentTransform } from "@graphql-codegen/client-preset";

export default {
  schema: "schema.graphql", // wethod-graphql schema --api > schema.graphql
  documents: "recipes/*.ts",
  importExtension: ".js",
  generates: {
    "gql/": {
      preset: "client",
      presetConfig: { fragmentMasking: false, persistedDocuments: { hashAlgorithm: "sha256" } },
      config: {
        strictScalars: true,
        scalars: { ID: "string" }, // a number of JavaScript would lose digits of a long id
        useTypeImports: true,
      },
      // What caches add to a document anyway: with it the manifest holds what they expect back.
      documentTransforms: [addTypenameSelectionDocumentTransform],
    },
  },
} satisfies CodegenConfig;
