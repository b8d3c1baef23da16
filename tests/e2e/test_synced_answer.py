"""An answer of success comes after the data are on stable storage, as the kernel saw it.

A killed process keeps the page cache, so a missing fdatasync costs nothing in any other test here. This
one has the system calls written down: between the request that came in and the answer that goes out, the
entry is written into a segment and an fdatasync of that segment has returned 0.
"""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import StartPharos
from rig.payloads import numbered_logs
from rig.pharos import Pharos, Ports, durable
from rig.sender import post, post_bytes
from rig.steady import SteadySender
from rig.tracing import Call, Strace, calls

REQUESTS = 5
SYSTEM_CALLS = "read,recvfrom,recvmsg,readv,write,writev,sendto,sendmsg,pwrite64,pwritev,pwritev2,fdatasync"
HEADERS = 1


def is_http_answer(data: bytes) -> bool:
    """The status line of a success."""
    return data.startswith(b"HTTP/1.1 2")


def is_grpc_answer(data: bytes) -> bool:
    """A frame of headers: an answer begins with one."""
    at = 0
    while at + 9 <= len(data):
        if data[at + 3] == HEADERS:
            return True
        at += 9 + int.from_bytes(data[at : at + 3], "big")
    return False


def over_http(ports: Ports, n: int) -> None:
    """One record over OTLP/HTTP."""
    post(ports.http, numbered_logs("traced", [n]))


def over_beacon(ports: Ports, n: int) -> None:
    """One beacon."""
    body = json.dumps({"event.action": f"traced number {n},"}).encode()
    code, _ = post_bytes(ports.beacon, "/", body, "text/plain;charset=UTF-8")
    assert code == 204


def over_grpc(ports: Ports, _: int) -> None:
    """All records over one gRPC connection, each after the answer to the one before."""
    sender = SteadySender("traced", ports.grpc, "grpc", per_request=1, limit=REQUESTS + 1)
    sender.run()


def assert_synced_first(trace: list[Call], port: int, text: bytes, is_answer: Callable[[bytes], bool]) -> None:
    """The request with this text was answered after a sync of the segment that has it."""
    received = next(
        c for c in trace if f":{port}->" in c.file and c.name in ("read", "recvfrom", "recvmsg") and text in c.data
    )
    written = next(c for c in trace if c.name.startswith("pwrite") and text in c.data and c.begun > received.ended)
    assert written.file.endswith(".wal"), written.file
    synced = next(
        c
        for c in trace
        if c.name == "fdatasync" and c.file == written.file and c.begun > written.ended and c.result == 0
    )
    answered = next(
        c
        for c in trace
        if c.file == received.file
        and c.name in ("write", "writev", "sendto", "sendmsg")
        and c.begun > received.ended
        and is_answer(c.data)
    )
    assert answered.begun > synced.ended, f"answered at line {answered.begun}, synced at {synced.ended}"


@pytest.fixture
def pharos(start_pharos: StartPharos, tmp_path: Path) -> Pharos:
    """A collector with OTLP and beacon receivers and a durable queue."""
    ports = Ports()
    config = durable({"debug": {}}, ports, tmp_path / "queue")
    config["receivers"]["beacon"] = {"endpoint": f"127.0.0.1:{ports.beacon}"}
    config["service"]["pipelines"]["logs"]["receivers"] = ["otlp", "beacon"]
    return start_pharos(config, ports)


@pytest.mark.parametrize(
    ("send", "port", "is_answer"),
    [(over_http, "http", is_http_answer), (over_beacon, "beacon", is_http_answer), (over_grpc, "grpc", is_grpc_answer)],
)
def test_fdatasync_before_the_answer(
    pharos: Pharos, tmp_path: Path, send: Callable[[Ports, int], None], port: str, is_answer: Callable[[bytes], bool]
) -> None:
    """One request at a time, so that no other's sync can stand in for its own.

    One more than is looked at: strace may leave in the middle of the last answer.
    """
    log = tmp_path / "strace.log"
    with Strace(pharos.program, log, "-yy", "-xx", "-s", "65536", "-e", f"trace={SYSTEM_CALLS}"):
        for n in range(REQUESTS + 1 if send is not over_grpc else 1):
            send(pharos.ports, n)
    trace = calls(log)
    for n in range(REQUESTS):
        assert_synced_first(trace, getattr(pharos.ports, port), f"traced number {n},".encode(), is_answer)
    pharos.stop()
