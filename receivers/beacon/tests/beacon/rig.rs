//! A running receiver, a consumer that remembers, and requests written by hand.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use pipeline::{Clock, Host, Outlet, Outputs, Payload, Running, Signal};
use serde_json::{Map, Value};
use settings::{ComponentId, Problems};
use test_kit::ScriptedConsumer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The time at which everything happens: 2025-01-01T00:00:00Z.
pub(crate) const NOW: u64 = 1_735_689_600_000_000_000;
const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36";

/// A receiver at work.
pub(crate) struct Rig {
    pub(crate) consumer: ScriptedConsumer,
    address: SocketAddr,
    running: Running,
}

/// What a client reads.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

/// Settings as in a file.
pub(crate) fn decode(yaml: &str) -> Result<Box<dyn pipeline::registry::ReceiverConfig>, String> {
    let mut problems = Problems::new();
    let files = settings::FixedEnvironment::new().with_file("c.yaml", yaml);
    let node = settings::load(
        &[settings::Source::new("c.yaml")],
        &[],
        &files,
        &mut problems,
    );
    let decoded = node.and_then(|node| {
        (receiver_beacon::factory().decode)(&node, "receivers::beacon", &mut problems)
    });
    decoded
        .filter(|_| problems.errors().is_empty())
        .ok_or(problems.to_string())
}

impl Rig {
    /// Starts a receiver with these settings and a port of its own.
    pub(crate) async fn start(yaml: &str) -> Rig {
        let yaml = format!("endpoint: 127.0.0.1:0\n{yaml}");
        let config = decode(&yaml).unwrap_or_else(|problems| panic!("{problems}"));
        let consumer = ScriptedConsumer::new();
        let mut outputs = Outputs::default();
        outputs.set(Signal::Logs, Outlet::new(consumer.consumer()));
        let id: ComponentId = "beacon".parse().unwrap();
        let mut host = Host::new(64 << 20);
        host.clock = Clock::fixed(NOW);
        let receiver = config.build(&id, outputs).unwrap();
        let running = receiver.start(host).await.unwrap();
        Rig {
            address: running.addresses[0].1,
            consumer,
            running,
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops and waits for the end.
    pub(crate) async fn stop(self) -> Result<(), String> {
        self.running.stop.cancel();
        self.running.done.await.unwrap()
    }

    /// One request on a connection of its own. The user agent is a browser's
    /// unless `headers` say another.
    pub(crate) async fn send(
        &self,
        line: &str,
        headers: &[(&str, &str)],
        body: impl AsRef<[u8]>,
    ) -> Reply {
        let body = body.as_ref();
        let mut head = format!("{line} HTTP/1.1\r\nconnection: close\r\n");
        let has = |name: &str| {
            headers
                .iter()
                .any(|(known, _)| known.eq_ignore_ascii_case(name))
        };
        if !has("host") {
            head.push_str("host: c.example\r\n");
        }
        if !has("user-agent") {
            head.push_str(&format!("user-agent: {BROWSER}\r\n"));
        }
        for (name, value) in headers.iter().filter(|(_, value)| !value.is_empty()) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() || line.starts_with("POST") {
            head.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        self.raw(&[head.as_bytes(), body].concat()).await
    }

    /// A beacon as `sendBeacon(url, text)` sends it.
    pub(crate) async fn beacon(&self, body: impl AsRef<[u8]>) -> Reply {
        self.send(
            "POST /b",
            &[("content-type", "text/plain;charset=UTF-8")],
            body,
        )
        .await
    }

    /// Bytes as they are.
    pub(crate) async fn raw(&self, request: &[u8]) -> Reply {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        // A server that refuses early may close before everything is written.
        let _ = stream.write_all(request).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        parse(&answer)
    }

    /// All records that came through, in order.
    pub(crate) fn records(&self) -> Vec<Value> {
        let payloads = self.consumer.taken().into_iter().map(|batch| batch.payload);
        payloads.flat_map(|payload| records(&payload)).collect()
    }

    /// The attributes of the only record; fails when there are more.
    pub(crate) fn attributes(&self) -> Map<String, Value> {
        let records = self.records();
        assert_eq!(records.len(), 1, "{records:?}");
        attributes(&records[0])
    }
}

fn parse(answer: &[u8]) -> Reply {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let end = end.unwrap_or_else(|| panic!("no answer: {}", String::from_utf8_lossy(answer)));
    let head = std::str::from_utf8(&answer[..end]).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines
        .next()
        .unwrap()
        .split(' ')
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        let joined = headers.entry(name.to_ascii_lowercase()).or_default();
        if !joined.is_empty() {
            joined.push_str(", ");
        }
        joined.push_str(value);
    }
    Reply {
        status,
        headers,
        body: answer[end + 4..].to_vec(),
    }
}

/// The records of a payload, with `resource` beside their own fields.
pub(crate) fn records(payload: &Payload) -> Vec<Value> {
    let mut json = Vec::new();
    otlp::json::write(payload, &mut json);
    let request: Value = serde_json::from_slice(&json).unwrap();
    let mut records = Vec::new();
    for resource in request["resourceLogs"].as_array().into_iter().flatten() {
        for scope in resource["scopeLogs"].as_array().into_iter().flatten() {
            for record in scope["logRecords"].as_array().into_iter().flatten() {
                let mut record = record.clone();
                record["resource"] = Value::Object(plain(&resource["resource"]["attributes"]));
                records.push(record);
            }
        }
    }
    records
}

/// The attributes of a record as plain JSON.
pub(crate) fn attributes(record: &Value) -> Map<String, Value> {
    plain(&record["attributes"])
}

fn plain(list: &Value) -> Map<String, Value> {
    let pairs = list.as_array().into_iter().flatten();
    let mut map = Map::new();
    for pair in pairs {
        let key = pair["key"].as_str().unwrap().to_owned();
        let before = map.insert(key, value(&pair["value"]));
        assert!(before.is_none(), "{} twice", pair["key"]);
    }
    map
}

fn value(any: &Value) -> Value {
    let (kind, content) = any.as_object().unwrap().iter().next().unwrap();
    match kind.as_str() {
        "intValue" => content.as_str().unwrap().parse::<i64>().unwrap().into(),
        "arrayValue" => content["values"]
            .as_array()
            .into_iter()
            .flatten()
            .map(value)
            .collect(),
        "kvlistValue" => Value::Object(plain(&content["values"])),
        _ => content.clone(),
    }
}
