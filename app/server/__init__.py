"""HTTP/1.1 server: connections, limits, a drain that loses no request, and worker processes."""
