//! Small payloads with sane contents.

use otlp::write::LogsWriter;
use otlp::{Payload, Value};

/// One request with a log record for each body.
pub fn logs<'a>(bodies: impl IntoIterator<Item = &'a str>) -> Payload {
    let mut writer = LogsWriter::new();
    writer.resource(|resource| {
        resource.attribute("service.name", Value::String("checkout"));
    });
    writer.scope(|scope| {
        scope.name("test-kit");
    });
    for body in bodies {
        writer.record(|record| {
            record.time_unix_nano(1_735_689_600_000_000_000);
            record.body(Value::String(body));
        });
    }
    writer.finish()
}

/// Log records whose bodies are the numbers of `range`, so that a reader finds
/// lost and repeated ones.
pub fn numbered_logs(range: std::ops::Range<usize>) -> Payload {
    let bodies: Vec<String> = range.map(|number| number.to_string()).collect();
    logs(bodies.iter().map(String::as_str))
}

/// The text bodies of all records, in order.
pub fn log_bodies(payload: &Payload) -> Vec<String> {
    let mut bodies = Vec::new();
    for resource in payload.logs() {
        for scope in resource.scopes() {
            for record in scope.records() {
                if let Some(Value::String(body)) = record.body {
                    bodies.push(body.to_owned());
                }
            }
        }
    }
    bodies
}
