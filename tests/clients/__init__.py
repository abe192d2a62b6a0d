"""Real clients against the live gateway."""
