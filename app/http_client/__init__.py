"""HTTP/1.1 client: a Transport over our own connections or over httpx.

Independent of GraphQL. Settings are read only where a transport is made or checked: probe, tls, proxies and
transport_factory.
"""
