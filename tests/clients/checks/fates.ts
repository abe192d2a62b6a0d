/** What each contact's delete comes to at the scripted Wethod of test_node_clients.py, and what is shown for it. */

import type { Row } from "../recipes/optimistic.js";

export const FATES: Record<string, { id: string; row: Row; message: RegExp }> = {
  "deletes it": { id: "1", row: "gone", message: /^The contact is gone\.$/ },
  "has no such contact": { id: "2", row: "reload", message: /not/ },
  hangs: { id: "3", row: "uncertain", message: /may be gone|not known|unknown/i },
  "answers 403": { id: "4", row: "restored", message: /crm\.edit/ },
  "drops the connection": { id: "5", row: "uncertain", message: /may be gone|not known|unknown/i },
  "answers 409, which it does not document": { id: "6", row: "uncertain", message: /may be gone/ },
};

export const ALL = ["1", "2", "3", "4", "5", "6"];
