"""GraphiQL, served from here alone."""
