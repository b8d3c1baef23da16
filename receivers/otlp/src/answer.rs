//! Bodies of answers: `ExportXServiceResponse` and `google.rpc.Status`, in
//! protobuf and JSON.

use bytes::Bytes;
use net::Status;
use otlp::Signal;
use pipeline::Accepted;

use crate::intake::Form;

/// The type of the detail that says when to come back.
const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";

/// The body of a success. Without rejected records it is the empty message,
/// since the specification wants `partial_success` unset then.
pub(crate) fn success(form: Form, signal: Signal, accepted: &Accepted) -> Bytes {
    if accepted.rejected == 0 {
        return match form {
            Form::Protobuf => Bytes::new(),
            Form::Json => Bytes::from_static(b"{}"),
        };
    }
    let why = accepted.why.as_deref().unwrap_or_default();
    match form {
        Form::Protobuf => partial(accepted.rejected as u64, why).into(),
        Form::Json => {
            let field = match signal {
                Signal::Logs => "rejectedLogRecords",
                Signal::Traces => "rejectedSpans",
                Signal::Metrics => "rejectedDataPoints",
            };
            let rejected = accepted.rejected.to_string();
            serde_json::json!({"partialSuccess": {field: rejected, "errorMessage": why}})
                .to_string()
                .into()
        }
    }
}

/// The body of a failure.
pub(crate) fn failure(form: Form, status: &Status) -> Bytes {
    match form {
        Form::Protobuf => net::grpc::encode_status(status).into(),
        Form::Json => {
            let mut body =
                serde_json::json!({"code": status.code.number(), "message": status.message});
            if let Some(after) = status.retry_after {
                let delay = format!("{}s", after.as_secs_f64());
                body["details"] = serde_json::json!([{"@type": RETRY_INFO, "retryDelay": delay}]);
            }
            body.to_string().into()
        }
    }
}

/// `partial_success` (field 1) with the rejected records (field 1) and the
/// error message (field 2): the same numbers for all signals.
fn partial(rejected: u64, why: &str) -> Vec<u8> {
    let mut inner = vec![0x08];
    varint(rejected, &mut inner);
    inner.push(0x12);
    varint(why.len() as u64, &mut inner);
    inner.extend_from_slice(why.as_bytes());
    let mut out = vec![0x0a];
    varint(inner.len() as u64, &mut out);
    out.extend_from_slice(&inner);
    out
}

fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceResponse;
    use prost::Message;

    use super::*;

    #[test]
    fn a_partial_success_reads_as_the_protocol_says() {
        let accepted = Accepted {
            rejected: 300,
            why: Some("too old".into()),
        };
        let body = success(Form::Protobuf, Signal::Logs, &accepted);
        let partial = ExportLogsServiceResponse::decode(body)
            .expect("decodes")
            .partial_success
            .expect("is there");
        assert_eq!(
            (partial.rejected_log_records, &*partial.error_message),
            (300, "too old")
        );
        let json = success(Form::Json, Signal::Traces, &accepted);
        assert_eq!(
            json,
            r#"{"partialSuccess":{"errorMessage":"too old","rejectedSpans":"300"}}"#
        );
    }

    #[test]
    fn a_whole_success_is_the_empty_message() {
        assert!(success(Form::Protobuf, Signal::Logs, &Accepted::default()).is_empty());
        assert_eq!(
            success(Form::Json, Signal::Logs, &Accepted::default()),
            "{}"
        );
    }
}
