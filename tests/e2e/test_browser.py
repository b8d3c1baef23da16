"""A browser tab in, SQL out: the events of one visit to the demo page, all of them and nothing else.

The default configuration as it stands (otel-config.yaml, only ports and the lake's location are
overridden). The network is slow: what the page sends is looked at two seconds later, and dropped
when the browser has let go of it by then (rig.proxy), so that only sendBeacon and keepalive
survive leaving the page.
"""

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import StartPharos, StartProxy
from rig.browser import chromium
from rig.pharos import Pharos, Ports
from rig.places import DEFAULT_CONFIG
from rig.proxy import Behaviour, Proxy
from rig.readers import Lake, Row
from rig.seaweed import S3
from rig.sender import post_bytes
from rig.visit import PLAIN_FETCH, visit
from rig.waiting import until

DELAY = 2.0
SESSION = "e2e-session-0001"
# What the visit of rig.visit does, by the names of docs/components/beacon.md.
EVENTS = Counter(
    {
        "browser.navigation": 2,
        "browser.page_leave": 2,
        "exception": 1,
        "demo.clicked": 1,
        "media.started": 1,
        "media.paused": 1,
        "media.volume_changed": 1,
        "media.seek": 1,
        "media.resumed": 1,
    }
)
SQL = (
    "select service_name, event_name, severity_number, attributes, time_unix_nano, observed_time_unix_nano "
    "from otel_logs"
)


@pytest.fixture(params=["disk", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, S3 | None]:
    """Where the lake is: a directory, or a bucket of SeaweedFS."""
    if request.param == "disk":
        return str(tmp_path / "lake"), None
    make: Callable[[], str] = request.getfixturevalue("bucket")
    return f"{make()}/lake", request.getfixturevalue("seaweed")


def start_default(start_pharos: StartPharos, location: str, s3: S3 | None = None, *more: str) -> tuple[Pharos, Lake]:
    """The default pipelines, writing to `location`, with `more` settings."""
    ports = Ports()
    sets = [*ports.sets(), f"exporters.delta.location={location}", "exporters.delta.commit.every=1s", *more]
    pharos = start_pharos(DEFAULT_CONFIG, ports, sets=sets, env=s3.environment() if s3 else None)
    return pharos, Lake(location, DEFAULT_CONFIG, s3, tuple(sets))


def browse(proxy: Proxy, folder: Path, what: str, seen: Callable[[], bool]) -> None:
    """One visit in a fresh browser, which stays open (its tab is closed) until `seen`."""
    with chromium(folder / "browser") as driver:
        visit(driver, f"http://localhost:{proxy.port}/?session={SESSION}")
        until(what, seen, 30, every=0.3)


def stored(lake: Lake) -> int:
    """How many events are in the table by now; none as long as there is no table."""
    return int(lake.deltalake("select count(*) as n from otel_logs")[0]["n"])


def events_of_a_visit(pharos: Pharos, lake: Lake, proxy: Proxy, folder: Path) -> list[Row]:
    """Visits, waits for the expected number of events, stops the collector, and reads all there is."""
    browse(proxy, folder, "the events of the visit in the table", lambda: stored(lake) >= EVENTS.total())
    pharos.stop()
    return lake.rows(SQL)


def test_a_visit(
    start_pharos: StartPharos, start_proxy: StartProxy, tmp_path: Path, storage: tuple[str, S3 | None]
) -> None:
    """Page view, error, custom event, video, navigation away, tab closed: each once, with its values."""
    location, s3 = storage
    pharos, lake = start_default(start_pharos, location, s3)
    assert not list(Path(location).rglob("*.parquet")), "a quiet collector writes no files"
    proxy = start_proxy(pharos.ports.beacon, Behaviour(delay=DELAY))
    events = events_of_a_visit(pharos, lake, proxy, tmp_path)
    assert Counter(event["event_name"] for event in events) == EVENTS
    assert not proxy.dropped
    assert not [path for method, path in proxy.passed if method == "OPTIONS"], "a beacon that needs a preflight"
    common_values(events, proxy)
    values_of_each(events)


def common_values(events: list[Row], proxy: Proxy) -> None:
    """What every event carries, from the page or from the server."""
    pages = set()
    for event in events:
        attributes = event["attributes"]
        assert event["service_name"] == "pharos-demo"
        assert attributes["session.id"] == SESSION
        assert attributes["client.address"] == "127.0.0.1"
        assert "Chrome/" in attributes["user_agent.original"]
        assert attributes["url.full"].startswith(f"http://localhost:{proxy.port}/")
        assert attributes["url.full"].endswith(f"?session={SESSION}")
        assert "cookie" not in str(attributes).lower()
        assert event["observed_time_unix_nano"] >= event["time_unix_nano"]
        pages.add(attributes["page.id"])
    assert len(pages) == 2


def values_of_each(events: list[Row]) -> None:
    """What each kind of event carries, under its OpenTelemetry name."""
    one: dict[str, Any] = {event["event_name"]: event for event in events}
    views = [event["attributes"] for event in events if event["event_name"] == "browser.navigation"]
    assert {view["page.title"] for view in views} == {"Pharos demo", "Pharos demo, next page"}
    assert {view["browser.navigation.same_document"] for view in views} == {"false"}
    # The page that the link was on; the first page came from nowhere.
    referrers = [view["http.request.header.referer"] for view in views if "http.request.header.referer" in view]
    assert len(referrers) == 1
    assert SESSION in referrers[0]

    error = one["exception"]
    assert error["severity_number"] == 17
    assert error["attributes"]["exception.type"] == "Error"
    assert error["attributes"]["exception.message"] == "thrown by the button of the demo page"
    assert "http://localhost" in error["attributes"]["exception.stacktrace"]
    assert one["demo.clicked"]["attributes"]["demo.button"] == "custom"

    for event in events:
        attributes = event["attributes"]
        if event["event_name"] == "browser.page_leave":
            assert int(attributes["event.duration"]) > 0
        if event["event_name"].startswith("media."):
            assert attributes["media.id"] == "video"
            assert 0 <= float(attributes["media.position"]) <= float(attributes["media.duration"])
    volume = one["media.volume_changed"]["attributes"]
    assert (volume["media.volume"], volume["media.muted"]) == ("0.5", "false")
    assert float(one["media.seek"]["attributes"]["media.seek.to"]) == pytest.approx(4, abs=0.1)


def test_plain_fetch_loses_events(start_pharos: StartPharos, start_proxy: StartProxy, tmp_path: Path) -> None:
    """The same visit with sendBeacon and keepalive replaced by plain fetch is found out."""
    pharos, lake = start_default(start_pharos, str(tmp_path / "lake"))

    def sabotage(_path: str, content_type: str, body: bytes) -> bytes:
        return PLAIN_FETCH + body if "javascript" in content_type else body

    proxy = start_proxy(pharos.ports.beacon, Behaviour(delay=DELAY, rewrite=sabotage))

    def marker_came_through() -> bool:
        # Sent after the tab was closed and held back as long: what the page sent is through before it.
        return post_bytes(proxy.port, "/", b'{"event.action": "marker"}', "text/plain")[0] == 204 and proxy.idle()

    browse(proxy, tmp_path, "a beacon sent after the visit", marker_came_through)
    pharos.stop()
    found = Counter(event["event_name"] for event in lake.rows(SQL))
    assert found.pop("marker") >= 1
    assert proxy.dropped, "the browser let go of nothing: this network is not slow enough to prove anything"
    assert found != EVENTS
    assert found["browser.page_leave"] < EVENTS["browser.page_leave"]


def test_without_unload(start_pharos: StartPharos, start_proxy: StartProxy, tmp_path: Path) -> None:
    """A page on which `unload` never runs loses nothing."""
    pharos, lake = start_default(start_pharos, str(tmp_path / "lake"))
    policy = {"Permissions-Policy": "unload=()"}
    proxy = start_proxy(pharos.ports.beacon, Behaviour(delay=DELAY, add_headers=policy))
    events = events_of_a_visit(pharos, lake, proxy, tmp_path)
    assert Counter(event["event_name"] for event in events) == EVENTS


def test_a_session_of_the_server(start_pharos: StartPharos, start_proxy: StartProxy, tmp_path: Path) -> None:
    """Pages that leave the session to the server share one, which says that it begins."""
    session = "receivers.beacon.session={start_event: true}"
    pharos, lake = start_default(start_pharos, str(tmp_path / "lake"), None, session)

    def left_to_the_server(_path: str, content_type: str, body: bytes) -> bytes:
        if "html" in content_type:
            assert b'data-session-param="session"' in body
            return body.replace(b'data-session-param="session"', b'data-session="server"')
        return body

    proxy = start_proxy(pharos.ports.beacon, Behaviour(rewrite=left_to_the_server))
    expected = EVENTS + Counter({"session.start": 1})
    browse(proxy, tmp_path, "the events of the visit in the table", lambda: stored(lake) >= expected.total())
    pharos.stop()
    events = lake.rows(SQL)
    assert Counter(event["event_name"] for event in events) == expected
    sessions = {event["attributes"]["session.id"] for event in events}
    assert len(sessions) == 1
    assert re.fullmatch("[0-9a-f]{32}", sessions.pop())
