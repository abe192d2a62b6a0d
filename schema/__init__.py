"""The published GraphQL contract; it sees Wethod through one Protocol and knows nothing of HTTP."""
