"""Senders that keep their pace whatever they are answered, and remember what was acknowledged."""

import http.client
import json
import threading
import time
from collections.abc import Callable

import grpc

from rig.payloads import numbered_logs
from rig.sender import Answer

_EXPORT = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"

Transmit = Callable[[bytes], Answer]


class PacedSender(threading.Thread):
    """Sends one request of records of 2 KB every `every` seconds. A refused one is sent again at its next turn, as
    it was."""

    def __init__(self, name: str, transmit: Transmit, per_request: int, every: float) -> None:
        super().__init__(name=name, daemon=True)
        self.transmit, self.per_request, self.every = transmit, per_request, every
        self.offered = 0
        self.acknowledged: set[int] = set()
        self.refused = 0
        self.lost_connections = 0
        self.enough = threading.Event()

    def body(self, numbers: range) -> bytes:
        """The request with these numbers."""
        body: bytes = numbered_logs(self.name, numbers, padding=2000).SerializeToString()
        return body

    def run(self) -> None:
        """Sends until told to stop."""
        numbers = range(self.per_request)
        body = self.body(numbers)
        turn = time.monotonic()
        while not self.enough.wait(max(0.0, turn - time.monotonic())):
            turn = max(turn + self.every, time.monotonic() - 1)
            self.offered += self.per_request
            answer = self.transmit(body)
            if answer is Answer.LATER:
                self.refused += 1
                continue
            if answer is Answer.OK:
                self.acknowledged.update(numbers)
            else:
                self.lost_connections += 1
            numbers = range(numbers.stop, numbers.stop + self.per_request)
            body = self.body(numbers)


class PacedBeacons(PacedSender):
    """A browser that sends one event a request."""

    def __init__(self, name: str, port: int, every: float) -> None:
        super().__init__(name, over_http(port, "/b", "application/json", 204), 1, every)

    def body(self, numbers: range) -> bytes:
        """An event with its number and sender."""
        event = {
            "@timestamp": "2026-07-14T09:30:00.000Z",
            "event": {"action": "pageview"},
            "url": {"full": f"https://shop.example.com/?n={numbers.start}"},
            "sender": self.name,
            "n": numbers.start,
        }
        return json.dumps(event).encode()


def over_http(port: int, path: str, content_type: str, success: int) -> Transmit:
    """Posts on one connection that is opened again when it is gone. 503 and 429 mean later."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def transmit(body: bytes) -> Answer:
        try:
            connection.request("POST", path, body, {"Content-Type": content_type})
        except OSError:
            # A server that refuses need not read the body; its answer may have come all the same.
            if connection.sock is None:
                return Answer.GONE
        try:
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            return Answer.GONE
        if answer.status in (429, 503):
            assert answer.getheader("Retry-After"), "a refusal without a time to come back"
            return Answer.LATER
        assert answer.status == success, answer.status
        return Answer.OK

    return transmit


def over_grpc(port: int) -> Transmit:
    """Calls the logs service; UNAVAILABLE means later, and says when."""
    export = grpc.insecure_channel(f"127.0.0.1:{port}").unary_unary(_EXPORT)

    def transmit(body: bytes) -> Answer:
        try:
            export(body, timeout=60)
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.UNAVAILABLE:
                told = dict(error.trailing_metadata() or ())
                return Answer.LATER if "grpc-status-details-bin" in told else Answer.GONE
            raise
        return Answer.OK

    return transmit
