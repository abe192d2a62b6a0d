"""GraphiQL, served from our own files alone."""
