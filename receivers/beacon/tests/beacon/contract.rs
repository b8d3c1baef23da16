//! Settings, defaults, start and stop.

use crate::rig::{Rig, decode};

#[test]
fn defaults_read_back_as_they_are_printed() {
    settings::check_defaults::<receiver_beacon::Config>().unwrap();
}

#[test]
fn settings_of_the_examples_are_taken() {
    for yaml in [
        "path: /b",
        "endpoint: localhost:8080\ndemo: true\n",
        r#"
endpoint: 0.0.0.0:8080
path: /b
script: /b.js
cors:
  allowed_origins: [https://blog.example.com, "https://*.example.com"]
trusted_proxies: [cloudfront, 10.0.0.0/8, "2001:db8::/32", 192.0.2.1]
client_ip: anonymize
bots: tag
rate_limit:
  per_client: 20/s
  burst: 100
"#,
        "path: /builds\nkeys: [{ key: secret, attributes: { service.name: build } }]\n",
        "rate_limit: {enabled: false}\nprivacy_signals: {gpc: drop, dnt: ignore}\nbody_encoding: base64\n",
    ] {
        assert!(decode(yaml).is_ok(), "{yaml}: {:?}", decode(yaml).err());
    }
}

#[test]
fn mistakes_are_named_with_their_line() {
    let table = [
        (
            "pth: /b",
            "c.yaml:1:1: receivers::beacon: unknown key \"pth\"; did you mean \"path\"?",
        ),
        ("path: b", "must begin with a slash"),
        ("script: /b", "is where beacons are taken"),
        ("trusted_proxies: [nonsense]", "nonsense"),
        ("bots: kill", "kill"),
        ("success_status: 200", "must be 204 or 202"),
        ("rate_limit: {burst: 0}", "must be above 0"),
        ("keys: [{key: a}, {key: a}]", "is there twice"),
        (
            "keys: [{key: a/b}]",
            "must be usable in paths and queries as it is",
        ),
        ("limits: {depth: 99}", "must be 1 to 24"),
        ("max_body_bytes: 0", "must be above 0"),
        ("script: \"\"\ndemo: true", "needs a script"),
    ];
    for (yaml, expected) in table {
        let problems = decode(yaml).map(drop).unwrap_err();
        assert!(problems.contains(expected), "{yaml}: {problems}");
    }
}

#[tokio::test]
async fn a_taken_port_is_one_clear_line() {
    let rig = Rig::start("").await;
    let config = decode(&format!("endpoint: {}", rig.address())).unwrap();
    let receiver = config.build(&"beacon".parse().unwrap(), pipeline::Outputs::default());
    let error = receiver
        .unwrap()
        .start(pipeline::Host::new(1 << 20))
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("address already in use"),
        "{error}"
    );
}

#[tokio::test]
async fn it_stops_when_told_and_the_port_is_free_again() {
    let rig = Rig::start("").await;
    let address = rig.address();
    assert_eq!(rig.beacon("{\"a\":1}").await.status, 204);
    assert_eq!(rig.stop().await, Ok(()));
    assert!(tokio::net::TcpListener::bind(address).await.is_ok());
}
