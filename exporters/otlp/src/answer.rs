//! What a destination says about a request, read from its answer.

use std::time::Duration;

use prost::Message;

/// What became of one request.
#[derive(Debug, PartialEq)]
pub(crate) enum Answer {
    /// The destination has it, except perhaps some records.
    Taken(Taken),
    /// Not now.
    Later {
        /// When the destination wants to be asked again.
        after: Option<Duration>,
        /// Why, in one line.
        why: String,
    },
    /// Too large; smaller pieces may pass.
    TooLarge(String),
    /// Never, or nobody knows: it must not be sent again.
    Never(String),
}

/// The body of a success.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Taken {
    /// Records that the destination will never take.
    pub(crate) rejected: usize,
    /// Why; without rejected records a warning of the destination.
    pub(crate) message: String,
}

/// `ExportLogsServiceResponse`, and those of the other signals: the numbers of
/// their fields are the same.
#[derive(Clone, PartialEq, Message)]
struct Response {
    #[prost(message, optional, tag = "1")]
    partial_success: Option<PartialSuccess>,
}

#[derive(Clone, PartialEq, Message)]
struct PartialSuccess {
    #[prost(int64, tag = "1")]
    rejected: i64,
    #[prost(string, tag = "2")]
    error_message: String,
}

/// Reads a success in protobuf.
pub(crate) fn protobuf(body: &[u8]) -> Result<Taken, String> {
    let response = Response::decode(body).map_err(|error| error.to_string())?;
    let partial = response.partial_success.unwrap_or_default();
    Ok(Taken {
        rejected: usize::try_from(partial.rejected).unwrap_or(0),
        message: partial.error_message,
    })
}

/// Reads a success in JSON. An empty body says nothing, which is a success too.
pub(crate) fn json(body: &[u8]) -> Result<Taken, String> {
    if body.is_empty() {
        return Ok(Taken::default());
    }
    let body: serde_json::Value =
        serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let object = body.as_object().ok_or("not an object")?;
    let Some(partial) = object.get("partialSuccess").filter(|part| !part.is_null()) else {
        return Ok(Taken::default());
    };
    let names = ["rejectedLogRecords", "rejectedSpans", "rejectedDataPoints"];
    let rejected = names.iter().find_map(|name| partial.get(name));
    let rejected = match rejected {
        None | Some(serde_json::Value::Null) => 0,
        // 64-bit integers are strings in OTLP/JSON, and numbers from some servers
        Some(serde_json::Value::String(text)) => text.parse().map_err(|_| wrong(text))?,
        Some(number) => number.as_i64().ok_or_else(|| wrong(number))?,
    };
    let message = partial.get("errorMessage").and_then(|text| text.as_str());
    Ok(Taken {
        rejected: usize::try_from(rejected).unwrap_or(0),
        message: message.unwrap_or_default().to_owned(),
    })
}

fn wrong(count: impl std::fmt::Display) -> String {
    format!("{count} is no count of rejected records")
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::collector::logs::v1 as logs;
    use opentelemetry_proto::tonic::collector::metrics::v1 as metrics;
    use opentelemetry_proto::tonic::collector::trace::v1 as traces;

    use super::*;

    fn taken(rejected: usize, message: &str) -> Result<Taken, String> {
        let message = message.to_owned();
        Ok(Taken { rejected, message })
    }

    #[test]
    fn answers_of_every_signal_are_read() {
        let logs = logs::ExportLogsServiceResponse {
            partial_success: Some(logs::ExportLogsPartialSuccess {
                rejected_log_records: 3,
                error_message: "l".into(),
            }),
        };
        assert_eq!(protobuf(&logs.encode_to_vec()), taken(3, "l"));
        let traces = traces::ExportTraceServiceResponse {
            partial_success: Some(traces::ExportTracePartialSuccess {
                rejected_spans: 4,
                error_message: "t".into(),
            }),
        };
        assert_eq!(protobuf(&traces.encode_to_vec()), taken(4, "t"));
        let metrics = metrics::ExportMetricsServiceResponse {
            partial_success: Some(metrics::ExportMetricsPartialSuccess {
                rejected_data_points: -5,
                error_message: "m".into(),
            }),
        };
        assert_eq!(protobuf(&metrics.encode_to_vec()), taken(0, "m"));
        assert_eq!(protobuf(b""), taken(0, ""));
        assert_eq!(protobuf(b"\x0a\x00"), taken(0, ""), "as upstream answers");
        assert!(protobuf(b"<html>").is_err());
    }

    #[test]
    fn json_answers_are_read_leniently() {
        for (text, expected) in [
            ("", taken(0, "")),
            ("{}", taken(0, "")),
            (r#"{"partialSuccess":{}}"#, taken(0, "")),
            (r#"{"partialSuccess":null}"#, taken(0, "")),
            (
                r#"{"partialSuccess":{"rejectedSpans":"2","errorMessage":"old"}}"#,
                taken(2, "old"),
            ),
            (
                r#"{"partialSuccess":{"rejectedDataPoints":7}}"#,
                taken(7, ""),
            ),
        ] {
            assert_eq!(json(text.as_bytes()), expected, "{text}");
        }
        for bad in [
            "[]",
            "<html>",
            r#"{"partialSuccess":{"rejectedSpans":"x"}}"#,
        ] {
            assert!(json(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
