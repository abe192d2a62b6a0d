"""HTTP/1.1 client: a Transport over our own connections or over httpx. Independent of GraphQL and Wethod."""
