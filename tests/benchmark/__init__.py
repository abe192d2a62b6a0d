"""How fast the gateway is beside others, in one run on one machine; nothing here is a test of time."""
