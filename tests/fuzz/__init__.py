"""Mutated requests and replies against the two readers, with a strict reading of RFC 9112 to compare with."""
