/** The state of a row that left the list before the answer came, and the text to show. */
export type Shown = { row: Row; message: string };

export type Row =
  | "gone" // it stays removed
  | "reload" // the contact was not there any more: the recipe reloads the list
  | "uncertain" // it comes back greyed out, with a "Repeat" button: repeating does no harm
  | "restored"; // it comes back

/** Without an outcome the answer was lost between the gateway and this client, and the contact may be gone. */
export function decide(typename: string | undefined): Row {
  switch (typename) {
    case "DeleteContactSuccess":
      return "gone";
    case "WethodNotFoundError":
      return "reload";
    case "WethodOutcomeUnknownError":
    case undefined:
      return "uncertain";
    default:
      return "restored";
  }
}

export const LOST: Shown = { row: "uncertain", message: "The contact may be gone. Repeating does no harm." };
