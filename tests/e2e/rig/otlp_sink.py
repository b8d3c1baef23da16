"""A destination for OTLP/HTTP that can be slow, away or rude, and keeps what it took."""

import contextlib
import gzip
import itertools
import socket
import threading
import time
from collections import Counter, defaultdict
from http.server import BaseHTTPRequestHandler

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from rig.listening import Listener, reset
from rig.numbered import numbers_in


class OtlpSink:
    """Answers 200 after `delay` seconds, or so slowly that no more than `rate` records a second
    go in; counts numbered records."""

    def __init__(self, delay: float = 0.0, rate: float | None = None, port: int = 0, listening: bool = True) -> None:
        self.delay, self.rate = delay, rate
        self._taken_until = time.monotonic()
        # every so many requests it takes the data and then resets the connection; 0 for never
        self.reset_every = 0
        self.received: Counter[tuple[str, int]] = Counter()
        # the same by the `run` in the headers of the request
        self.by_run: defaultdict[str, Counter[tuple[str, int]]] = defaultdict(Counter)
        # the same in the order of arrival
        self.arrivals: list[tuple[str, int]] = []
        # what was taken without an answer: a sender has to send it again
        self.unanswered: set[tuple[str, int]] = set()
        # when a request was answered, and what was in it
        self.answered: list[tuple[float, list[tuple[str, int]]]] = []
        self._requests = itertools.count(1)
        self._lock = threading.Lock()
        sink = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                with contextlib.suppress(ConnectionError):
                    sink._take(self)

            def log_message(self, *_: object) -> None:
                pass

        self.door = Listener(Handler, port, listening)
        self.port = self.door.port

    def _take(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length", "0")))
        if handler.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        time.sleep(self.delay)
        if not self.door.listening:
            self._tear_down(handler)
            return
        numbers = numbers_in(ExportLogsServiceRequest.FromString(body))
        with self._lock:
            self.received.update(numbers)
            self.by_run[handler.headers.get("run", "")].update(numbers)
            self.arrivals.extend(numbers)
            if self.reset_every and next(self._requests) % self.reset_every == 0:
                self.unanswered.update(numbers)
                self._tear_down(handler)
                return
            if self.rate is not None:
                self._taken_until = max(self._taken_until, time.monotonic()) + len(numbers) / self.rate
            taken = self._taken_until
        time.sleep(max(0.0, taken - time.monotonic()))
        if _has_hung_up(handler.connection):
            handler.close_connection = True
            with self._lock:
                self.unanswered.update(numbers)
            return
        with self._lock:
            self.answered.append((time.monotonic(), numbers))
        try:
            handler.send_response(200)
            handler.send_header("Content-Type", "application/x-protobuf")
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            handler.wfile.flush()
        except ConnectionError:
            with self._lock:
                self.unanswered.update(numbers)

    def unconfirmed(self, moment: float) -> set[tuple[str, int]]:
        """What a peer that ended at `moment` cannot have known to be delivered: it was taken without an
        answer, or the answer went out so late that it may not have been read."""
        with self._lock:
            late = [numbers for at, numbers in self.answered if moment - 0.5 < at]
            return self.unanswered.union(*late)

    @staticmethod
    def _tear_down(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        reset(handler.connection)

    def close(self) -> None:
        """Stops listening."""
        self.door.hang_up()


def _has_hung_up(connection: socket.socket) -> bool:
    """Whether the peer has closed its side."""
    try:
        return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
