"""From the text of a document to a valid plan: limits, cache, persisted queries, trusted documents."""
