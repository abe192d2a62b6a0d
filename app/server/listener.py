"""The socket that the gateway listens on, made before anything else so that a taken port says so."""

from __future__ import annotations

import os
import socket

from app.server.lifecycle import StartError


def bind(host: str, port: int) -> socket.socket:
    """Bind a listening address; whoever serves it begins to listen.

    Args:
        host: a name or an address.
        port: the port; 0 takes a free one.

    Raises:
        StartError: it cannot be had; the line says why.
    """
    try:
        # The protocol has to be named: asyncio sets TCP_NODELAY only where it is.
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
        except OSError:
            listener.close()
            raise
    except OSError as problem:
        # getaddrinfo's numbers are not the system's.
        known = not isinstance(problem, socket.gaierror) and problem.errno is not None
        reason = os.strerror(problem.errno).lower() if known and problem.errno else problem.strerror or str(problem)
        raise StartError(f"cannot listen on {_authority(host, port)}: {reason}") from None
    listener.settimeout(0)
    return listener


def url_of(listener: socket.socket) -> str:
    """The base URL of a bound socket."""
    host, port, *_ = listener.getsockname()
    return f"http://{_authority(host, port)}"


def _authority(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
