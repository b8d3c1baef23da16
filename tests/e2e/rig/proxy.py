"""A reverse proxy that stands for a slow network: requests are handed over late, and only when
the sender is still there.

What a browser sends on loopback arrives even when the page is gone before anybody looks at
it, so that a beacon without keepalive would pass every test. This proxy reads a request, waits,
and drops it when the client hung up in the meantime, as nginx does by default (its status 499).
"""

import contextlib
import http.client
import itertools
import re
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Literal

from rig.listening import Listener, reset

# Of one connection, not of the message (RFC 9110, 7.6.1), or set anew by the proxy.
_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "te", "upgrade"}

Rewrite = Callable[[str, str, bytes], bytes]


class Reset(Exception):
    """Raised by a fault: the connection is torn down without an answer."""


Answer = tuple[int, bytes]


@dataclass
class Fault:
    """What goes wrong with the requests that match."""

    method: str
    # found anywhere in the path
    path: str
    # before the server sees the request, or after it has answered it
    when: Literal["before", "after"]
    # what the client gets instead of the server's answer; none for the server's own. May raise Reset.
    do: Callable[[], Answer | None]
    # how often it happens; none for always
    times: int | None = None
    # only every so many matching requests
    every: int = 1
    happened: int = 0
    _matched: Iterator[int] = field(default_factory=itertools.count)

    def strikes(self, method: str, path: str, when: str) -> bool:
        """Whether it happens to this request now."""
        if when != self.when or method != self.method or not re.search(self.path, path):
            return False
        if next(self._matched) % self.every or (self.times is not None and self.happened >= self.times):
            return False
        self.happened += 1
        return True


@dataclass
class Behaviour:
    """What the proxy does to what passes."""

    delay: float = 0.0
    delayed_methods: frozenset[str] = frozenset({"POST"})
    add_headers: dict[str, str] = field(default_factory=dict)
    # a status to answer everything with, without asking the server
    refuse: int | None = None
    # path, content type, body -> body
    rewrite: Rewrite | None = None
    faults: list[Fault] = field(default_factory=list)


class Proxy:
    """Listens on a port of its own and forwards to one HTTP/1.1 server, the Host header unchanged."""

    def __init__(self, target_port: int, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.passed: list[tuple[str, str]] = []
        self.dropped: list[tuple[str, str]] = []
        self._under_way = 0
        self._lock = threading.Lock()
        proxy = self

        class Handler(_Handler):
            owner = proxy
            target = target_port

        self.door = Listener(Handler)
        self.port = self.door.port

    def strike(self, method: str, path: str, when: str) -> Answer | None:
        """Lets the faults happen that match."""
        for fault in self.behaviour.faults:
            with self._lock:
                strikes = fault.strikes(method, path, when)
            if strikes and (answer := fault.do()) is not None:
                return answer
        return None

    def idle(self) -> bool:
        """Whether no request is being held back or answered."""
        return self._under_way == 0

    @contextlib.contextmanager
    def under_way(self) -> Iterator[None]:
        """Counts a request from its last byte read to the last byte of its answer written."""
        with self._lock:
            self._under_way += 1
        try:
            yield
        finally:
            with self._lock:
                self._under_way -= 1

    def close(self) -> None:
        """Stops listening."""
        self.door.hang_up()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: Proxy
    target: int

    def handle_one_request(self) -> None:
        """A connection that breaks ends here, without a stack trace."""
        with contextlib.suppress(ConnectionError, TimeoutError):
            try:
                super().handle_one_request()
            except Reset:
                reset(self.connection)
            else:
                return
        self.close_connection = True

    def _handle(self) -> None:
        body = self._body()
        with self.owner.under_way():
            self._forward(body)

    def _forward(self, body: bytes) -> None:
        behaviour = self.owner.behaviour
        if not self.owner.door.listening:
            raise Reset
        if behaviour.delay and self.command in behaviour.delayed_methods and not self._wait(behaviour.delay):
            self.owner.dropped.append((self.command, self.path))
            self.close_connection = True
            return
        if behaviour.refuse is not None:
            self.send_response_only(behaviour.refuse)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if fault := self.owner.strike(self.command, self.path, "before"):
            self._instead(fault)
            return
        self.owner.passed.append((self.command, self.path))
        # A body can only be rewritten when it is not compressed.
        hidden = _HOP | {"accept-encoding"} if behaviour.rewrite else _HOP
        upstream = http.client.HTTPConnection("127.0.0.1", self.target, timeout=60)
        try:
            upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in hidden:
                    upstream.putheader(name, value)
            if body or self.command in ("POST", "PUT"):
                upstream.putheader("Content-Length", str(len(body)))
            upstream.endheaders(body)
            answer = upstream.getresponse()
            content = answer.read()
        finally:
            upstream.close()
        if fault := self.owner.strike(self.command, self.path, "after"):
            self._instead(fault)
            return
        if behaviour.rewrite:
            content = behaviour.rewrite(self.path, answer.getheader("Content-Type", ""), content)
        self._answer(answer, content)

    def _instead(self, answer: Answer) -> None:
        status, content = answer
        self.send_response_only(status)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _answer(self, answer: http.client.HTTPResponse, content: bytes) -> None:
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in _HOP:
                self.send_header(name, value)
        for name, value in self.owner.behaviour.add_headers.items():
            self.send_header(name, value)
        if self.command == "HEAD":
            self.send_header("Content-Length", answer.getheader("Content-Length", "0"))
        elif answer.status not in (204, 304):
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD" and answer.status not in (204, 304):
            self.wfile.write(content)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return b"".join(self._chunks())
        if "100-continue" in self.headers.get("Expect", "").lower():
            del self.headers["Expect"]
        return self.rfile.read(int(self.headers.get("Content-Length", "0")))

    def _chunks(self) -> list[bytes]:
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return chunks

    def _wait(self, seconds: float) -> bool:
        """Waits; false as soon as the client has hung up."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            readable, _, _ = select.select([self.connection], [], [], left)
            if readable:
                if not self._peek():
                    return False
                time.sleep(min(left, 0.05))  # the next request is already there: keep waiting
        return True

    def _peek(self) -> bool:
        try:
            return bool(self.connection.recv(1, socket.MSG_PEEK))
        except ConnectionError:
            return False

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_OPTIONS = do_PATCH = _handle

    def log_message(self, *_: object) -> None:
        """Silent: tests read `passed` and `dropped`."""
