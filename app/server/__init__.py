"""uvicorn with the limits, the drain and the workers that a gateway for deletes needs."""
