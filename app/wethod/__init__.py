"""The way to Wethod: one deadline, one repeat rule, two tables, two transports."""
