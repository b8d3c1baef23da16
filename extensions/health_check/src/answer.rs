//! The words of the answers: pure.

use net::http::StatusCode;
use pipeline::health::Status;
use serde_json::{Map, Value, json};

use crate::judge::Verdict;

/// Body for probes, as upstream words it.
pub(crate) fn probe(ready: bool, up_since: &str, uptime: &str) -> String {
    match ready {
        true => {
            json!({"status": "Server available", "upSince": up_since, "uptime": uptime}).to_string()
        }
        false => json!({"status": "Server not available", "upSince": "", "uptime": ""}).to_string(),
    }
}

/// Code and body of the status page: what is judged, and with `verbose` its parts.
pub(crate) fn status(
    verdict: &Verdict,
    verbose: bool,
    start_time: &str,
    time: impl Fn(u64) -> String + Copy,
) -> (StatusCode, String) {
    let mut body = event(verdict, verbose, time);
    body.insert("start_time".to_owned(), json!(start_time));
    (code(verdict), Value::Object(body).to_string())
}

fn code(verdict: &Verdict) -> StatusCode {
    match verdict.status {
        _ if !verdict.healthy => StatusCode::INTERNAL_SERVER_ERROR,
        Status::Starting | Status::Stopping => StatusCode::SERVICE_UNAVAILABLE,
        Status::Ok | Status::RecoverableError(_) | Status::PermanentError(_) => StatusCode::OK,
    }
}

fn event(
    verdict: &Verdict,
    with_parts: bool,
    time: impl Fn(u64) -> String + Copy,
) -> Map<String, Value> {
    let mut event = Map::new();
    event.insert("healthy".to_owned(), json!(verdict.healthy));
    event.insert("status".to_owned(), json!(name_of(&verdict.status)));
    if let Some(why) = verdict.error() {
        event.insert("error".to_owned(), json!(&**why));
    }
    event.insert("status_time".to_owned(), json!(time(verdict.since)));
    if with_parts && !verdict.components.is_empty() {
        let parts = verdict.components.iter();
        let parts = parts.map(|(name, part)| (name.clone(), event_of(part, time)));
        event.insert("components".to_owned(), Value::Object(parts.collect()));
    }
    event
}

fn event_of(part: &Verdict, time: impl Fn(u64) -> String + Copy) -> Value {
    Value::Object(event(part, true, time))
}

fn name_of(status: &Status) -> &'static str {
    match status {
        Status::Starting => "StatusStarting",
        Status::Ok => "StatusOK",
        Status::RecoverableError(_) => "StatusRecoverableError",
        Status::PermanentError(_) => "StatusPermanentError",
        Status::Stopping => "StatusStopping",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn verdict(status: Status, healthy: bool) -> Verdict {
        Verdict {
            status,
            since: 7,
            healthy,
            components: BTreeMap::new(),
        }
    }

    #[test]
    fn the_body_has_upstreams_fields_and_its_parts_when_asked_for() {
        let away = Status::RecoverableError("bucket away".into());
        let mut whole = verdict(away.clone(), false);
        let mut pipeline = verdict(away.clone(), false);
        pipeline
            .components
            .insert("exporter:delta".to_owned(), verdict(away, false));
        whole
            .components
            .insert("pipeline:logs".to_owned(), pipeline);
        let time = |nano: u64| nano.to_string();
        let (code, body) = status(&whole, false, "start", time);
        assert_eq!(code, StatusCode::INTERNAL_SERVER_ERROR);
        let short: Value = serde_json::from_str(&body).expect("JSON");
        let expected = json!({
            "start_time": "start", "healthy": false, "status": "StatusRecoverableError",
            "error": "bucket away", "status_time": "7",
        });
        assert_eq!(short, expected);
        let (_, body) = status(&whole, true, "start", time);
        let long: Value = serde_json::from_str(&body).expect("JSON");
        let part = json!({
            "healthy": false, "status": "StatusRecoverableError",
            "error": "bucket away", "status_time": "7",
        });
        assert_eq!(
            long["components"]["pipeline:logs"]["components"]["exporter:delta"],
            part
        );
    }

    #[test]
    fn codes_are_upstreams() {
        let code_of = |status, healthy| code(&verdict(status, healthy)).as_u16();
        assert_eq!(code_of(Status::Starting, true), 503);
        assert_eq!(code_of(Status::Ok, true), 200);
        assert_eq!(code_of(Status::RecoverableError("x".into()), true), 200);
        assert_eq!(code_of(Status::RecoverableError("x".into()), false), 500);
        assert_eq!(code_of(Status::PermanentError("x".into()), false), 500);
        assert_eq!(code_of(Status::Stopping, true), 503);
    }
}
