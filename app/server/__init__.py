"""HTTP/1.1 server, based on uvicorn's: connections, limits, a drain that loses no request, and worker processes."""
