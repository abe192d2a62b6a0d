"""The way to Wethod, part by part."""
