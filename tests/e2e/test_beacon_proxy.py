"""The beacon receiver behind nginx, with the lines that its page in docs/ tells people to write."""

import http.client
import re
from pathlib import Path

from conftest import StartPharos
from rig.pharos import Ports
from rig.places import ROOT, installed
from rig.ports import free_port
from rig.programs import Program
from rig.waiting import until

PAGE = ROOT / "docs" / "components" / "receiver-beacon.md"
# Where the visitor comes from: not the address that nginx itself connects from.
VISITOR = "127.0.0.2"


def documented(port: int) -> str:
    """The block for nginx in the docs, with the port of this test."""
    block = re.search(r"^```nginx\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert block, "no lines for nginx in the docs"
    assert "127.0.0.1:8080" in block.group(1)
    return block.group(1).replace("127.0.0.1:8080", f"127.0.0.1:{port}")


def start_nginx(folder: Path, port: int, block: str) -> Program:
    """A server with nothing but these lines: everything else answers 418."""
    folder.mkdir()
    config = folder / "nginx.conf"
    temporary = "\n".join(
        f"    {name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config.write_text(
        f"daemon off;\npid {folder}/pid;\nerror_log {folder}/error.log;\nevents {{}}\nhttp {{\n    access_log off;\n"
        f"{temporary}\n    server {{\n        listen 127.0.0.1:{port};\n"
        f"        location / {{ return 418; }}\n{block}    }}\n}}\n"
    )
    return Program([installed("nginx"), "-c", config, "-p", folder], log=folder / "nginx.log")


def request(port: int, method: str, path: str, body: str = "", **headers: str) -> http.client.HTTPResponse:
    """One request of the visitor; the answer was read."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30, source_address=(VISITOR, 0))
    try:
        connection.request(method, path, body or None, {name.replace("_", "-"): text for name, text in headers.items()})
        answer = connection.getresponse()
        answer.read()
        return answer
    finally:
        connection.close()


def test_nginx(start_pharos: StartPharos, tmp_path: Path) -> None:
    """The visitor's own address comes through, a forged one does not, and pages of the site may send."""
    ports, front = Ports(), free_port()
    config = {
        "receivers": {"beacon": {"endpoint": f"127.0.0.1:{ports.beacon}", "trusted_proxies": ["127.0.0.1"]}},
        "exporters": {"debug": {"verbosity": "detailed"}},
        "extensions": {"health_check": {}},
        "service": {
            "extensions": ["health_check"],
            "pipelines": {"logs": {"receivers": ["beacon"], "exporters": ["debug"]}},
        },
    }
    pharos = start_pharos(config, ports)
    nginx = start_nginx(tmp_path / "nginx", front, documented(ports.beacon))
    try:
        until("nginx to serve the script", lambda: nginx.running() and is_served(front), 30)
        page = {"Host": "shop.example", "Origin": "https://shop.example", "Content_Type": "text/plain"}
        answer = request(front, "POST", "/b", '{"event.action":"seen"}', X_Forwarded_For="6.6.6.6", **page)
        assert answer.status == 204
        other = {**page, "Origin": "https://other.example"}
        assert request(front, "POST", "/b", '{"event.action":"foreign"}', **other).status == 403
        assert request(front, "GET", "/b.gif?event.action=picture", Host="shop.example").status == 200
        assert request(front, "GET", "/blog", Host="shop.example").status == 418
        until("the events to come out", lambda: pharos.program.output().count("client.ip: Str") == 2, 30)
        printed = pharos.program.output()
        assert printed.count(f"client.ip: Str({VISITOR})") == 2
        assert "6.6.6.6" not in printed
        assert "foreign" not in printed
    finally:
        nginx.kill()
    pharos.stop()


def is_served(port: int) -> bool:
    """Whether the script comes through."""
    try:
        return request(port, "GET", "/b.js").status == 200
    except OSError:
        return False
