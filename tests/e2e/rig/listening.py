"""An HTTP server in this process that can go away and come back on its port."""

import os
import socket
import struct
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Listener:
    """Listens on a port of loopback (0 for a free one), and on the same one whenever it comes back."""

    def __init__(self, handler: type[BaseHTTPRequestHandler], port: int = 0, listening: bool = True) -> None:
        self._handler = handler
        self._server = _Server(("127.0.0.1", port), handler)
        self.port: int = self._server.server_address[1]
        # Handlers ask this: a connection that is open outlives the listening socket.
        self.listening = True
        if listening:
            self._serve()
        else:
            self.listening = False
            self._server.server_close()

    def _serve(self) -> None:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def listen(self) -> None:
        """Takes connections again."""
        if not self.listening:
            self._server = _Server(("127.0.0.1", self.port), self._handler)
            self.listening = True
            self._serve()

    def hang_up(self) -> None:
        """Refuses connections from now on."""
        if self.listening:
            self.listening = False
            self._server.shutdown()
            self._server.server_close()


def reset(connection: socket.socket) -> None:
    """Tears a connection down: the peer gets a reset, not an orderly end."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(connection.detach())


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # hanging up does not wait for clients
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A peer that was killed in the middle of a request is what some tests are about."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)
