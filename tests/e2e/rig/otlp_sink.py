"""A destination for OTLP/HTTP that takes its time and keeps what it acknowledged."""

import gzip
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest


class OtlpSink:
    """Answers 200 after `delay` seconds, or so slowly that no more than `rate` records a second
    go in; counts numbered records."""

    def __init__(self, delay: float = 0, rate: float | None = None, port: int = 0) -> None:
        self.delay, self.rate = delay, rate
        self._taken_until = time.monotonic()
        self.received: Counter[tuple[str, int]] = Counter()
        self._lock = threading.Lock()
        sink = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                time.sleep(sink.delay)
                time.sleep(max(0.0, sink._keep(ExportLogsServiceRequest.FromString(body)) - time.monotonic()))
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.port: int = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def _keep(self, request: ExportLogsServiceRequest) -> float:
        """Counts the records; returns when they may have been taken."""
        with self._lock:
            records = 0
            for resource in request.resource_logs:
                for scope in resource.scope_logs:
                    for record in scope.log_records:
                        found = {a.key: a.value for a in record.attributes}
                        self.received[found["sender"].string_value, found["n"].int_value] += 1
                    records += len(scope.log_records)
            if self.rate is not None:
                self._taken_until = max(self._taken_until, time.monotonic()) + records / self.rate
            return self._taken_until

    def close(self) -> None:
        """Stops listening."""
        self.server.shutdown()
        self.server.server_close()
