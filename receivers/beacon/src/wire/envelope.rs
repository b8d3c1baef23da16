//! Bodies inside events of AWS services: API Gateway (both versions), load
//! balancers, function URLs, Lambda@Edge, Firehose and Kinesis.
//!
//! Whoever forwards such an event stands between us and the browser, so what
//! the event says about the client's address counts only from a trusted proxy.

use std::net::IpAddr;
use std::sync::LazyLock;

use ::bytes::Bytes;
use aho_corasick::packed::Searcher;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use super::decode_base64;

/// What was inside.
#[derive(Debug, Default)]
pub(crate) struct Enclosed {
    /// One body a request or record.
    pub(crate) bodies: Vec<Bytes>,
    /// Headers of the request inside; `None` where there is no request.
    pub(crate) headers: Option<HeaderMap>,
    /// Who sent it, by the service.
    pub(crate) source: Option<IpAddr>,
    /// The query, when the request inside is a GET.
    pub(crate) query: Option<String>,
    /// The service cut the body off.
    pub(crate) truncated: bool,
    /// Records that could not be decoded.
    pub(crate) broken: usize,
    /// What Firehose wants to hear: its request id and our time go back.
    pub(crate) request_id: Option<String>,
}

/// Keys without which a text is no envelope.
const SIGNS: [&str; 4] = [
    "\"isBase64Encoded\"",
    "\"requestContext\"",
    "\"Records\"",
    "\"records\"",
];

/// Looks for all of them at once. Made once: to prepare a search costs several times what it costs to go over a
/// beacon. `None` on processors that it does not know.
static ANY_SIGN: LazyLock<Option<Searcher>> = LazyLock::new(|| Searcher::new(SIGNS));

fn has_sign(body: &[u8]) -> bool {
    match &*ANY_SIGN {
        Some(searcher) => searcher.find(body).is_some(),
        None => SIGNS
            .iter()
            .any(|sign| memchr::memmem::find(body, sign.as_bytes()).is_some()),
    }
}

/// Whether an object begins as events of AWS do not: none of their keys has a dot, an underscore
/// or an at sign, and nearly every beacon's first one has.
fn begins_otherwise(body: &[u8]) -> bool {
    let Some(start) = body.iter().take(FIRST).position(|byte| *byte == b'"') else {
        return false;
    };
    let key = body.iter().skip(start + 1).take(FIRST);
    key.take_while(|byte| **byte != b'"')
        .any(|byte| matches!(byte, b'.' | b'_' | b'@'))
}

/// Within so many bytes are the beginning and the end of the first key.
const FIRST: usize = 32;

/// Opens an envelope. `None` when the body is something else.
pub(crate) fn enclosed(body: &[u8]) -> Option<Enclosed> {
    if begins_otherwise(body) || !has_sign(body) {
        return None;
    }
    let text = std::str::from_utf8(body).ok()?;
    let event: Value = serde_json::from_str(text).ok()?;
    gateway(&event)
        .or_else(|| edge(&event))
        .or_else(|| kinesis(&event))
        .or_else(|| firehose(&event))
}

/// API Gateway, load balancers, function URLs.
fn gateway(event: &Value) -> Option<Enclosed> {
    let encoded = event.get("isBase64Encoded").and_then(Value::as_bool);
    let context = event
        .get("requestContext")
        .filter(|context| context.is_object());
    if encoded.is_none() && context.is_none() {
        return None;
    }
    let body = event
        .get("body")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let mut enclosed = Enclosed::default();
    match (encoded, body) {
        (_, "") => {}
        (Some(true), body) => enclosed.push(decode_base64(body)),
        (_, body) => enclosed
            .bodies
            .push(Bytes::copy_from_slice(body.as_bytes())),
    }
    let single = event.get("headers").map(single_headers);
    let multi = event.get("multiValueHeaders").map(multi_headers);
    enclosed.headers = multi.filter(|headers| !headers.is_empty()).or(single);
    let at = |path: &str| event.pointer(path).and_then(Value::as_str);
    let source = at("/requestContext/http/sourceIp").or(at("/requestContext/identity/sourceIp"));
    enclosed.source = source.and_then(|text| text.parse().ok());
    let raw = at("/rawQueryString").map(str::to_owned);
    enclosed.query = raw
        .or_else(|| query_of(event))
        .filter(|query| !query.is_empty());
    Some(enclosed)
}

/// `queryStringParameters` as a query again.
fn query_of(event: &Value) -> Option<String> {
    let parameters = event.get("queryStringParameters")?.as_object()?;
    let pairs: Vec<String> = parameters
        .iter()
        .filter_map(|(key, value)| Some(format!("{}={}", escape(key), escape(value.as_str()?))))
        .collect();
    Some(pairs.join("&"))
}

fn escape(text: &str) -> String {
    text.replace('%', "%25")
        .replace('&', "%26")
        .replace('=', "%3D")
        .replace('+', "%2B")
}

fn single_headers(object: &Value) -> HeaderMap {
    let pairs = object.as_object().into_iter().flatten();
    collect(pairs.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?))))
}

fn multi_headers(object: &Value) -> HeaderMap {
    let pairs = object.as_object().into_iter().flatten();
    collect(pairs.flat_map(|(name, values)| {
        let values = values.as_array().into_iter().flatten();
        values.filter_map(move |value| Some((name.as_str(), value.as_str()?)))
    }))
}

fn collect<'v>(pairs: impl Iterator<Item = (&'v str, &'v str)>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.append(name, value);
        }
    }
    headers
}

/// Lambda@Edge.
fn edge(event: &Value) -> Option<Enclosed> {
    let request = event.pointer("/Records/0/cf/request")?;
    let mut enclosed = Enclosed::default();
    let text = |path: &str| request.pointer(path).and_then(Value::as_str);
    match (
        text("/body/encoding"),
        text("/body/data").unwrap_or_default(),
    ) {
        (_, "") => {}
        (Some("text"), data) => enclosed
            .bodies
            .push(Bytes::copy_from_slice(data.as_bytes())),
        (_, data) => enclosed.push(decode_base64(data)),
    }
    let cut = request
        .pointer("/body/inputTruncated")
        .and_then(Value::as_bool);
    enclosed.truncated = cut.unwrap_or(false);
    let headers = request.get("headers").and_then(Value::as_object);
    let pairs = headers.into_iter().flatten().flat_map(|(name, values)| {
        let values = values.as_array().into_iter().flatten();
        values.filter_map(move |entry| Some((name.as_str(), entry.get("value")?.as_str()?)))
    });
    enclosed.headers = Some(collect(pairs));
    enclosed.source = text("/clientIp").and_then(|text| text.parse().ok());
    enclosed.query = text("/querystring")
        .filter(|query| !query.is_empty())
        .map(str::to_owned);
    Some(enclosed)
}

/// What a Lambda function gets from a Kinesis stream.
fn kinesis(event: &Value) -> Option<Enclosed> {
    let records = event.get("Records")?.as_array()?;
    let data = |record: &Value| {
        let data = record.pointer("/kinesis/data").and_then(Value::as_str);
        data.map(str::to_owned)
    };
    records.first().and_then(data)?;
    let mut enclosed = Enclosed::default();
    for record in records {
        enclosed.push(data(record).and_then(|text| decode_base64(&text)));
    }
    Some(enclosed)
}

/// Firehose: its delivery to HTTP endpoints, and its transformation event.
fn firehose(event: &Value) -> Option<Enclosed> {
    let records = event.get("records")?.as_array()?;
    let is_base64 = |record: &Value| record.get("data").is_some_and(Value::is_string);
    if records.is_empty() || !records.iter().all(is_base64) {
        return None;
    }
    let mut enclosed = Enclosed::default();
    for record in records {
        let data = record.get("data").and_then(Value::as_str);
        enclosed.push(data.and_then(decode_base64));
    }
    let id = event.get("requestId").and_then(Value::as_str);
    enclosed.request_id = id.map(str::to_owned);
    Some(enclosed)
}

impl Enclosed {
    fn push(&mut self, body: Option<Bytes>) {
        match body {
            Some(body) => self.bodies.push(body),
            None => self.broken += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &str = "{\"a\":1}";
    const ENCODED: &str = "eyJhIjoxfQ==";

    fn open(text: &str) -> Enclosed {
        enclosed(text.as_bytes()).unwrap_or_else(|| panic!("no envelope: {text}"))
    }

    #[test]
    fn every_service_is_known() {
        let table = [
            format!(r#"{{"body":"{ENCODED}","isBase64Encoded":true}}"#),
            format!(
                r#"{{"version":"2.0","rawQueryString":"","headers":{{"user-agent":"UA"}},"requestContext":{{"http":{{"sourceIp":"192.0.2.7"}}}},"body":"{ENCODED}","isBase64Encoded":true}}"#
            ),
            r#"{"httpMethod":"POST","multiValueHeaders":{"User-Agent":["UA"]},"requestContext":{"identity":{"sourceIp":"192.0.2.7"}},"body":"{\"a\":1}","isBase64Encoded":false}"#.to_owned(),
            format!(
                r#"{{"requestContext":{{"elb":{{"targetGroupArn":"x"}}}},"headers":{{"user-agent":"UA"}},"body":"{ENCODED}","isBase64Encoded":true}}"#
            ),
            format!(
                r#"{{"Records":[{{"cf":{{"request":{{"clientIp":"192.0.2.7","headers":{{"user-agent":[{{"key":"User-Agent","value":"UA"}}]}},"body":{{"data":"{ENCODED}","encoding":"base64","inputTruncated":false}}}}}}}}]}}"#
            ),
            format!(r#"{{"Records":[{{"kinesis":{{"data":"{ENCODED}"}}}}]}}"#),
            format!(r#"{{"requestId":"r1","timestamp":1,"records":[{{"data":"{ENCODED}"}}]}}"#),
        ];
        for text in &table {
            let enclosed = open(text);
            assert_eq!(enclosed.bodies, [EVENT], "{text}");
            assert!(!enclosed.truncated && enclosed.broken == 0);
            if text.contains("192.0.2.7") {
                assert_eq!(enclosed.source, "192.0.2.7".parse().ok(), "{text}");
            }
            if text.contains("UA") {
                let headers = enclosed.headers.unwrap_or_default();
                assert_eq!(headers.get("user-agent").unwrap(), "UA", "{text}");
            }
        }
        assert_eq!(open(&table[6]).request_id.as_deref(), Some("r1"));
    }

    #[test]
    fn what_was_cut_or_is_no_base64_is_told() {
        let edge =
            r#"{"Records":[{"cf":{"request":{"body":{"data":"eyJ","inputTruncated":true}}}}]}"#;
        assert!(open(edge).truncated);
        let broken = r#"{"body":"%%%","isBase64Encoded":true}"#;
        assert_eq!(open(broken).broken, 1);
    }

    #[test]
    fn events_of_browsers_are_no_envelopes() {
        for text in [
            r#"{"event.action":"x"}"#,
            r#"{"records":[1,2]}"#,
            r#"{"records":[{"title":"x"}]}"#,
            r#"{"Records":"vinyl"}"#,
            r#"{"message":"\"requestContext\""}"#,
        ] {
            assert!(enclosed(text.as_bytes()).is_none(), "{text}");
        }
    }

    #[test]
    fn a_get_inside_has_its_query() {
        let v1 = r#"{"requestContext":{},"queryStringParameters":{"event.action":"a&b","x":"1"},"body":null}"#;
        assert_eq!(open(v1).query.as_deref(), Some("event.action=a%26b&x=1"));
    }
}
