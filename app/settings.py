"""Settings from the environment, every one with its default, its bounds and its unit."""
