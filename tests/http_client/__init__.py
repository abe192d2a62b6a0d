"""The transports to Wethod, part by part."""
