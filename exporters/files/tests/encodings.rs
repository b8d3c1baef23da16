//! What is in the files, and which file a record goes to.

use std::io::Read;
use std::path::Path;

use exporter_files::{Compression, Config, Encoding, Mapping, PartitionBy};
use otlp::write::LogsWriter;
use otlp::{Payload, Signal, Value};

use crate::contract::{config, entry, files, log, sink};

const HOUR: u64 = 3_600_000_000_000;

/// A record an hour from 1970 on, with its number as body.
fn hourly(hours: std::ops::Range<u64>) -> Payload {
    let mut writer = LogsWriter::new();
    writer.resource(|resource| {
        resource.attribute("service.name", Value::String("s"));
    });
    for hour in hours {
        let body = hour.to_string();
        writer.record(|record| {
            record.time_unix_nano(hour * HOUR + 1);
            record.body(Value::String(&body));
        });
    }
    writer.finish()
}

/// Commits the payloads as one flush, and reads the files of logs: path and content.
async fn written(config: &Config, payloads: Vec<Payload>) -> Vec<(String, Vec<u8>)> {
    let sink = sink(config);
    sink.resume(&log()).await.expect("opens");
    let mut last = 0;
    for payload in payloads {
        last += 1;
        sink.stage(entry(last, payload)).await.expect("stages");
    }
    sink.commit(last).await.expect("commits");
    let folder = Path::new(&config.location).join("logs");
    let read = |path: std::path::PathBuf| {
        let content = std::fs::read(folder.join(&path)).expect("reads");
        (path.display().to_string(), content)
    };
    files(&folder).into_iter().map(read).collect()
}

fn text(content: &[u8]) -> &str {
    std::str::from_utf8(content).expect("is text")
}

#[tokio::test(flavor = "multi_thread")]
async fn each_record_goes_to_the_folder_of_its_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = Config {
        encoding: Encoding::OtlpJson,
        partition: "!{timestamp:yyyy-MM-dd}/!{timestamp:HH}".to_owned(),
        ..config(folder.path())
    };
    let found = written(&config, vec![hourly(22..26), hourly(24..25)]).await;
    let paths: Vec<&str> = found.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "1970-01-01/22/logs-0badcafe-1-2.jsonl",
            "1970-01-01/23/logs-0badcafe-1-2.jsonl",
            "1970-01-02/00/logs-0badcafe-1-2.jsonl",
            "1970-01-02/01/logs-0badcafe-1-2.jsonl",
        ]
    );
    let requests: Vec<usize> = found
        .iter()
        .map(|(_, content)| text(content).lines().count())
        .collect();
    assert_eq!(requests, [1, 1, 2, 1]);
    for line in found.iter().flat_map(|(_, content)| text(content).lines()) {
        let request = otlp::json::read(Signal::Logs, line.as_bytes()).expect("is OTLP/JSON");
        assert_eq!(request.items(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hours_that_share_a_folder_share_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = Config {
        partition: "year=!{timestamp:yyyy}".to_owned(),
        ..config(folder.path())
    };
    let found = written(&config, vec![hourly(0..1000)]).await;
    assert_eq!(found.len(), 1);
    assert_eq!(text(&found[0].1).lines().count(), 1000);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_file_that_was_used_least_recently_makes_way() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = Config {
        max_open_partitions: 2,
        partition: "!{timestamp:HH}".to_owned(),
        ..config(folder.path())
    };
    let parts = vec![hourly(0..1), hourly(1..2), hourly(2..3), hourly(0..1)];
    let found = written(&config, parts).await;
    let paths: Vec<&str> = found.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "00/logs-0badcafe-1-4-2.jsonl",
            "00/logs-0badcafe-1-4.jsonl",
            "01/logs-0badcafe-1-4.jsonl",
            "02/logs-0badcafe-1-4.jsonl",
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn by_arrival_all_is_in_one_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = Config {
        partition_by: PartitionBy::Arrival,
        ..config(folder.path())
    };
    let found = written(&config, vec![hourly(0..100)]).await;
    assert_eq!(found.len(), 1);
    assert!(!found[0].0.starts_with("year=1970"), "{}", found[0].0);
}

#[tokio::test(flavor = "multi_thread")]
async fn protobuf_stands_behind_its_length() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = Config {
        encoding: Encoding::OtlpProto,
        compression: Compression::Zstd,
        partition: String::new(),
        ..config(folder.path())
    };
    let found = written(&config, vec![hourly(0..2), hourly(2..5)]).await;
    assert_eq!(found[0].0, "logs-0badcafe-1-2.binpb.zst");
    let content = zstd::decode_all(&*found[0].1).expect("is zstd");
    let (mut rest, mut items) = (&content[..], Vec::new());
    while let Some((length, behind)) = rest.split_first_chunk::<4>() {
        let (message, behind) = behind.split_at(u32::from_be_bytes(*length) as usize);
        let message = bytes::Bytes::copy_from_slice(message);
        items.push(
            Payload::validate(Signal::Logs, message)
                .expect("is OTLP")
                .items(),
        );
        rest = behind;
    }
    assert_eq!(items, [2, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn csv_has_one_header_and_all_columns() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = Config {
        encoding: Encoding::Csv,
        compression: Compression::Gzip,
        partition: String::new(),
        ..config(folder.path())
    };
    let found = written(&config, vec![hourly(0..2), hourly(2..3)]).await;
    assert_eq!(found[0].0, "logs-0badcafe-1-2.csv.gz");
    let mut content = String::new();
    let mut packed = flate2::read::GzDecoder::new(&*found[0].1);
    packed.read_to_string(&mut content).expect("is gzip");
    let lines: Vec<&str> = content.lines().collect();
    assert_eq!(lines.len(), 4, "{content}");
    assert!(lines[0].starts_with("record_id,time,time_unix_nano,service_name,"));
    assert!(lines[1].contains(",1970-01-01T00:00:00"), "{}", lines[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn ecs_events_have_flat_columns() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = Config {
        mapping: Mapping::Ecs,
        ..config(folder.path())
    };
    let found = written(&config, vec![hourly(0..1)]).await;
    let row: serde_json::Value = serde_json::from_slice(&found[0].1).expect("is JSON");
    assert_eq!(row["message"], "0");
    assert_eq!(row["service_name"], "s");
    assert!(row.get("log_level").is_none(), "no value, no key: {row}");
}
