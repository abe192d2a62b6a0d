import { gql } from "@urql/core";

import { deleteContact, makeClient } from "../recipes/urql_optimistic.js";
import { testOptimisticDeletes } from "./optimistic_scenarios.js";

const CONTACTS = gql`query Contacts { contacts { id name } }`;

testOptimisticDeletes({
  makeClient,
  showContacts: (client, show) => {
    client.query(CONTACTS, {}).subscribe(({ data }) => {
      show((data?.contacts as { id: string }[]).map(({ id }) => id));
    });
  },
  deleteContact,
});
