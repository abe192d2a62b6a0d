"""The settings of the server. They do not depend on the application that is served."""

from __future__ import annotations

from dataclasses import dataclass

GRACE_SECONDS = 0.9
"""Time that cancelled requests have for their response."""

SHUTDOWN_SECONDS = 3.0
"""Time that the application has for its shutdown."""

FORCED_SHUTDOWN_SECONDS = 0.5
"""The same, after a forced stop."""

EXIT_SECONDS = 3.0
"""Time that a process has after that, to write what is left of its audit and its log.

Grace, shutdown, exit and a margin of one second make 7.9 s after the end of the drain. The grace periods in ``deploy``
and in docs/operations.md (*Times*) are longer than that.
"""


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """The address, the limits and the times of a server. It can be pickled.

    Attributes:
        host: the name or address to listen on.
        port: the port to listen on; 0 takes a free one.
        port_setting: the name of the setting that holds the port, for error messages; empty if there is none.
        workers: the number of worker processes; one worker runs in the calling process.
        max_header_bytes: the maximum length of request line and headers together. The framing of a body (chunk sizes,
            extensions, trailers) may be longer than the body by as much.
        read_timeout: seconds from the first byte of a request (or from the start of the connection) to its last byte.
        keep_alive: seconds between a response and the next request; also the time that a response waits for a client
            that does not read.
        request_seconds: seconds that the application needs for a request. While draining, a request that arrives too
            late to have them is refused.
        drain_delay: seconds between the request to stop and the end of listening.
        drain_seconds: seconds that requests in progress have after that.
    """

    host: str = "127.0.0.1"
    port: int = 0
    port_setting: str = ""
    workers: int = 1
    max_header_bytes: int = 32 * 1024
    read_timeout: float = 10.0
    keep_alive: float = 125.0
    request_seconds: float = 0.0
    drain_delay: float = 0.0
    drain_seconds: float = 1.0
