"""The contract: what the gateway offers in GraphQL, and what it knows about Wethod's REST operations. No I/O."""
