/** The state of a row that left the list before the answer came, and the text to show. */
export type Shown = { row: Row; message: string };

export type Row =
  | "gone" // the row stays removed
  | "reload" // the contact no longer exists: the recipe reloads the list
  | "uncertain" // the row returns greyed out, with a "Repeat" button
  | "restored"; // the row returns

/** `undefined` means that the answer of the gateway was lost. */
export function decide(typename: string | undefined): Row {
  switch (typename) {
    case "DeleteContactSuccess":
      return "gone";
    case "WethodNotFoundError":
      return "reload";
    case "WethodValidationError":
    case "WethodUnauthorizedError":
    case "WethodForbiddenError":
    case "WethodPreconditionFailedError":
    case "WethodRateLimitedError":
    case "WethodUnavailableError":
      return "restored";
    default: // the contact may be gone; this includes members of later versions
      return "uncertain";
  }
}

export const LOST: Shown = { row: "uncertain", message: "The contact may be gone. Repeating does no harm." };

/** For errors without data: the gateway refused the request and sent nothing, or it has a bug and may have sent it. */
export function fromErrors(errors: readonly { message: string; extensions?: { code?: unknown } }[]): Shown {
  const bug = errors.some(({ extensions }) => extensions?.code === "INTERNAL_SERVER_ERROR");
  return bug ? LOST : { row: "restored", message: errors.map(({ message }) => message).join(" ") };
}
