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
        scalars: { ID: "string" }, // a JavaScript number loses digits of a long id
        useTypeImports: true,
      },
      // Adds `__typename`, as caches do, so that the manifest contains the documents that they send.
      documentTransforms: [addTypenameSelectionDocumentTransform],
    },
  },
} satisfies CodegenConfig;
