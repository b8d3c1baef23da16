//! Log requests as a fleet of web servers sends them, and beacons as browsers do.

use otlp::write::{LogWriter, LogsWriter};
use otlp::{Payload, Value};

/// Number in the span id of the first record of a template. No other bytes of it look like this.
const FIRST: u64 = 0xb5e7_c0de_0000_0000;

/// A request that is sent again and again with other numbers in its records.
#[derive(Debug)]
pub struct Template {
    bytes: Vec<u8>,
    places: Vec<usize>,
}

impl Template {
    /// `records` records of 370 to 470 bytes with 7 attributes, one resource, one scope. Other seeds are other texts.
    pub fn new(seed: u64, records: usize) -> Template {
        let bytes = logs(seed, records).into_bytes().to_vec();
        let mut places = Vec::with_capacity(records);
        let mut from = 0;
        for record in 0..records as u64 {
            let id = (FIRST + record).to_be_bytes();
            let found = bytes[from..].windows(8).position(|window| window == id);
            from += found.unwrap_or_default();
            places.push(from);
        }
        Template { bytes, places }
    }

    /// The request with the numbers from `first` on as span ids.
    pub fn numbered(&self, first: u64) -> bytes::Bytes {
        let mut bytes = self.bytes.clone();
        for (number, place) in (first..).zip(&self.places) {
            // a span id of zeros would be none
            bytes[*place..place + 8].copy_from_slice(&(number + 1).to_be_bytes());
        }
        bytes.into()
    }
}

/// The number of a record of a [`Template`], or of a beacon that carried one as `bench.number`.
pub fn number_of(record: &otlp::LogRecord<'_>) -> Option<u64> {
    if let Ok(id) = <[u8; 8]>::try_from(record.span_id) {
        return u64::from_be_bytes(id).checked_sub(1);
    }
    match record.attributes().get("bench.number") {
        Some(Value::Int(number)) => u64::try_from(number).ok(),
        _ => None,
    }
}

/// A page view as a browser sends it: about 400 bytes of JSON, 10 fields.
pub fn beacon(number: u64) -> String {
    format!(
        r#"{{"@timestamp":"2026-07-14T09:30:00.{:03}Z","event":{{"action":"pageview","kind":"event","duration":{}}},"http":{{"request":{{"referrer":"https://news.example.org/item?id={}"}}}},"url":{{"full":"https://blog.example.com/posts/serverless-telemetry/?n={number}"}},"session":{{"id":"{:016x}"}},"page":{{"title":"Serverless telemetry"}},"bench":{{"number":{number}}}}}"#,
        number % 1000,
        42_000_000_000_u64 + number,
        number % 977,
        number.wrapping_mul(0x9e37_79b9_7f4a_7c15),
    )
}

/// A log request; the span ids count from [`FIRST`].
pub fn logs(seed: u64, records: usize) -> Payload {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut logs = LogsWriter::new();
    let service = format!("checkout-{}", random.below(20));
    let host = format!("ip-10-0-{}-{}", random.below(256), random.below(256));
    logs.resource(|r| {
        r.attribute("service.name", Value::String(&service));
        r.attribute("service.version", Value::String("1.14.2"));
        r.attribute("host.name", Value::String(&host));
        r.attribute("cloud.region", Value::String("eu-central-1"));
    });
    logs.scope(|s| {
        s.name("io.opentelemetry.nginx");
        s.version("0.9.1");
    });
    for number in 0..records as u64 {
        logs.record(|record| {
            write(record, &mut random);
            record.span_id(&(FIRST + number).to_be_bytes());
        });
    }
    logs.finish()
}

fn write(record: &mut LogWriter<'_>, random: &mut Random) {
    // one day, and not at its edge
    let time = 1_795_262_400_000_000_000 + random.below(80_000_000_000_000);
    let method = random.of(&["GET", "POST", "PUT", "DELETE"]);
    let status = [200, 200, 200, 201, 204, 301, 404, 500, 503][random.below(9) as usize];
    let path = format!("/api/v2/orders/{}/{}", random.below(1 << 20), random.word());
    let body = format!(
        "{method} {path} finished with {status} after {}",
        random.words(12)
    );
    let agent = format!("Mozilla/5.0 (X11; Linux x86_64) {}", random.words(2));
    let client = format!("192.168.{}.{}", random.below(256), random.below(256));
    let session = format!("{:016x}", random.next());
    record.time_unix_nano(time);
    record.observed_time_unix_nano(time + random.below(1 << 20));
    record.severity_number(if status < 400 { 9 } else { 17 });
    record.severity_text(if status < 400 { "INFO" } else { "ERROR" });
    record.body(Value::String(&body));
    record.attribute("http.request.method", Value::String(method));
    record.attribute("http.response.status_code", Value::Int(status));
    record.attribute("url.path", Value::String(&path));
    record.attribute("client.address", Value::String(&client));
    record.attribute("user_agent.original", Value::String(&agent));
    let duration = random.below(1 << 22) as i64;
    record.attribute("http.server.request.duration_us", Value::Int(duration));
    record.attribute("session.id", Value::String(&session));
    let trace = u128::from(random.next()) << 64 | u128::from(random.next());
    record.trace_id(&trace.to_be_bytes());
    record.flags(1);
}

/// Xorshift: the same inputs on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn of(&mut self, list: &[&'static str]) -> &'static str {
        list[self.below(list.len() as u64) as usize]
    }

    fn word(&mut self) -> &'static str {
        self.of(&[
            "alpha", "retry", "cart", "upstream", "ms", "cache", "of", "at",
        ])
    }

    fn words(&mut self, most: u64) -> String {
        let count = 1 + self.below(most);
        (0..count)
            .map(|_| self.word())
            .collect::<Vec<_>>()
            .join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use otlp::Signal;

    #[test]
    fn numbers_go_in_and_come_out() {
        let request = Template::new(3, 50).numbered(700);
        let payload = Payload::validate(Signal::Logs, request).expect("valid");
        assert!(
            (370..470).contains(&(payload.size() / 50)),
            "{}",
            payload.size() / 50
        );
        let scopes = payload.logs().flat_map(|r| r.scopes());
        let numbers: Vec<_> = scopes
            .flat_map(|s| s.records())
            .map(|r| number_of(&r))
            .collect();
        assert_eq!(numbers, (700..750).map(Some).collect::<Vec<_>>());
    }
}
