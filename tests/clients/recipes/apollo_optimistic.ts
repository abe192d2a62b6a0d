import { ApolloClient, CombinedGraphQLErrors } from "@apollo/client";

import { DeleteContact, explain } from "./contact.js";
import { decide, fromErrors, LOST, type Shown } from "./optimistic.js";

/** Use the client of the recipe above. */
export async function deleteContact(client: ApolloClient, id: string): Promise<Shown> {
  try {
    const { data } = await client.mutate({
      mutation: DeleteContact,
      variables: { id },
      optimisticResponse: {
        __typename: "Mutation",
        deleteContact: { __typename: "DeleteContactSuccess", message: "", contact: { __typename: "Contact", id } },
      },
      // Runs twice: for the optimistic response, which Apollo rolls back later, and for the answer.
      update(cache, { data }) {
        if (decide(data?.deleteContact?.__typename) === "gone") {
          cache.evict({ id: cache.identify({ __typename: "Contact", id }) });
        }
      },
      refetchQueries: ({ data }) => (decide(data?.deleteContact?.__typename) === "reload" ? ["Contacts"] : []),
    });
    const outcome = data?.deleteContact;
    return { row: decide(outcome?.__typename), message: explain(outcome) };
  } catch (error) {
    return CombinedGraphQLErrors.is(error) && !error.data ? fromErrors(error.errors) : LOST;
  }
}
