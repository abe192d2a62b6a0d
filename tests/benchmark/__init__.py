"""Benchmarks of the gateway beside others, in one run on one machine; none asserts a time."""
