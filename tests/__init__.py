"""Promises, each held through the front door where it has one."""
