"""A small Wethod on SQLite, for demonstrations and tests."""
