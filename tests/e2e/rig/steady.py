"""A sender of numbered records that outlives the collector it sends to.

Each number is sent until its fate is known, and never again after an answer that was lost: so what
was acknowledged has to be stored exactly once, and what is uncertain at most once.
"""

import contextlib
import http.client
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

import grpc
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2_grpc import LogsServiceStub
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2_grpc import MetricsServiceStub
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub

from rig.numbered import REQUESTS
from rig.payloads import Request
from rig.sender import PATHS, Tally
from rig.waiting import until

# How long a sender leaves a collector alone that is away or refuses.
_PAUSE = 0.02


class Fate(Enum):
    """What is known of a request."""

    ACKNOWLEDGED = "answered with success"
    REFUSED = "refused, to be sent again"
    UNSENT = "nobody listens: nothing was sent"
    UNKNOWN = "sent, but the answer never came"


@dataclass(frozen=True)
class Refusal:
    """How the collector said that it takes nothing now."""

    code: str
    # seconds that it asks for; none when it does not say
    after: float | None
    why: str


class SteadySender(threading.Thread):
    """Sends requests of `per_request` records, one after the other, whatever becomes of the collector."""

    def __init__(
        self,
        name: str,
        port: int,
        protocol: str = "http",
        per_request: int = 20,
        padding: int = 100,
        pause: float = 0.0,
        limit: int | None = None,
        signal: str = "logs",
        days: int = 1,
    ) -> None:
        super().__init__(name=name, daemon=True)
        self.per_request, self.padding, self.pause, self.limit = per_request, padding, pause, limit
        # over which the times of its records are spread
        self.signal, self.days = signal, days
        # the first number of the request that is under way, or comes next
        self.first = 0
        self.tally = Tally(name)
        self.refusals: list[Refusal] = []
        # requests by their fate
        self.acknowledged, self.unknown = 0, 0
        self.enough = threading.Event()
        self._send: Callable[[Request], Fate]
        self._send = _Grpc(port, self.refusals.append) if protocol == "grpc" else _Http(port, self.refusals.append)

    def run(self) -> None:
        """Sends until told to stop, or until `limit` requests were acknowledged."""
        while not self.enough.is_set() and (self.limit is None or self.acknowledged < self.limit):
            numbers = range(self.first, self.first + self.per_request)
            fate = self._settle(numbers)
            if fate is Fate.ACKNOWLEDGED:
                self.tally.acknowledged.update(numbers)
                self.acknowledged += 1
            elif fate is Fate.UNKNOWN:
                self.tally.uncertain.update(numbers)
                self.unknown += 1
            self.first += self.per_request
            if self.pause:
                time.sleep(self.pause)

    def _settle(self, numbers: range) -> Fate:
        """Sends the same records until they are acknowledged or nobody knows."""
        request = REQUESTS[self.signal](self.tally.name, numbers, self.padding, self.days)
        while not self.enough.is_set():
            fate = self._send(request)
            if fate in (Fate.ACKNOWLEDGED, Fate.UNKNOWN):
                return fate
            time.sleep(_PAUSE)
        return Fate.UNSENT

    def finish(self, seconds: float = 60) -> None:
        """Ends after the request that is under way."""
        self.enough.set()
        self.join(seconds)
        assert not self.is_alive(), f"{self.name} hangs"


class _Http:
    def __init__(self, port: int, refused: Callable[[Refusal], None]) -> None:
        self.port, self.refused = port, refused
        self.connection: http.client.HTTPConnection | None = None

    def __call__(self, request: Request) -> Fate:
        if self.connection is None:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            try:
                connection.connect()
            except OSError:
                return Fate.UNSENT
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connection = connection
        try:
            body = request.SerializeToString()
            # A refusal may come, and the connection be closed, while the body is still on its way.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                path = PATHS[type(request).__name__]
                self.connection.request("POST", path, body, {"Content-Type": "application/x-protobuf"})
            answer = self.connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException):
            self._drop()
            return Fate.UNKNOWN
        if answer.will_close:
            self._drop()
        if answer.status in (429, 503):
            after = answer.getheader("Retry-After")
            why = Status.FromString(content).message
            self.refused(Refusal(str(answer.status), float(after) if after else None, why))
            return Fate.REFUSED
        return Fate.ACKNOWLEDGED if answer.status == 200 else Fate.UNKNOWN

    def _drop(self) -> None:
        if self.connection is not None:
            self.connection.close()
        self.connection = None


class _Grpc:
    # A collector that is back is found at once.
    OPTIONS = (
        ("grpc.initial_reconnect_backoff_ms", 50),
        ("grpc.min_reconnect_backoff_ms", 50),
        ("grpc.max_reconnect_backoff_ms", 100),
        # no retries of its own: each number goes out once
        ("grpc.enable_retries", 0),
        ("grpc.max_send_message_length", -1),
    )

    def __init__(self, port: int, refused: Callable[[Refusal], None]) -> None:
        self.refused = refused
        channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=self.OPTIONS)
        self.export = {
            "ExportLogsServiceRequest": LogsServiceStub(channel).Export,
            "ExportTraceServiceRequest": TraceServiceStub(channel).Export,
            "ExportMetricsServiceRequest": MetricsServiceStub(channel).Export,
        }

    def __call__(self, request: Request) -> Fate:
        try:
            self.export[type(request).__name__](request, timeout=60)
        except grpc.RpcError as error:
            return self._failed(error)
        return Fate.ACKNOWLEDGED

    def _failed(self, error: grpc.RpcError) -> Fate:
        if error.code() is grpc.StatusCode.UNAVAILABLE and "failed to connect" in (error.details() or ""):
            return Fate.UNSENT
        packed = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin")
        if packed is None:
            return Fate.UNKNOWN
        after = None
        for detail in Status.FromString(packed).details:
            info = RetryInfo()
            if detail.Unpack(info):
                after = info.retry_delay.seconds + info.retry_delay.nanos / 1e9
        self.refused(Refusal(error.code().name, after, error.details() or ""))
        return Fate.REFUSED


def acknowledged(senders: Sequence[SteadySender]) -> int:
    """Requests of all senders that were answered with success."""
    return sum(sender.acknowledged for sender in senders)


def start(senders: Sequence[SteadySender]) -> None:
    """Starts them all."""
    for sender in senders:
        sender.start()


def finish(senders: Sequence[SteadySender], seconds: float = 60) -> None:
    """Ends them all, each after the request that is under way."""
    for sender in senders:
        sender.enough.set()
    for sender in senders:
        sender.finish(seconds)


def wait_for_more(senders: Sequence[SteadySender], requests: int, seconds: float = 60) -> None:
    """Waits until so many more requests were acknowledged."""
    wanted = acknowledged(senders) + requests
    until(f"{requests} more acknowledged requests", lambda: acknowledged(senders) >= wanted, seconds, every=0.005)
