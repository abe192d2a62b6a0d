"""Logs, metrics, spans and the audit of every delete."""
