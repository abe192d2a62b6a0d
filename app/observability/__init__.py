"""Observers of the engine, the endpoint and the server: metrics, logs, spans and health."""
