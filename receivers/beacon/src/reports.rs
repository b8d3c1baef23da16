//! What browsers report by themselves: the Reporting API (an array), CSP's
//! older `report-uri` (one object), and network error logging.

use http::HeaderValue;
use serde_json::{Map, Value, json};

use crate::frames::Unreadable;

/// One report as an event of ours.
#[derive(Debug)]
pub(crate) struct Report {
    /// The event, as JSON of ECS fields.
    pub(crate) text: String,
    /// The browser that reports; it may differ from the one that sends.
    pub(crate) user_agent: Option<HeaderValue>,
    /// Severity number and text.
    pub(crate) severity: (i32, &'static str),
}

/// The names of `csp-report` and those of the Reporting API.
const LEGACY: [(&str, &str); 12] = [
    ("document-uri", "documentURL"),
    ("referrer", "referrer"),
    ("blocked-uri", "blockedURL"),
    ("effective-directive", "effectiveDirective"),
    ("violated-directive", "violatedDirective"),
    ("original-policy", "originalPolicy"),
    ("disposition", "disposition"),
    ("status-code", "statusCode"),
    ("script-sample", "sample"),
    ("source-file", "sourceFile"),
    ("line-number", "lineNumber"),
    ("column-number", "columnNumber"),
];

/// Reads reports; `received` in nanoseconds since 1970. What is no report in
/// an array of reports is counted.
pub(crate) fn reports(text: &str, received: u64) -> Result<(Vec<Report>, usize), Unreadable> {
    let value: Value = serde_json::from_str(text).map_err(|error| Unreadable {
        at: error.column(),
        expected: "an array of reports, or a csp-report",
    })?;
    let list = match value {
        Value::Array(list) => list,
        one => vec![one],
    };
    let all = list.len();
    let reports: Vec<Report> = list
        .iter()
        .filter_map(|report| read(report, received))
        .collect();
    let bad = all - reports.len();
    Ok((reports, bad))
}

fn read(report: &Value, received: u64) -> Option<Report> {
    if let Some(legacy) = report.get("csp-report").and_then(Value::as_object) {
        let body = modern(legacy);
        let url = body.get("documentURL").cloned();
        return Some(event("csp-violation", &body, url, received, None));
    }
    let kind = report
        .get("type")?
        .as_str()
        .filter(|kind| !kind.is_empty())?;
    let empty = Map::new();
    let body = report
        .get("body")
        .and_then(Value::as_object)
        .unwrap_or(&empty);
    // Browsers send an age and no time, because clocks lie.
    let age = report.get("age").and_then(Value::as_u64).unwrap_or(0);
    let time = received.saturating_sub(age.saturating_mul(1_000_000));
    let agent = report.get("user_agent").and_then(Value::as_str);
    let url = report.get("url").filter(|url| url.is_string()).cloned();
    Some(event(kind, body, url, time, agent))
}

fn modern(legacy: &Map<String, Value>) -> Map<String, Value> {
    let name = |old: &str| {
        let known = LEGACY.iter().find(|(known, _)| *known == old);
        known.map_or_else(|| old.to_owned(), |(_, new)| (*new).to_owned())
    };
    legacy
        .iter()
        .map(|(key, value)| (name(key), value.clone()))
        .collect()
}

fn event(
    kind: &str,
    body: &Map<String, Value>,
    url: Option<Value>,
    time: u64,
    user_agent: Option<&str>,
) -> Report {
    let kind: String = kind
        .chars()
        .take(64)
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '-' {
                c
            } else {
                '_'
            }
        })
        .collect();
    let mut event = Map::new();
    event.insert("@timestamp".into(), json!(time));
    event.insert(
        "event.action".into(),
        json!(format!("browser.report.{kind}")),
    );
    if let Some(url) = url {
        event.insert("url.full".into(), url);
    }
    // Network errors are reported by a part of the browsers only.
    if let Some(rate) = body
        .get("sampling_fraction")
        .filter(|_| kind == "network-error")
    {
        event.insert("beacon.sample_rate".into(), rate.clone());
    }
    event.insert("browser.report.body".into(), Value::Object(body.clone()));
    Report {
        text: Value::Object(event).to_string(),
        user_agent: user_agent.and_then(|text| HeaderValue::from_bytes(text.as_bytes()).ok()),
        severity: severity(&kind, body),
    }
}

fn severity(kind: &str, body: &Map<String, Value>) -> (i32, &'static str) {
    let disposition = body.get("disposition").and_then(Value::as_str);
    match kind {
        "crash" => (17, "error"),
        "csp-violation" if disposition == Some("report") => (9, "info"),
        "deprecation" | "csp-hash" => (9, "info"),
        _ => (13, "warn"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_735_689_600_000_000_000;

    fn parsed(report: &Report) -> Value {
        serde_json::from_str(&report.text).unwrap()
    }

    #[test]
    fn reports_of_the_reporting_api() {
        let text = r#"[
            {"type":"csp-violation","age":420,"url":"https://a.example/p","user_agent":"UA/1",
             "body":{"documentURL":"https://a.example/p","disposition":"enforce","statusCode":200}},
            {"type":"network-error","age":0,"url":"https://a.example/","user_agent":"UA/1",
             "body":{"type":"dns.name_not_resolved","sampling_fraction":0.5,"phase":"dns"}},
            {"type":"deprecation","body":{"id":"x"}},
            {"type":"crash","body":{"reason":"oom"}},
            {"no":"type"}]"#;
        let (reports, bad) = reports(text, NOW).unwrap();
        assert_eq!(bad, 1);
        let severities: Vec<i32> = reports.iter().map(|report| report.severity.0).collect();
        assert_eq!(severities, [13, 13, 9, 17]);
        let first = parsed(&reports[0]);
        assert_eq!(first["@timestamp"], NOW - 420_000_000);
        assert_eq!(first["event.action"], "browser.report.csp-violation");
        assert_eq!(first["url.full"], "https://a.example/p");
        assert_eq!(first["browser.report.body"]["statusCode"], 200);
        assert_eq!(parsed(&reports[1])["beacon.sample_rate"], 0.5);
        assert!(first.get("beacon.sample_rate").is_none());
        assert_eq!(reports[0].user_agent.as_ref().unwrap(), "UA/1");
    }

    #[test]
    fn the_older_form_gets_the_newer_names() {
        let text = r#"{"csp-report":{"document-uri":"https://a.example/","blocked-uri":"inline",
            "script-sample":"alert(1)","disposition":"report","line-number":3}}"#;
        let (reports, _) = reports(text, NOW).unwrap();
        let event = parsed(&reports[0]);
        assert_eq!(event["url.full"], "https://a.example/");
        let body = &event["browser.report.body"];
        assert_eq!(
            (&body["blockedURL"], &body["sample"]),
            (&json!("inline"), &json!("alert(1)"))
        );
        assert_eq!(body["lineNumber"], 3);
        assert_eq!(reports[0].severity, (9, "info"));
    }

    #[test]
    fn what_is_no_report_is_refused_or_counted() {
        assert!(reports("nonsense", NOW).is_err());
        assert_eq!(reports("[1, null]", NOW).unwrap().1, 2);
        assert_eq!(reports("[]", NOW).unwrap().0.len(), 0);
    }
}
