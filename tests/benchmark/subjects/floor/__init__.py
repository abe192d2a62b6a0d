"""The least that a Python server does."""
