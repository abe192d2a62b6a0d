"""GraphQL over HTTP: negotiate, read, answer."""
