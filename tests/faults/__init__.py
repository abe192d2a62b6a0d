"""Every fault of a Wethod at the level of HTTP, TLS and TCP, and the gateway's answer to it."""
