//! Sessions that the server keeps, and parts of them.

use std::collections::BTreeSet;

use pipeline::Refused;
use serde_json::{Value, json};

use crate::rig::{Rig, attributes, decode};

const TEXT: (&str, &str) = ("content-type", "text/plain");
const BEHIND_PROXY: &str = "trusted_proxies: [127.0.0.1]";

fn from(address: &str) -> [(&str, &str); 2] {
    [TEXT, ("x-forwarded-for", address)]
}

fn ids(rig: &Rig) -> Vec<Value> {
    let records = rig.records();
    records
        .iter()
        .map(|record| attributes(record)["session.id"].clone())
        .collect()
}

#[tokio::test]
async fn a_client_without_a_session_gets_one() {
    let rig = Rig::start(&format!("session: {{}}\n{BEHIND_PROXY}")).await;
    let own = json!({"a": 1, "session.id": "own-session"}).to_string();
    let bad = json!({"a": 1, "session.id": "short"}).to_string();
    for (address, body) in [
        ("192.0.2.1", "{\"a\":1}"),
        ("192.0.2.1", "[{\"a\":1},{\"a\":2}]"),
        ("192.0.2.1", &*bad),
        ("192.0.2.2", "{\"a\":1}"),
        ("192.0.2.1", &*own),
        ("2001:db8::1", "{\"a\":1}"),
        ("2001:db8::2", "{\"a\":1}"),
    ] {
        assert_eq!(rig.send("POST /b", &from(address), body).await.status, 204);
    }
    let ids = ids(&rig);
    let first = ids[0].as_str().unwrap();
    assert_eq!(first.len(), 32);
    assert!(first.bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert_eq!(ids[1..4], [json!(first), json!(first), json!(first)]);
    assert_ne!(ids[4], ids[0]);
    assert_eq!(ids[5], "own-session");
    assert_eq!(ids[6], ids[7], "a subscriber of IPv6 is one client");
    let stored = rig.records()[0].to_string();
    assert!(stored.contains("192.0.2.1"), "client_ip: keep");
}

#[tokio::test]
async fn the_session_of_a_batch_counts_for_its_events() {
    let rig = Rig::start("session: {}").await;
    rig.beacon(
        r#"{"session.id":"of-the-batch","events":[{"a":1},{"a":2,"session.id":"of-the-event"}]}"#,
    )
    .await;
    assert_eq!(ids(&rig), ["of-the-batch", "of-the-event"]);
}

#[tokio::test]
async fn who_wants_privacy_has_no_session_and_who_did_not_ask_for_sessions_neither() {
    let rig = Rig::start("session: {start_event: true}").await;
    let signal = [TEXT, ("sec-gpc", "1")];
    rig.send("POST /b", &signal, r#"{"a":1,"session.id":"own-session"}"#)
        .await;
    assert!(!rig.attributes().contains_key("session.id"));
    let off = Rig::start("").await;
    off.beacon("{\"a\":1}").await;
    assert!(!off.attributes().contains_key("session.id"));
    off.beacon("{\"a\":1,\"session.id\":\"x\"}").await;
    assert_eq!(attributes(&off.records()[1])["session.id"], "x");
}

#[tokio::test]
async fn a_session_may_begin_with_an_event() {
    let rig = Rig::start("session: {start_event: true}\nclient_ip: drop").await;
    rig.beacon("{\"event.action\":\"pageview\"}").await;
    rig.beacon("{\"event.action\":\"click\"}").await;
    let names: Vec<Value> = rig
        .records()
        .iter()
        .map(|record| attributes(record)["event.action"].clone())
        .collect();
    assert_eq!(names, ["session.start", "pageview", "click"]);
    let ids = ids(&rig);
    assert!(ids.iter().all(|id| *id == ids[0]));
    let start = attributes(&rig.records()[0]);
    assert!(start["user_agent.original"].as_str().is_some());
    assert!(!start.contains_key("session.previous_id") && !start.contains_key("client.ip"));
    // a client with a session of its own begins none here
    let rig = Rig::start("session: {start_event: true}").await;
    rig.beacon("{\"a\":1,\"session.id\":\"own-session\"}").await;
    assert_eq!(rig.records().len(), 1);
}

#[tokio::test]
async fn a_beginning_that_was_refused_comes_again() {
    let rig = Rig::start("session: {start_event: true}").await;
    rig.consumer.answer(Err(Refused::later("full", None)));
    assert_eq!(rig.beacon("{\"a\":1}").await.status, 503);
    let before = rig.records().len();
    assert_eq!(rig.beacon("{\"a\":1}").await.status, 204);
    assert_eq!(rig.beacon("{\"a\":1}").await.status, 204);
    let after = &rig.records()[before..];
    let starts = |record: &&Value| attributes(record)["event.action"] == "session.start";
    let with_name = |record: &&Value| attributes(record).contains_key("event.action");
    assert_eq!(after.len(), 3);
    assert_eq!(after.iter().filter(with_name).filter(starts).count(), 1);
}

#[tokio::test]
async fn a_part_of_the_sessions_is_kept() {
    let rig = Rig::start("keys: [{key: k, sample: 0.5}]\nrate_limit: {enabled: false}").await;
    let mut kept = BTreeSet::new();
    for id in 0..60 {
        let body = format!("{{\"a\":{id},\"session.id\":\"session-{id}\"}}");
        let replies = [
            rig.send("POST /b/k", &[TEXT], &body).await,
            rig.send("POST /b/k", &[TEXT], &body).await,
        ];
        assert!(replies.iter().all(|reply| reply.status == 204));
        let dropped: Vec<_> = replies
            .iter()
            .map(|reply| reply.header("x-beacon-dropped"))
            .collect();
        assert_eq!(dropped[0], dropped[1], "a session is kept whole");
        if dropped[0].is_none() {
            kept.insert(format!("session-{id}"));
        } else {
            assert_eq!(dropped[0], Some("1;sampled"));
        }
    }
    assert!(!kept.is_empty() && kept.len() < 60);
    let stored: BTreeSet<String> = ids(&rig)
        .iter()
        .map(|id| id.as_str().unwrap().to_owned())
        .collect();
    assert_eq!(stored, kept);
    assert_eq!(attributes(&rig.records()[0])["beacon.sample_rate"], 0.5);
    // with the part that the client kept itself
    let id = kept.first().unwrap();
    let body = json!({"session.id": id, "beacon.sample_rate": 0.5}).to_string();
    rig.send("POST /b/k", &[TEXT], format!("[{body},{body}]"))
        .await;
    let last = attributes(rig.records().last().unwrap());
    assert_eq!(last["beacon.sample_rate"], 0.25);
}

#[test]
fn settings_that_make_no_sense() {
    for (yaml, expected) in [
        (
            "session: {idle_timeout: 0s}",
            "session::idle_timeout: must be above 0",
        ),
        ("session: {max_duration: 25h}", "at most 24h"),
        ("session: {salt_secret: short}", "at least 16 bytes"),
        (
            "session: {idle_timeout: 5h}",
            "must not be above max_duration",
        ),
        (
            "keys: [{key: a, sample: 0}]",
            "keys::0::sample: must be above 0",
        ),
        ("keys: [{key: a, sample: 1.5}]", "at most 1"),
    ] {
        let problems = decode(yaml).err().unwrap_or_default();
        assert!(problems.contains(expected), "{yaml}: {problems}");
    }
}
