"""Observers of the executor, the endpoint and the server: metrics, logs, spans and health."""
