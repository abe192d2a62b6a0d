"""GraphQL over HTTP, edition September 2026: negotiate, read, run, answer."""
