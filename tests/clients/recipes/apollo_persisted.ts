import { createHash } from "node:crypto"; // in a browser: crypto.subtle

import { ApolloLink } from "@apollo/client";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { generatePersistedQueryIdsFromManifest } from "@apollo/persisted-query-lists";
import type { DocumentNode } from "graphql";

import manifest from "../persisted-query-manifest.json" with { type: "json" };

/** Automatic persisted queries: sends the hash, and once also the text. */
export const automatic = (http: ApolloLink): ApolloLink =>
  new PersistedQueryLink({
    sha256: (text) => createHash("sha256").update(text).digest("hex"),
    useGETForHashedQueries: true,
  }).concat(http);

/** Trusted documents: sends only the key that graphql-codegen wrote into gql/persisted-documents.json. */
export const trusted = (http: ApolloLink): ApolloLink =>
  new PersistedQueryLink({
    generateHash: (document: DocumentNode & { __meta__?: { hash: string } }) => document.__meta__?.hash ?? "",
    retry: () => false,
  }).concat(http);

/** Trusted documents with the manifest of generate-persisted-query-manifest: looks up the key by operation name. */
export const trustedByName = (http: ApolloLink): ApolloLink =>
  new PersistedQueryLink({
    ...generatePersistedQueryIdsFromManifest({ loadManifest: () => manifest }),
    retry: () => false,
  }).concat(http);
