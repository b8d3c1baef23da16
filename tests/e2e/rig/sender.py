"""Senders of numbered records that remember exactly which ones were acknowledged."""

import http.client
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum

import grpc
from opentelemetry.proto.collector.logs.v1.logs_service_pb2_grpc import LogsServiceStub

from rig.payloads import Request, numbered_logs


class Answer(Enum):
    """What an answer means to a sender."""

    OK = "acknowledged"
    LATER = "refused, to be sent again"
    GONE = "no answer, or the connection is gone"


Send = Callable[[Iterable[int]], Answer]

PATHS = {
    "ExportLogsServiceRequest": "/v1/logs",
    "ExportTraceServiceRequest": "/v1/traces",
    "ExportMetricsServiceRequest": "/v1/metrics",
}


def post(port: int, request: Request) -> None:
    """Sends one request over OTLP/HTTP in protobuf; anything but 200 is an error."""
    status, body = post_bytes(port, PATHS[type(request).__name__], request.SerializeToString())
    assert status == 200, f"{status}: {body!r}"


def post_bytes(
    port: int, path: str, body: bytes, content_type: str = "application/x-protobuf", **headers: str
) -> tuple[int, bytes]:
    """One POST on a connection of its own: status and body of the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", path, body, {"Content-Type": content_type, **headers})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@dataclass
class Tally:
    """What became of the numbers of one sender."""

    name: str
    acknowledged: set[int] = field(default_factory=set)
    # sent, but the answer was an error or never came: may be stored once, or not at all
    uncertain: set[int] = field(default_factory=set)
    # what was answered, or not, to the last of these
    trouble: str = ""


class Sender(threading.Thread):
    """Sends requests of `per_request` numbered records, one after the other, until told to stop,
    until `limit` requests were acknowledged, or until nobody answers any more; `pause` seconds apart."""

    def __init__(
        self,
        name: str,
        port: int,
        protocol: str,
        per_request: int = 20,
        limit: int | None = None,
        pause: float = 0,
    ) -> None:
        super().__init__(name=name, daemon=True)
        self.port, self.protocol, self.per_request, self.limit = port, protocol, per_request, limit
        self.pause = pause
        self.tally = Tally(name)
        self.enough = threading.Event()

    def run(self) -> None:
        """Sends; a refusal that asks for a retry is repeated with the same records."""
        send = self._grpc() if self.protocol == "grpc" else self._http()
        first, acknowledged = 0, 0
        while not self.enough.is_set() and (self.limit is None or acknowledged < self.limit):
            numbers = range(first, first + self.per_request)
            outcome = send(numbers)
            if outcome is Answer.LATER:
                time.sleep(0.02)
                continue
            if outcome is Answer.GONE:
                self.tally.uncertain.update(numbers)
                return
            self.tally.acknowledged.update(numbers)
            acknowledged += 1
            first += self.per_request
            self.enough.wait(self.pause)

    def _http(self) -> Send:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

        def send(numbers: Iterable[int]) -> Answer:
            body = numbered_logs(self.tally.name, numbers).SerializeToString()
            try:
                connection.request("POST", "/v1/logs", body, {"Content-Type": "application/x-protobuf"})
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException) as gone:
                self.tally.trouble = repr(gone)
                return Answer.GONE
            if answer.status in (429, 503):
                return Answer.LATER
            self.tally.trouble = f"status {answer.status}"
            return Answer.OK if answer.status == 200 else Answer.GONE

        return send

    def _grpc(self) -> Send:
        channel = grpc.insecure_channel(f"127.0.0.1:{self.port}")
        stub = LogsServiceStub(channel)

        def send(numbers: Iterable[int]) -> Answer:
            try:
                stub.Export(numbered_logs(self.tally.name, numbers), timeout=60)
            except grpc.RpcError as refused:
                self.tally.trouble = str(refused)
                # UNAVAILABLE means "try again" as well as "the server is gone": either way the
                # records are uncertain, and this sender ends.
                return Answer.GONE
            return Answer.OK

        return send
