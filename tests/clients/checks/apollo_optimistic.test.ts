import { gql } from "@apollo/client";

import { httpLink, makeClient } from "../recipes/apollo.js";
import { deleteContact } from "../recipes/apollo_optimistic.js";
import { testOptimisticDeletes } from "./optimistic_scenarios.js";

const CONTACTS = gql`query Contacts { contacts { id name } }`;

testOptimisticDeletes({
  makeClient: (url, headers) => makeClient(httpLink(url, headers)),
  showContacts: (client, show) => {
    client.watchQuery<{ contacts: { id: string }[] }>({ query: CONTACTS }).subscribe(({ data, dataState }) => {
      if (dataState === "complete") show(data.contacts.map(({ id }) => id));
    });
  },
  deleteContact,
});
