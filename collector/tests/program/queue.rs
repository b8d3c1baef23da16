//! `pharos queue`, on queues that the test wrote.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use otlp::{Payload, Signal};
use wal::{Append, Event, Log, Options, OsDisk, Position, Start};

use crate::kit::{Collector, Ended, Folder, MINIMAL, post_logs};

/// A request with one log record for each body.
fn request(bodies: &[&str]) -> Payload {
    let records: Vec<String> = bodies
        .iter()
        .map(|body| format!("{{\"body\":{{\"stringValue\":\"{body}\"}}}}"))
        .collect();
    let json = format!(
        "{{\"resourceLogs\":[{{\"scopeLogs\":[{{\"logRecords\":[{}]}}]}}]}}",
        records.join(",")
    );
    otlp::json::read(Signal::Logs, json.as_bytes()).expect("a request")
}

fn open(directory: &Path) -> Log {
    let disk = OsDisk::new(directory).expect("a directory");
    let observer = |event: &Event| panic!("{event}");
    Log::open(Arc::new(disk), Options::default(), Arc::new(observer)).expect("a log")
}

/// An entry as the queue writes it, from an hour after 1970; the second of each
/// three with what is known of its sender in front.
fn append(log: &Log, bodies: &[&str]) -> Position {
    let payload = request(bodies);
    let (mut tag, mut parts) = (1, vec![payload.clone().into_bytes()]);
    if bodies.len() == 2 {
        let context = b"{\"metadata\":{\"x-tenant\":[\"a\"]}}";
        let mut head = (context.len() as u32).to_le_bytes().to_vec();
        head.extend(context);
        tag |= 1 << 8;
        parts.insert(0, Bytes::from(head));
    }
    let entry = Append {
        time: 3_600_000,
        tag,
        items: payload.items() as u32,
        payload: parts,
    };
    log.append_and_wait(entry).expect("room")
}

/// The queue of pipeline `logs/a` with three entries of 1, 2 and 3 records, of
/// which `otlp_grpc/backup` has sent the first and `delta` none; and what the
/// exporter `old` left behind when it had sent two.
fn filled(folder: &Folder) -> Log {
    let log = open(&folder.path("storage/queue/logs~002Fa"));
    log.cursor("delta", Start::Oldest).expect("a cursor");
    let backup = log.cursor("otlp_grpc/backup", Start::Oldest);
    let backup = backup.expect("a cursor");
    let old = log.cursor("old", Start::Oldest).expect("a cursor");
    let first = append(&log, &["one"]);
    let second = append(&log, &["two", "three"]);
    append(&log, &["four", "five", "six"]);
    backup.acknowledge(first).expect("a position");
    old.acknowledge(second).expect("a position");
    let aside = folder.path("storage/set_aside/logs~002Fa/old");
    log.set_aside("old", &aside).expect("a disk that writes");
    log
}

fn storage<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    [&["queue"], arguments, &["--directory", "storage"]].concat()
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).expect("JSON")
}

/// The names and contents of all files below a directory.
fn files(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("a file").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let bytes = fs::read(&path).expect("its bytes");
            found.push((path.display().to_string(), bytes));
        }
    }
    found.sort();
    found
}

/// Flips a bit where `part` stands in the first segment.
fn damage(directory: &Path, part: &str) {
    let path = directory.join("00000000000000000001.wal");
    let mut bytes = fs::read(&path).expect("its bytes");
    let mut windows = bytes.windows(part.len());
    let at = windows.position(|window| window == part.as_bytes());
    bytes[at.expect("it is there")] ^= 1;
    fs::write(&path, bytes).expect("a write");
}

#[test]
fn queues_are_listed_beside_the_process_that_has_them() {
    let folder = Folder::new();
    let _running = filled(&folder);
    let before = files(&folder.path("storage"));
    let text = folder.run(storage(&["list"])).quietly();
    let lines: Vec<Vec<&str>> = text
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(
        lines[0],
        ["QUEUE", "ENTRIES", "ITEMS", "BYTES", "OLDEST", "EXPORTERS"]
    );
    assert_eq!(lines[1][..3], ["logs/a", "3", "6"], "{text}");
    assert_eq!(lines[1][7..], ["delta,", "otlp_grpc/backup"], "{text}");
    assert_eq!(lines[2][..3], ["set_aside/logs~002Fa/old", "1", "3"]);
    assert_eq!(lines.len(), 3, "{text}");

    let list = json(&folder.run(storage(&["list", "--format", "json"])).quietly());
    let queue = &list[0];
    assert_eq!(
        (&queue["queue"], &queue["kind"]),
        (&"logs/a".into(), &"queue".into())
    );
    assert_eq!((&queue["entries"], &queue["items"]), (&3.into(), &6.into()));
    assert_eq!(queue["oldest_unix_ms"], 3_600_000);
    assert!(queue["oldest_age_seconds"].as_u64() > Some(1_600_000_000));
    assert_eq!(list[1]["kind"], "set_aside");
    assert_eq!(
        files(&folder.path("storage")),
        before,
        "nothing was changed"
    );
}

#[test]
fn a_queue_is_described_whole() {
    let folder = Folder::new();
    let log = filled(&folder);
    let id = log.id().to_string();
    log.close();
    let aside = folder.path("storage/queue/logs~002Fa/00000000000000000007.wal.quarantined");
    fs::write(aside, b"12345").expect("a file");
    let text = folder.run(storage(&["inspect", "logs/a"])).quietly();
    for part in [
        "logs/a (sending queue)\n",
        &format!("  log id     {id}\n"),
        "  waiting    3 entries, 6 items, ",
        "  EXPORTER          POSITION  ENTRIES  ITEMS  ",
        "  delta                    1        3      6  ",
        "  otlp_grpc/backup         2        2      5  ",
        "  00000000000000000001.wal      1        3      6  ",
        "  set aside because of damage: 00000000000000000007.wal.quarantined (5 B)\n",
    ] {
        assert!(text.contains(part), "{part:?} is missing in:\n{text}");
    }
    let all = json(&folder.run(storage(&["inspect", "-f", "json"])).quietly());
    assert_eq!(all.as_array().map(Vec::len), Some(2));
    assert_eq!(all[0]["id"], id.as_str());
    assert_eq!(all[0]["next"], 4);
    assert_eq!(all[0]["segments"][0]["entries"], 3);
    assert_eq!(all[0]["exporters"][1]["exporter"], "otlp_grpc/backup");
    assert_eq!(all[0]["exporters"][1]["items"], 5);
    assert_eq!(
        all[0]["exporters"][1]["configured"],
        serde_json::Value::Null
    );
    assert_eq!(all[0]["quarantined"][0]["bytes"], 5);
    assert_eq!(all[1]["id"], id.as_str(), "a part of the same log");
    assert_eq!(all[1]["exporters"][0]["position"], 3);
}

#[test]
fn one_queue_can_be_named_by_its_directory() {
    let folder = Folder::new();
    filled(&folder).close();
    let directory = "storage/queue/logs~002Fa";
    let list = folder.run(["queue", "list", "-f", "json", "--directory", directory]);
    let list = json(&list.quietly());
    assert_eq!(list.as_array().map(Vec::len), Some(1));
    assert_eq!(list[0]["queue"], "logs/a");
    let directory = "storage/set_aside/logs~002Fa/old";
    let list = folder.run(["queue", "list", "-f", "json", "--directory", directory]);
    assert_eq!(json(&list.quietly())[0]["kind"], "set_aside");
    fs::rename(folder.path("storage/queue/logs~002Fa"), folder.path("copy")).expect("a rename");
    let purge = [
        "queue",
        "purge",
        "copy",
        "--exporter",
        "delta",
        "-y",
        "--directory",
        "copy",
    ];
    let said = folder.run(purge).quietly();
    assert!(said.starts_with("queue copy: 3 entries, "), "{said}");
    let list = folder.run(["queue", "list", "-f", "json", "--directory", "copy"]);
    let list = json(&list.quietly());
    assert_eq!(
        (&list[0]["kind"], &list[0]["items"]),
        (&"queue".into(), &5.into())
    );
}

#[test]
fn what_is_not_there_is_said_so() {
    let folder = Folder::new();
    folder
        .run(storage(&["list"]))
        .refused_with(&["cannot read storage: No such file or directory"]);
    folder.run(["queue", "list"]).refused_with(&[
        "no queue: name the directory",
        "--directory DIR",
        "--config FILE",
    ]);
    fs::create_dir(folder.path("storage")).expect("a directory");
    let none = folder.run(storage(&["list"])).quietly();
    assert_eq!(none, "no queue in storage\n");
    filled(&folder).close();
    folder
        .run(storage(&["inspect", "logs/b"]))
        .refused_with(&["no queue \"logs/b\" in storage: logs/a, set_aside/logs~002Fa/old"]);
    folder
        .run(storage(&["export"]))
        .refused_with(&["several queues, name one: logs/a, set_aside/"]);
    folder
        .run(storage(&["export", "logs/a", "--exporter", "nobody"]))
        .refused_with(&["queue logs/a", "no exporter \"nobody\""]);
}

#[test]
fn damage_is_found_and_said_with_exit_code_1() {
    let folder = Folder::new();
    filled(&folder).close();
    let sound = folder.run(storage(&["verify"])).quietly();
    assert!(
        sound.starts_with("logs/a: 3 whole entries, 6 items, "),
        "{sound}"
    );
    assert!(sound.ends_with(": no damage\n"), "{sound}");
    let directory = folder.path("storage/queue/logs~002Fa");
    damage(&directory, "three");
    let Ended { code, out, err } = folder.run(storage(&["verify", "logs/a"]));
    assert_eq!(code, Some(1));
    let lines: Vec<&str> = out.lines().collect();
    assert!(
        lines[0].starts_with("logs/a: 2 whole entries, 4 items, "),
        "{out}"
    );
    assert!(lines[0].ends_with(": DAMAGED"), "{out}");
    assert_eq!(
        lines[1],
        "  00000000000000000001.wal: entry 2 (2 items): the payload is not what was written"
    );
    assert!(err.starts_with("Error: 1 of 1 queue is damaged; "), "{err}");

    let path = directory.join("cursors");
    let mut bytes = fs::read(&path).expect("its bytes");
    bytes[20] ^= 1;
    fs::write(&path, bytes).expect("a write");
    let Ended { code, out, .. } = folder.run(storage(&["verify"]));
    assert_eq!(code, Some(1));
    assert!(
        out.contains("  cursors: the checksum of its header is wrong\n"),
        "{out}"
    );
    assert!(out.contains("may deliver again"), "{out}");
}

#[test]
fn telemetry_is_exported_as_lines_of_json_and_stays() {
    let folder = Folder::new();
    let _running = filled(&folder);
    let before = files(&folder.path("storage"));
    let text = folder.run(storage(&["export", "logs/a"])).quietly();
    let mut expected = Vec::new();
    for bodies in [&["one"][..], &["two", "three"], &["four", "five", "six"]] {
        otlp::json::write(&request(bodies), &mut expected);
        expected.push(b'\n');
    }
    assert_eq!(text.as_bytes(), expected);
    let only = ["export", "logs/a", "--exporter", "otlp_grpc/backup"];
    let text = folder.run(storage(&only)).quietly();
    assert_eq!(text.lines().count(), 2);
    assert!(!text.contains("\"one\""), "{text}");
    let left = folder.run(storage(&[
        "export",
        "set_aside/logs~002Fa/old",
        "--exporter",
        "old",
    ]));
    let left = left.quietly();
    assert!(
        left.contains("\"six\"") && left.lines().count() == 1,
        "{left}"
    );
    assert_eq!(
        files(&folder.path("storage")),
        before,
        "nothing was changed"
    );
}

#[test]
fn telemetry_is_exported_as_upstream_frames_protobuf() {
    let folder = Folder::new();
    filled(&folder).close();
    let arguments = [
        "export", "logs/a", "--format", "proto", "--output", "out.bin",
    ];
    let said = folder.run(storage(&arguments)).quietly();
    assert_eq!(
        said,
        "3 entries, 6 items written to out.bin; the queue is as it was\n"
    );
    let mut rest = &fs::read(folder.path("out.bin")).expect("the output")[..];
    let mut counts = Vec::new();
    while let Some((length, behind)) = rest.split_first_chunk::<4>() {
        let (message, behind) = behind.split_at(u32::from_be_bytes(*length) as usize);
        let message = Bytes::copy_from_slice(message);
        let payload = Payload::validate(Signal::Logs, message).expect("valid OTLP");
        counts.push(payload.items());
        rest = behind;
    }
    assert_eq!(counts, [1, 2, 3]);
    folder
        .run(storage(&arguments))
        .refused_with(&["cannot make out.bin: File exists"]);
}

#[test]
fn what_cannot_be_exported_is_named_and_is_a_failure() {
    let folder = Folder::new();
    filled(&folder).close();
    damage(&folder.path("storage/queue/logs~002Fa"), "three");
    let Ended { code, out, err } = folder.run(storage(&["export", "logs/a"]));
    assert_eq!((code, out.lines().count()), (Some(1), 2), "{out}");
    assert!(err.starts_with("Warning: entry 2 cannot be read"), "{err}");
    assert!(err.contains("1 entry could not be read"), "{err}");
}

#[test]
fn a_purge_asks_and_wants_the_queue_for_itself() {
    let folder = Folder::new();
    let log = filled(&folder);
    folder
        .run(storage(&["purge", "logs/a", "--yes"]))
        .refused_with(&[
            "queue logs/a",
            "a collector has it open; stop that one first",
        ]);
    log.close();
    folder.run(storage(&["purge", "logs/a"])).refused_with(&[
        "3 entries, 6 items, ",
        "will be lost",
        "Pass --yes",
    ]);
    let list = || {
        let list = folder.run(storage(&["list", "-f", "json"])).quietly();
        json(&list)
    };
    assert_eq!(list()[0]["items"], 6, "nothing was removed");

    let purge = ["purge", "logs/a", "--exporter", "delta", "--yes"];
    let said = folder.run(storage(&purge)).quietly();
    assert!(
        said.starts_with("queue logs/a: 3 entries, 6 items, "),
        "{said}"
    );
    assert!(said.ends_with(" removed\n"), "{said}");
    assert_eq!(list()[0]["items"], 5, "the other exporter keeps its own");

    let said = folder.run(storage(&["purge", "logs/a", "--yes"])).quietly();
    assert!(
        said.starts_with("queue logs/a: 2 entries, 5 items, "),
        "{said}"
    );
    assert_eq!(list()[0]["items"], 0);
    assert_eq!(list()[0]["exporters"].as_array().map(Vec::len), Some(2));

    let aside = ["purge", "set_aside/logs~002Fa/old", "--yes"];
    let said = folder.run(storage(&aside)).quietly();
    assert!(said.contains(": 1 entry, 3 items, "), "{said}");
    assert!(!folder.path("storage/set_aside/logs~002Fa/old").exists());

    let log = open(&folder.path("storage/queue/logs~002Fa"));
    assert_eq!(append(&log, &["later"]).sequence(), 4, "numbers go on");
}

#[test]
fn a_purge_of_an_unknown_exporter_removes_nothing() {
    let folder = Folder::new();
    filled(&folder).close();
    folder
        .run(storage(&["purge", "logs/a", "--exporter", "dleta", "-y"]))
        .refused_with(&["no exporter \"dleta\"; it has delta, otlp_grpc/backup"]);
    let list = json(&folder.run(storage(&["list", "-f", "json"])).quietly());
    assert_eq!(list[0]["items"], 6);
}

/// Two exporters that nobody answers, with their queue in `storage`.
fn config(exporters: &str) -> String {
    format!(
        "\
extensions:
  file_storage: {{directory: storage, create_directory: true}}
receivers:
  otlp: {{protocols: {{http: {{endpoint: 127.0.0.1:0}}}}}}
exporters:
  otlp_http/one: {{endpoint: 'http://127.0.0.1:1', sending_queue: {{storage: file_storage}}}}
  otlp_http/two: {{endpoint: 'http://127.0.0.1:1', sending_queue: {{storage: file_storage}}}}
service:
  extensions: [file_storage]
  pipelines:
    logs: {{receivers: [otlp], exporters: [{exporters}]}}
  telemetry:
    metrics: {{level: none}}
"
    )
}

#[test]
fn the_queues_of_a_collector_are_found_through_its_configuration() {
    let folder = Folder::new();
    let both = folder.file("both.yaml", &config("otlp_http/one, otlp_http/two"));
    let list = |config: &str| {
        let list = folder.run(["queue", "list", "--format", "json", "--config", config]);
        json(&list.quietly())
    };
    let mut collector = Collector::start(&mut folder.pharos(["--config", &both]));
    let address = collector.address("Listening: http");
    post_logs(&address, &["one", "two"]);
    post_logs(&address, &["three"]);

    let running = list(&both);
    assert_eq!(running.as_array().map(Vec::len), Some(1), "{running}");
    assert_eq!(running[0]["queue"], "logs");
    assert_eq!(
        (&running[0]["entries"], &running[0]["items"]),
        (&2.into(), &3.into())
    );
    assert!(running[0]["oldest_age_seconds"].as_u64() < Some(600));
    let exporters: Vec<_> = running[0]["exporters"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|e| {
            (
                e["exporter"].as_str(),
                e["items"].as_u64(),
                e["configured"].as_bool(),
            )
        })
        .collect();
    assert_eq!(
        exporters,
        [
            (Some("otlp_http/one"), Some(3), Some(true)),
            (Some("otlp_http/two"), Some(3), Some(true))
        ]
    );
    let exported = folder.run(["queue", "export", "--config", &both]).quietly();
    assert_eq!(exported.lines().count(), 2);
    assert!(exported.contains("\"three\""), "{exported}");
    folder
        .run(["queue", "purge", "logs", "--yes", "--config", &both])
        .refused_with(&["queue logs", "a collector has it open"]);
    collector.stop();

    let one = folder.file("one.yaml", &config("otlp_http/one"));
    let removed = list(&one);
    assert_eq!(removed[0]["exporters"][1]["configured"], false, "{removed}");
    let table = folder.run(["queue", "list", "--config", &one]).quietly();
    assert!(table.contains("otlp_http/two (not configured)"), "{table}");

    let collector = Collector::start(&mut folder.pharos(["--config", &one]));
    let set_aside = list(&one);
    assert_eq!(set_aside[0]["exporters"].as_array().map(Vec::len), Some(1));
    assert_eq!(set_aside[1]["queue"], "set_aside/logs/otlp_http~002Ftwo");
    assert_eq!(set_aside[1]["items"], 3, "{set_aside}");
    collector.stop();
    let said = folder.run(["queue", "purge", "logs", "-y", "--config", &one]);
    assert!(
        said.quietly()
            .starts_with("queue logs: 2 entries, 3 items, ")
    );
    assert_eq!(list(&one)[0]["items"], 0);
    assert_eq!(list(&one)[1]["items"], 3, "what was set aside stays");
}

#[test]
fn a_configuration_without_storage_has_no_queue() {
    let folder = Folder::new();
    let config = folder.file("config.yaml", MINIMAL);
    folder
        .run(["queue", "list", "--config", &config])
        .refused_with(&[
            "the configuration has no file_storage extension",
            "--directory DIR",
        ]);
}
