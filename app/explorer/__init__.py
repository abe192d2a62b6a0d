"""GraphiQL, served only from our own files."""
