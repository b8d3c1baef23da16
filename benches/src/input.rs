//! Log requests as a fleet of web servers sends them, and beacons as browsers do.

use std::fmt::Write;

use otlp::write::{LogWriter, LogsWriter};
use otlp::{Payload, Value};

/// Hosts of the fleet; each sends a request a second, and services share them out.
const HOSTS: u64 = 48;
const SERVICES: u64 = 12;
/// Noon of a day, so that the requests of hours are of one day.
const BEGIN: u64 = 1_795_262_400_000_000_000;
const SECOND: u64 = 1_000_000_000;

/// Span ids are the number of their record times this, so that they look like any others and can be read back.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
const GATHER: u64 = inverse(SPREAD);

/// The number that undoes the multiplication by an odd one (each step of Newton's doubles the bits that are right).
const fn inverse(odd: u64) -> u64 {
    let mut inverse = odd;
    let mut bits = 3;
    while bits < 64 {
        inverse = inverse.wrapping_mul(2_u64.wrapping_sub(odd.wrapping_mul(inverse)));
        bits *= 2;
    }
    inverse
}

/// The request of position `sequence`: the log of one host of the fleet in one second. Every request is written anew,
/// so that no text, id or time comes again: what repeats would flatter dictionaries and compression.
pub fn request(sequence: u64, records: usize) -> bytes::Bytes {
    logs(sequence, records).into_bytes()
}

/// The number of a record of a [`request`] (those of a request of `n` records count from `sequence * n` on), or of a
/// beacon that carried one as `bench.number`.
pub fn number_of(record: &otlp::LogRecord<'_>) -> Option<u64> {
    if let Ok(id) = <[u8; 8]>::try_from(record.span_id) {
        return u64::from_be_bytes(id).wrapping_mul(GATHER).checked_sub(1);
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

/// [`request`] before it is bytes: records of 370 to 470 bytes with 7 attributes, one resource, one scope, times that
/// rise within a second which all hosts share.
pub fn logs(sequence: u64, records: usize) -> Payload {
    let host = sequence % HOSTS;
    let mut logs = LogsWriter::new();
    let service = format!("checkout-{}", host % SERVICES);
    let name = format!("ip-10-0-{}-{}", host % 3, 17 + host * 5);
    logs.resource(|r| {
        r.attribute("service.name", Value::String(&service));
        r.attribute("service.version", Value::String("1.14.2"));
        r.attribute("host.name", Value::String(&name));
        r.attribute("cloud.region", Value::String("eu-central-1"));
    });
    logs.scope(|s| {
        s.name("io.opentelemetry.nginx");
        s.version("0.9.1");
    });
    let mut random = Random(sequence.wrapping_add(1).wrapping_mul(SPREAD) | 1);
    let mut texts = Texts::default();
    let step = SECOND / records.max(1) as u64;
    for index in 0..records as u64 {
        let time = BEGIN + sequence / HOSTS * SECOND + index * step + random.below(step);
        let number = sequence * records as u64 + index;
        logs.record(|record| {
            write(record, &mut random, &mut texts, time);
            // 0 would be no span id
            let span = (number + 1).wrapping_mul(SPREAD);
            record.span_id(&span.to_be_bytes());
        });
    }
    logs.finish()
}

/// Room for the texts of a record.
#[derive(Default)]
struct Texts {
    path: String,
    body: String,
    agent: String,
    client: String,
    session: String,
}

fn write(record: &mut LogWriter<'_>, random: &mut Random, texts: &mut Texts, time: u64) {
    let Texts {
        path,
        body,
        agent,
        client,
        session,
    } = texts;
    for text in [
        &mut *path,
        &mut *body,
        &mut *agent,
        &mut *client,
        &mut *session,
    ] {
        text.clear();
    }
    let method = random.of(&["GET", "POST", "PUT", "DELETE"]);
    let status = [200, 200, 200, 201, 204, 301, 404, 500, 503][random.below(9) as usize];
    // writing to a text cannot fail
    let _ = write!(
        path,
        "/api/v2/orders/{}/{}",
        random.below(1 << 20),
        random.word()
    );
    let _ = write!(body, "{method} {path} finished with {status} after ");
    random.words(12, body);
    let (system, version) = (random.of(&SYSTEMS), 100 + random.below(40));
    let _ = write!(agent, "Mozilla/5.0 ({system}) Firefox/{version}.0");
    let _ = write!(
        client,
        "192.168.{}.{}",
        random.below(256),
        random.below(256)
    );
    let _ = write!(session, "{:016x}", random.next());
    record.time_unix_nano(time);
    record.observed_time_unix_nano(time + random.below(1 << 20));
    record.severity_number(if status < 400 { 9 } else { 17 });
    record.severity_text(if status < 400 { "INFO" } else { "ERROR" });
    record.body(Value::String(body));
    record.attribute("http.request.method", Value::String(method));
    record.attribute("http.response.status_code", Value::Int(status));
    record.attribute("url.path", Value::String(path));
    record.attribute("client.address", Value::String(client));
    record.attribute("user_agent.original", Value::String(agent));
    let duration = random.below(1 << 22) as i64;
    record.attribute("http.server.request.duration_us", Value::Int(duration));
    record.attribute("session.id", Value::String(session));
    let trace = u128::from(random.next()) << 64 | u128::from(random.next());
    record.trace_id(&trace.to_be_bytes());
    record.flags(1);
}

const SYSTEMS: [&str; 5] = [
    "X11; Linux x86_64",
    "Windows NT 10.0; Win64; x64",
    "Macintosh; Intel Mac OS X 10.15",
    "Android 14; Mobile",
    "iPhone; CPU iPhone OS 17_5 like Mac OS X",
];

const WORDS: [&str; 64] = [
    "alpha",
    "retry",
    "cart",
    "upstream",
    "ms",
    "cache",
    "of",
    "at",
    "order",
    "payment",
    "timeout",
    "queue",
    "worker",
    "pool",
    "is",
    "full",
    "customer",
    "session",
    "expired",
    "token",
    "refresh",
    "stock",
    "reserved",
    "for",
    "item",
    "warehouse",
    "region",
    "shard",
    "replica",
    "lag",
    "commit",
    "rollback",
    "lock",
    "wait",
    "slow",
    "query",
    "index",
    "scan",
    "rows",
    "read",
    "write",
    "bytes",
    "sent",
    "received",
    "peer",
    "reset",
    "connection",
    "closed",
    "handshake",
    "done",
    "limit",
    "rate",
    "bucket",
    "voucher",
    "applied",
    "price",
    "total",
    "currency",
    "converted",
    "address",
    "checked",
    "mail",
    "to",
    "delivery",
];

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
        self.of(&WORDS)
    }

    fn words(&mut self, most: u64, out: &mut String) {
        for _ in 0..1 + self.below(most) {
            out.push_str(self.word());
            out.push(' ');
        }
        out.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use otlp::Signal;

    #[test]
    fn numbers_go_in_and_come_out() {
        let payload = Payload::validate(Signal::Logs, request(14, 50)).expect("valid");
        let scopes = payload.logs().flat_map(|r| r.scopes());
        let numbers: Vec<_> = scopes
            .flat_map(|s| s.records())
            .map(|r| number_of(&r))
            .collect();
        assert_eq!(numbers, (700..750).map(Some).collect::<Vec<_>>());
    }

    #[test]
    fn records_have_the_size_that_figures_are_given_for() {
        for sequence in 0..HOSTS {
            let size = request(sequence, 1000).len() / 1000;
            assert!((370..470).contains(&size), "{size}");
        }
    }
}
