"""Health says what is wrong, and restarts nobody for a sink that is away."""

from typing import Any

from conftest import StartPharos
from rig.otlp_sink import OtlpSink
from rig.payloads import numbered_logs
from rig.pharos import Ports, otlp_to
from rig.ports import free_port
from rig.sender import post, post_bytes
from rig.waiting import until


def exporter_to(port: int, **settings: Any) -> dict[str, Any]:
    """OTLP/HTTP to this port, tried again soon and for ever."""
    retry = {"initial_interval": "200ms", "max_interval": "500ms", "max_elapsed_time": "0s"}
    return {"endpoint": f"http://127.0.0.1:{port}", "retry_on_failure": retry, **settings}


def test_sink_that_is_away_and_comes_back(start_pharos: StartPharos) -> None:
    """`/` stays 200; the status page turns red after the recovery duration, says why, and is green again."""
    ports, away = Ports(), free_port()
    config = otlp_to({"otlp_http": exporter_to(away)}, ports)
    config["extensions"]["health_check"] = {"component_health": {"recovery_duration": "2s"}}
    pharos = start_pharos(config, ports)
    code, status = pharos.status()
    assert (code, status["healthy"], status["status"]) == (200, True, "StatusOK"), status

    post(ports.http, numbered_logs("s", range(10)))
    until("the failure to show", pharos.failing, 30)
    until("the status page to be red", lambda: pharos.status()[0] == 500, 30)
    assert pharos.is_alive(), "an outage of a sink must restart nobody"
    _, status = pharos.status()
    assert (status["healthy"], status["status"]) == (False, "StatusRecoverableError")
    assert str(away) in status["error"], "the reason names the sink"
    logs = status["components"]["pipeline:logs"]
    failing = logs["components"]["exporter:otlp_http"]
    assert failing["error"] == status["error"]
    assert failing["status_time"] == status["status_time"] > status["start_time"]
    assert logs["components"]["receiver:otlp"]["healthy"]
    assert pharos.status("?pipeline=traces")[0] == 200, "nothing is wrong with traces"
    code, of_pipeline = pharos.status("?pipeline=logs&verbose=false")
    assert code == 500
    assert "components" not in of_pipeline
    assert pharos.status("?pipeline=logz")[0] == 404

    sink = OtlpSink(port=away)
    try:
        until("the status page to be green", lambda: pharos.status()[0] == 200, 30)
        assert pharos.status()[1]["status"] == "StatusOK"
        assert sink.received.total() >= 10
        pharos.stop()
    finally:
        sink.close()


def test_queue_that_stays_full(start_pharos: StartPharos) -> None:
    """A slow sink is no error of its exporter; that its queue stays full is."""
    ports, sink = Ports(), OtlpSink(delay=1)
    exporter = exporter_to(sink.port, sending_queue={"queue_size": 10, "num_consumers": 1})
    config = otlp_to({"otlp_http": exporter}, ports)
    del config["processors"]
    for pipeline in config["service"]["pipelines"].values():
        del pipeline["processors"]
    health = {"queue_full_ratio": 0.5, "queue_full_duration": "2s"}
    config["extensions"]["health_check"] = {"component_health": health}
    pharos = start_pharos(config, ports)
    body = numbered_logs("s", range(1)).SerializeToString()

    def red() -> bool:
        post_bytes(ports.http, "/v1/logs", body)
        return pharos.status()[0] == 500

    until("the status page to be red", red, 30)
    _, status = pharos.status()
    assert "queue is nearly full" in status["error"], status
    assert "of 10" in status["error"], status
    assert pharos.is_alive()
    sink.delay = 0
    until("the status page to be green", lambda: pharos.status()[0] == 200, 30)
    pharos.stop()
    sink.close()


def test_second_version_as_upstream(start_pharos: StartPharos) -> None:
    """With `use_v2` errors are shown and not red unless asked for; the configuration is told on demand."""
    ports, away = Ports(), free_port()
    config = otlp_to({"otlp_http": exporter_to(away, headers={"authorization": "secret-value"})}, ports)
    server = {"endpoint": f"127.0.0.1:{ports.health}", "status": {"path": "/health"}, "config": {"enabled": True}}
    config["extensions"]["health_check"] = {"use_v2": True, "http": server}
    pharos = start_pharos(config, ports)
    post(ports.http, numbered_logs("s", range(10)))
    page = pharos.page

    until("the failure to show", lambda: page("/health")[1]["status"] == "StatusRecoverableError", 30)
    code, status = page("/health")
    assert (code, status["healthy"]) == (200, True)
    assert "components" not in status, "only with ?verbose"
    assert page("/health?verbose")[1]["components"]["pipeline:logs"]["status"] == "StatusRecoverableError"
    code, told = page("/config")
    assert code == 200
    assert told["extensions"]["health_check"]["use_v2"] is True
    assert "secret-value" not in str(told)
    pharos.program.kill()
