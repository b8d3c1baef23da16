//! What is answered: pure.

use std::collections::BTreeMap;

use pipeline::health::{Report, Status};
use serde_json::{Value, json};

/// Body for probes, as upstream words it.
pub(crate) fn probe(ready: bool, up_since: &str, uptime: &str) -> String {
    match ready {
        true => {
            json!({"status": "Server available", "upSince": up_since, "uptime": uptime}).to_string()
        }
        false => json!({"status": "Server not available", "upSince": "", "uptime": ""}).to_string(),
    }
}

/// Body of `/status`: the whole and each component, with the reason where one fails.
pub(crate) fn status(
    ready: bool,
    start_time: &str,
    components: &BTreeMap<String, Report>,
    time: impl Fn(u64) -> String,
) -> String {
    let details: serde_json::Map<String, Value> = components
        .iter()
        .map(|(name, report)| {
            let mut detail = json!({
                "healthy": !is_failing(&report.status),
                "status": name_of(&report.status),
                "status_time": time(report.since_unix_nano),
            });
            if let Status::RecoverableError(why) | Status::PermanentError(why) = &report.status {
                detail["error"] = json!(&**why);
            }
            (name.clone(), detail)
        })
        .collect();
    let worst = components
        .values()
        .map(|report| &report.status)
        .find(|status| is_failing(status));
    let (healthy, overall) = match worst {
        _ if !ready => (false, "StatusStarting"),
        Some(failing) => (false, name_of(failing)),
        None => (true, "StatusOK"),
    };
    json!({"start_time": start_time, "healthy": healthy, "status": overall, "components": details})
        .to_string()
}

fn is_failing(status: &Status) -> bool {
    matches!(
        status,
        Status::RecoverableError(_) | Status::PermanentError(_)
    )
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
    use super::*;

    #[test]
    fn a_failing_exporter_makes_the_status_red_with_its_reason() {
        let report = |status| Report {
            status,
            since_unix_nano: 7,
        };
        let mut components =
            BTreeMap::from([("exporter:debug/logs".to_owned(), report(Status::Ok))]);
        let body = |components: &BTreeMap<String, Report>| -> Value {
            serde_json::from_str(&status(true, "s", components, |nano| nano.to_string()))
                .expect("JSON")
        };
        assert_eq!(body(&components)["healthy"], true);
        components.insert(
            "exporter:delta/logs".to_owned(),
            report(Status::RecoverableError("bucket away".into())),
        );
        let red = body(&components);
        assert_eq!(
            (&red["healthy"], &red["status"]),
            (&json!(false), &json!("StatusRecoverableError"))
        );
        assert_eq!(
            red["components"]["exporter:delta/logs"]["error"],
            "bucket away"
        );
        assert_eq!(red["components"]["exporter:debug/logs"]["healthy"], true);
    }
}
