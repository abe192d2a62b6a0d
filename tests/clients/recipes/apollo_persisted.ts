import { createHash } from "node:crypto"; // in a browser: crypto.subtle

import { ApolloLink } from "@apollo/client";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { generatePersistedQueryIdsFromManifest } from "@apollo/persisted-query-lists";
import type { DocumentNode } from "graphql";

import manifest from "../persisted-query-manifest.json" with { type: "json" };

/** Automatic persisted queries: the hash, and the text with it once. */
export const automatic = (http: ApolloLink): ApolloLink =>
  new PersistedQueryLink({
    sha256: (text) => createHash("sha256").update(text).digest("hex"),
    useGETForHashedQueries: true,
  }).concat(http);

/** Trusted documents: the key that graphql-codegen wrote into gql/persisted-documents.json, and never the text. */
export const trusted = (http: ApolloLink): ApolloLink =>
  new PersistedQueryLink({
    generateHash: (document: DocumentNode & { __meta__?: { hash: string } }) => document.__meta__?.hash ?? "",
    retry: () => false,
  }).concat(http);

/** The same with the manifest that generate-persisted-query-manifest writes, by operation name. */
export const trustedByName = (http: ApolloLink): ApolloLink =>
  new PersistedQueryLink({
    ...generatePersistedQueryIdsFromManifest({ loadManifest: () => manifest }),
    retry: () => false,
  }).concat(http);
