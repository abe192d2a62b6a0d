"""What one worker tells of its work: one front for the log, the metrics, the spans and the audit."""

from __future__ import annotations

import atexit
import functools
import logging
from collections import Counter
import os
from typing import TYPE_CHECKING, Any, Protocol

from app.graphql_http.client_address import AddressReader
from app.observability.configure_logging import installed
from app.observability.event_loop_monitor import Pulse
from app.observability.exchange import Exchange, Watch
from app.observability.exposition import Exposition
from app.observability.logs import REQUEST_LOGGER
from app.observability.metric_definitions import COLUMNS, STATES
from app.observability.metrics import Metrics
from app.observability.metrics_server import MetricsServer
from app.observability.spans import open_tracing
from app.observability.upstream import Pooled, TracedTransport, WatchedTransport
from app.settings import unknown_variables
from app.shared_counters import Board
from app.wethod.audit import open_audit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.http_client.transport import Transport
    from app.server.lifecycle import Lifecycle
    from app.settings import Settings
    from app.wethod.executor import Deletion

_LAST_SECONDS = 2.0
"""How long the last lines may take when the gateway stops."""

logger = logging.getLogger(__name__)


class Client(Protocol):
    """What is published of the Wethod client."""

    in_flight: int


class Documents(Protocol):
    """What is published of the documents' cache."""

    hits: int
    misses: int

    def __len__(self) -> int: ...


def make_board(workers: int) -> Board:
    """The metrics' memory for so many workers: made by whoever starts them, before it does."""
    return Board(workers, COLUMNS)


class _Refusals(Counter[int]):
    """Counts the server's own responses by status."""

    def request_refused(self, status: int) -> None:
        """Count a response."""
        self[status] += 1


class Telemetry:
    """Everything that one worker tells, and nothing that it does.

    All of it belongs to the event loop's thread, save for the log, which belongs to every thread.

    Args:
        settings: the settings.
        audit_key: key of the token fingerprints, the same for all workers.
        board: the memory that all workers share; None where this is the only one.
        index: which worker this is.
        lifecycle: the worker's.

    Raises:
        StartError: the audit cannot be written.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        audit_key: bytes,
        lifecycle: Lifecycle,
        board: Board | None = None,
        index: int = 0,
    ) -> None:
        self._settings = settings
        self._index = index
        self._lifecycle = lifecycle
        self._audit = open_audit(settings, audit_key)
        board = board or make_board(1)
        self.metrics = Metrics(board.row(index))
        self._exposition = Exposition(board)
        self._tracing = open_tracing(settings)
        self._log = installed()
        self._watch = Watch(
            self.metrics,
            AddressReader(settings.gateway_trusted_proxies),
            self._log if logging.getLogger(REQUEST_LOGGER).isEnabledFor(logging.INFO) else None,
            self._tracing,
        )
        self._server: MetricsServer | None = None
        self._pulse = Pulse(self._beat, self._write_rest)
        self._publish()

    # The hot path.

    def record(self, deletion: Deletion) -> None:
        """Count a delete that has ended, and write its audit line."""
        self.metrics.delete(deletion)
        if self._audit is not None:
            self._audit.record(deletion)
            self.metrics.audit_line()

    def request(self, scope: Mapping[str, Any]) -> Exchange:
        """Watch one GraphQL request: a context manager, entered when its head has been read."""
        return Exchange(scope, self._watch)

    def refused(self, limit: str) -> None:
        """Count a request that a limit refused.

        Args:
            limit: one of ``catalogue.LIMITS``.
        """
        self.metrics.refuse(limit)

    # The wiring.

    def observe(self, transport: Transport) -> Transport:
        """The transport with every try to send counted, measured and, where somebody traces, made a span."""
        if isinstance(transport, Pooled):
            pool = transport
            self.metrics.gauge("wethod_upstream_connections", lambda: pool.idle_connections, "idle")
            used = lambda: pool.open_connections - pool.idle_connections  # noqa: E731
            self.metrics.gauge("wethod_upstream_connections", used, "in_use")
            self.metrics.gauge("wethod_upstream_waiting", lambda: pool.waiting)
            self.metrics.total("wethod_upstream_waits", lambda: pool.waits)
        watched = WatchedTransport(transport, self.metrics, self._audit)
        return watched if self._tracing is None else TracedTransport(watched, self._tracing)

    def publish(self, client: Client, documents: Documents) -> None:
        """Publish what the client and the documents' cache count themselves."""
        self.metrics.gauge("wethod_delete_contact_in_progress", lambda: client.in_flight)
        self.metrics.gauge("gateway_document_cache_documents", lambda: len(documents))
        self.metrics.total("gateway_document_cache_requests", lambda: documents.hits, "hit")
        self.metrics.total("gateway_document_cache_requests", lambda: documents.misses, "miss")

    def render_metrics(self, accept: str = "") -> tuple[bytes, str]:
        """The text of ``/metrics``, over all workers, and its media type.

        Args:
            accept: the request's ``Accept`` header.
        """
        self.metrics.refresh()
        return self._exposition.render(accept)

    @property
    def problem(self) -> str:
        """Why no delete would be sent although the worker serves; empty where it would."""
        return "the audit cannot be written" if self._audit is not None and self._audit.clogged else ""

    # The life.

    async def start(self) -> None:
        """Begin to look at the event loop and at what is published, and say what an operator should know.

        Raises:
            StartError: the metrics' port is taken.
        """
        if self._settings.gateway_metrics_port is not None and self._settings.gateway_workers == 1:
            self._server = MetricsServer(
                self.render_metrics, host=self._settings.gateway_host, port=self._settings.gateway_metrics_port
            )
            await self._server.start()
        self.metrics.begin()
        if self._audit is not None:
            atexit.register(self._audit.close, _LAST_SECONDS)
        self._lifecycle.reload_callbacks.append(self._reopen)
        self._pulse.start()
        if self._index == 0:
            self._warn()

    async def aclose(self) -> None:
        """Write what is left. A delete that ends later is recorded all the same."""
        self._pulse.stop()
        if self._tracing is not None:
            await self._tracing.aclose()
        if self._server is not None:
            await self._server.aclose()
        await self._pulse.settle(_LAST_SECONDS)
        self.metrics.end()
        if self._audit is not None:
            self._audit.close(0)
            atexit.unregister(self._audit.close)

    def _publish(self) -> None:
        metrics, refusals = self.metrics, _Refusals()
        self._lifecycle.observer = refusals
        for state in STATES:
            metrics.gauge("gateway_workers", functools.partial(self._is_in, state), state)
        # What the server refuses the application never sees.
        for status in (400, 408, 414, 431, 503):
            metrics.total("gateway_http_requests", functools.partial(refusals.__getitem__, status), str(status))
        metrics.total("gateway_refused", lambda: refusals[408], "read_timeout")
        metrics.total("gateway_refused", lambda: refusals[414] + refusals[431], "head")
        metrics.gauge("wethod_upstream_connections_limit", lambda: self._settings.wethod_max_connections)
        audit, log = self._audit, self._log
        if audit is not None:
            metrics.total("gateway_audit_dropped", lambda: audit.writer.dropped)
            metrics.gauge("gateway_audit_backlog_bytes", lambda: audit.writer.backlog_bytes)
        if log is not None:
            metrics.total("gateway_log_dropped", lambda: log.writer.dropped)

    def _is_in(self, state: str) -> bool:
        return self._lifecycle.state == state

    def _warn(self) -> None:
        unknown = unknown_variables(os.environ)
        if unknown:
            logger.warning("no setting has the name, so it changes nothing: %s", ", ".join(unknown))
        if self._audit is not None and self._settings.gateway_audit_key_file is None:
            logger.warning(
                "GATEWAY_AUDIT_KEY_FILE is not set: the audit's token fingerprints can be compared "
                "with each other until the next start, and with nothing else"
            )

    def _beat(self, late: float) -> None:
        self.metrics.lag(late)
        self.metrics.refresh()
        if self._audit is not None:
            self._audit.report()

    def _write_rest(self) -> bool:
        """Write what could not be written before; whether nothing is left."""
        rested = True
        if self._audit is not None:
            rested = self._audit.writer.retry()
        if self._log is not None:
            rested = self._log.writer.retry() and rested
        return rested

    def _reopen(self) -> None:
        """Open the audit's file anew, after a rotation."""
        if self._audit is not None:
            try:
                self._audit.writer.reopen()
            except OSError as problem:
                logger.error("the audit's file cannot be opened anew, and the old one stays in use: %s", problem)  # noqa: TRY400 - it says it all
