//! Lakes with something in them, and questions to them.

use std::path::Path;

use lake_layout::{Kind, TableSpec};
use lake_sql::{Format, QueryError, Session, SessionSettings, Source};
use lake_table::{Lake, LakeSettings, Location};
use otlp::{Payload, Signal};

/// 2026-11-20T00:00:00Z
pub(crate) const DAY: u64 = 20_777 * 86_400_000_000_000;
pub(crate) const NEXT_DAY: u64 = DAY + 86_400_000_000_000;

/// A log record: `time` in nanoseconds, an event name, a body as OTLP JSON, and its attributes.
pub(crate) fn event(time: u64, name: &str, body: &str, attributes: &[(&str, &str)]) -> String {
    let attributes: Vec<String> = attributes
        .iter()
        .map(|(key, value)| format!(r#"{{"key":"{key}","value":{{"stringValue":"{value}"}}}}"#))
        .collect();
    format!(
        r#"{{"timeUnixNano":"{time}","eventName":"{name}","severityNumber":9,"body":{body},"attributes":[{}]}}"#,
        attributes.join(",")
    )
}

pub(crate) fn text(value: &str) -> String {
    format!(r#"{{"stringValue":"{value}"}}"#)
}

pub(crate) fn logs(records: &[String]) -> Payload {
    let json = format!(
        r#"{{"resourceLogs":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"shop"}}}}]}},"scopeLogs":[{{"logRecords":[{}]}}]}}]}}"#,
        records.join(",")
    );
    otlp::json::read(Signal::Logs, json.as_bytes()).unwrap()
}

pub(crate) async fn open_lake(location: Location) -> Lake {
    let specs = vec![TableSpec::new(Kind::Logs), TableSpec::new(Kind::Traces)];
    let settings = LakeSettings {
        log_id: Some("log".to_owned()),
        ..LakeSettings::new(location, specs)
    };
    Lake::open(settings).await.unwrap()
}

pub(crate) async fn open_directory(directory: &Path) -> Lake {
    open_lake(Location::parse(directory.to_str().unwrap(), []).unwrap()).await
}

/// Writes the records as one commit.
pub(crate) async fn commit(lake: &Lake, sequence: u64, records: &[String]) {
    let mut stager = lake.stager();
    stager.stage(&logs(records), sequence, DAY).unwrap();
    let mut flush = stager.seal(sequence).unwrap();
    lake.commit(&mut flush).await.unwrap();
}

/// Three events of two days in three commits, so in three files.
pub(crate) async fn three_events(directory: &Path) {
    let lake = open_directory(directory).await;
    let page = [("url.path", "/cart"), ("session.id", "s1")];
    commit(
        &lake,
        1,
        &[event(
            DAY + 1_500_000_000,
            "page_view",
            &text("first"),
            &page,
        )],
    )
    .await;
    commit(
        &lake,
        2,
        &[event(
            DAY + 3_600_000_000_000,
            "click",
            &text("a, \\\"quoted\\\"\\nbody"),
            &[],
        )],
    )
    .await;
    commit(
        &lake,
        3,
        &[event(
            NEXT_DAY,
            "page_view",
            &text("third"),
            &[("url.path", "/")],
        )],
    )
    .await;
}

pub(crate) fn session(directory: &Path) -> Session {
    session_with(directory, 256 << 20)
}

pub(crate) fn session_with(directory: &Path, memory: usize) -> Session {
    let source = Source::open("lake", directory.to_str().unwrap(), []).unwrap();
    Session::new(vec![source], SessionSettings { memory, threads: 2 })
}

/// The answer on paper.
pub(crate) async fn print(
    session: &Session,
    sql: &str,
    format: Format,
) -> Result<String, QueryError> {
    let mut out = Vec::new();
    let answer = session.run(sql).await?;
    lake_sql::write(answer, format, &mut out).await?;
    Ok(String::from_utf8(out).unwrap())
}

/// The answer as CSV without its header.
pub(crate) async fn rows(session: &Session, sql: &str) -> Vec<String> {
    let csv = print(session, sql, Format::Csv).await.unwrap();
    csv.lines().skip(1).map(str::to_owned).collect()
}

/// The one line that says why there is no answer.
pub(crate) async fn mistake(session: &Session, sql: &str) -> String {
    let error = print(session, sql, Format::Csv)
        .await
        .unwrap_err()
        .to_string();
    assert_eq!(error.lines().count(), 1, "{error}");
    error
}
