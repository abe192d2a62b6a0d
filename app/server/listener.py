"""The socket that the gateway listens on, made before anything else so that a taken port says so."""

from __future__ import annotations

import os
import socket
import sys

from app.start_error import StartError


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


def sibling(listener: socket.socket) -> socket.socket:
    """Another socket on the same address, for a worker of its own.

    On Linux the kernel spreads connections over all that listen. On one socket whoever wakes first takes a whole burst:
    of 64 connections that a router opens at once, 64 went to one of two workers, and with siblings 33 on average.
    Elsewhere the kernel does not spread them, and it is the same socket again.

    Args:
        listener: bound, but not listening itself. It was bound alone, so that a second gateway finds the port taken.

    Raises:
        OSError: it cannot be had.
    """
    if sys.platform != "linux":
        return listener.dup()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    other = socket.socket(listener.family, listener.type, listener.proto)
    try:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(listener.getsockname())
    except OSError:
        other.close()
        raise
    other.settimeout(0)
    return other


def url_of(listener: socket.socket) -> str:
    """The base URL of a bound socket."""
    host, port, *_ = listener.getsockname()
    return f"http://{_authority(host, port)}"


def _authority(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
