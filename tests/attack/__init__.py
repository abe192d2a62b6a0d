"""Attacks and their answers: one table, run through the front door and published."""
