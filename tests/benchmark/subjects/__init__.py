"""Servers to measure, each in a folder with start.sh and body.json."""
