"""HTTP/1.1 server on uvicorn's: connections, limits, a drain that loses no request, and worker processes."""
