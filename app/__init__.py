"""The gateway: HTTP in, one typed outcome out."""

__version__ = "0.1.0"
