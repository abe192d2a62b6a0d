"""A Wethod that breaks HTTP in every way it can be broken, and what the gateway makes of it."""
