"""The way from a request to the plan of a valid document: limits, cache, persisted queries, trusted documents."""
