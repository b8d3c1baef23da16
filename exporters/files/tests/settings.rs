//! Settings: what is understood, and what mistakes are told.

use exporter_files::{Compression, Config, Encoding, Mapping, PartitionBy};
use pipeline::registry::ExporterConfig;
use pipeline::{Host, Signal};
use settings::{ByteSize, Duration, FixedEnvironment, Problems, Source};

fn read(body: &str) -> (Option<Config>, String) {
    let files = FixedEnvironment::new().with_file("c.yaml", &format!("files:\n{body}"));
    let mut problems = Problems::new();
    let tree = settings::load(&[Source::new("c.yaml")], &[], &files, &mut problems);
    let tree = tree.expect("the file is there");
    let node = tree.get("files").expect("it is written");
    let config = settings::decode_valid(node, "exporters::files", &mut problems);
    (config, problems.to_string())
}

#[test]
fn all_settings_are_read() {
    let (config, problems) = read(
        "  location: s3://my-lake/ecs\n  encoding: json_lines\n  compression: gzip\n  mapping: ecs\n  \
         partition: \"dt=!{timestamp:yyyy-MM-dd}\"\n  partition_by: arrival\n  max_open_partitions: 8\n  \
         roll: {size: 64MiB, after: 5m}\n  timeout: 10s\n",
    );
    let config = config.expect(&problems);
    assert_eq!(config.encoding, Encoding::JsonLines);
    assert_eq!(config.compression, Compression::Gzip);
    assert_eq!(config.mapping, Mapping::Ecs);
    assert_eq!(config.partition_by, PartitionBy::Arrival);
    assert_eq!(config.roll.size, ByteSize::mib(64));
    assert_eq!(config.roll.after, Duration::from_secs(300));
    let place = config.place().expect("is a bucket");
    assert_eq!(
        place.options().get("timeout").map(String::as_str),
        Some("10000ms")
    );
}

#[test]
fn mistakes_are_told_where_they_are() {
    for (body, part) in [
        ("  encoding: csv\n", "location"),
        (
            "  location: x\n  partition: \"!{timestamp:yy}\"\n",
            "c.yaml:3:",
        ),
        (
            "  location: x\n  compression: zstd\n",
            "does not go with parquet",
        ),
        (
            "  location: x\n  encoding: otlp_json\n  mapping: ecs\n",
            "chooses columns",
        ),
        ("  location: x\n  roll: {after: 0}\n", "roll::after"),
        ("  location: x\n  encoding: avro\n", "encoding"),
    ] {
        let (config, problems) = read(body);
        assert!(
            config.is_none() && problems.contains(part),
            "{body}: {problems}"
        );
    }
}

#[test]
fn spans_have_no_columns_in_ecs() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = Config {
        location: folder.path().display().to_string(),
        mapping: Mapping::Ecs,
        ..Config::default()
    };
    let id = "files".parse().expect("an id");
    let host = Host::new(usize::MAX);
    let error = config
        .build(&id, Signal::Traces, &host)
        .err()
        .expect("cannot be");
    assert!(
        error.to_string().contains("no columns for traces"),
        "{error}"
    );
}
