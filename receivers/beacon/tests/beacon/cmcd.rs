//! Reports of media players (CTA-5004).

use base64::Engine;
use otlp::edit::{Scratch, run};
use semconv::ToOtel;
use serde_json::{Map, Value, json};

use crate::rig::{NOW, Reply, Rig, attributes, records};

const MS: u64 = NOW / 1_000_000;

async fn report(rig: &Rig, body: impl AsRef<[u8]>) -> Reply {
    rig.send("POST /b", &[("content-type", "application/cmcd")], body)
        .await
}

fn names(rig: &Rig) -> Vec<String> {
    let name = |record: &Value| {
        attributes(record)["event.action"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    rig.records().iter().map(name).collect()
}

/// The records of the first batch as the `ecs` processor leaves them.
fn mapped(rig: &Rig) -> Vec<(Value, Map<String, Value>)> {
    let taken = rig.consumer.taken();
    let payload = run(
        &taken[0].payload,
        &[&ToOtel::default()],
        &mut Scratch::default(),
        NOW,
    );
    let with_attributes = |record: Value| {
        let attributes = attributes(&record);
        (record, attributes)
    };
    records(&payload).into_iter().map(with_attributes).collect()
}

#[tokio::test]
async fn every_type_of_event_has_its_name_behind_the_mapper_too() {
    let table = [
        ("e=ps,sta=d", "media.load"),
        ("e=ps,sta=s", "media.load"),
        ("e=ps,sta=p,msd=5", "media.started"),
        ("e=ps,sta=a", "media.paused"),
        ("e=ps,sta=p", "media.resumed"),
        ("e=ps,sta=k", "media.seek"),
        ("e=ps,sta=r,bs", "media.stall_start"),
        ("e=ps,sta=p,bsd=(5;v)", "media.stall_end"),
        ("e=ps,sta=w", "media.waiting"),
        ("e=ps,sta=e", "media.ended"),
        ("e=ps,sta=f", "media.error"),
        ("e=ps,sta=q", "media.quit"),
        ("e=pr,pr=2", "media.rate_changed"),
        ("e=e,ec=(\"fragLoadError\")", "media.error"),
        ("e=t", "media.progress"),
        ("e=c,cid=\"b\"", "media.content_changed"),
        ("e=b,bg", "media.backgrounded"),
        ("e=b,bg=?0", "media.foregrounded"),
        ("e=m", "media.volume_changed"),
        ("e=um", "media.volume_changed"),
        ("e=pe", "media.display_changed"),
        ("e=pc", "media.display_changed"),
        ("e=rr,url=\"https://a.example/s\",rc=200", "media.response"),
        ("e=bc,br=(3200;v)", "media.quality_changed"),
        ("e=h,h=\"cdn-b.example\"", "media.host_changed"),
        ("e=as", "media.ad_start"),
        ("e=ae", "media.ad_end"),
        ("e=abs", "media.ad_break_start"),
        ("e=abe", "media.ad_break_end"),
        ("e=sk", "media.ad_skipped"),
        ("e=ce,cen=\"Rated it\"", "media.custom.rated_it"),
    ];
    let line = |(at, (start, _)): (usize, &(&str, &str))| {
        format!("{start},cid=\"film\",sid=\"s-1\",sn={at},ts={MS},v=2")
    };
    let lines: Vec<String> = table.iter().enumerate().map(line).collect();
    let rig = Rig::start("").await;
    assert_eq!(report(&rig, lines.join("\n")).await.status, 204);
    assert_eq!(names(&rig), table.map(|(_, name)| name));
    let records = mapped(&rig);
    assert_eq!(records.len(), table.len());
    for ((at, (line, name)), (record, attributes)) in table.iter().enumerate().zip(&records) {
        assert_eq!(record["eventName"], *name, "{line}");
        assert_eq!(record["timeUnixNano"], NOW.to_string(), "{line}");
        let level = if *name == "media.error" { 17 } else { 0 };
        let found = record["severityNumber"].as_u64().unwrap_or_default();
        assert_eq!(found, level, "{line}: {record}");
        assert_eq!(attributes["media.session.id"], "s-1", "{line}");
        assert_eq!(attributes["media.id"], "film", "{line}");
        assert_eq!(attributes["event.sequence"], at, "{line}");
        assert_eq!(attributes["cmcd.v"], 2, "{line}");
    }
}

#[tokio::test]
async fn reports_as_the_library_of_the_players_writes_them() {
    // @svta/cml-cmcd 2.7, times and session made shorter
    let lines = [
        r#"cid="film \"7\"",e=t,sid="6e2f",sn=0,ts=TS,v=2"#,
        r#"bl=(21300;v),cid="film \"7\"",com.Example-Plan="gold",e=ps,msd=812,pt=0,sf=h,sid="6e2f",sn=3,st=v,sta=p,ts=TS,v=2"#,
        r#"bl=(21300;v),br=(3200;v 128;a),bs,bsa=(1),bsd=(1530;v),cid="film \"7\"",e=ps,pt=0,sid="6e2f",sn=6,sta=p,ts=TS,v=2"#,
        r#"bg=?0,br=(3200;v 128;a),cid="film \"7\"",e=b,pr=1.5,sid="6e2f",sn=12,sta=k,ts=TS,v=2"#,
        r#"br=(3534),cen="Rated it",cid="film \"7\"",e=ce,sid="6e2f",sn=24,st=v,sta=k,ts=TS,v=2"#,
        r#"bsa=(1),cid="film \"7\"",e=e,ec=("fragLoadError" "404"),sid="6e2f",sn=25,sta=k,ts=TS,v=2"#,
    ];
    let rig = Rig::start("").await;
    let body = lines.join("\n").replace("TS", &MS.to_string());
    assert_eq!(report(&rig, body).await.status, 204);
    let expected = [
        ("media.progress", "cmcd.e", json!("t")),
        ("media.started", "media.startup_time", json!(812)),
        ("media.stall_end", "event.duration", json!(1_530_000_000)),
        ("media.foregrounded", "cmcd.bg", json!(false)),
        (
            "media.custom.rated_it",
            "media.variant.bitrate",
            json!(3_534_000),
        ),
        ("media.error", "error.code", json!("fragLoadError")),
    ];
    assert_eq!(names(&rig), expected.clone().map(|(name, ..)| name));
    for (record, (name, key, value)) in rig.records().iter().zip(&expected) {
        let attributes = attributes(record);
        assert_eq!(attributes.get(*key), Some(value), "{name}");
        assert_eq!(attributes["media.id"], "film \"7\"", "{name}");
        assert_eq!(record["timeUnixNano"], NOW.to_string(), "{name}");
    }
}

#[tokio::test]
async fn fields_behind_the_mapper_have_the_names_of_the_script() {
    let line = format!(
        "br=(3200;v 128;a),bsd=(1500;v),cid=\"film\",com.Example-Plan=gold,e=ps,pr=1.5,pt=12000,sid=\"s-1\",\
         st=v,sta=p,ts={},url=\"https://a.example/?token=x\"",
        MS - 5000
    );
    let rig = Rig::start("").await;
    let headers = [
        ("content-type", "Application/CMCD; charset=UTF-8"),
        ("referer", "https://shop.example/watch"),
    ];
    assert_eq!(rig.send("POST /b", &headers, line).await.status, 204);
    let (record, attributes) = mapped(&rig).remove(0);
    assert_eq!(record["eventName"], "media.stall_end");
    assert_eq!(record["timeUnixNano"], (NOW - 5_000_000_000).to_string());
    for (key, expected) in [
        ("media.session.id", json!("s-1")),
        ("media.position", json!(12)),
        ("media.playback_rate", json!(1.5)),
        ("media.stream_type", json!("vod")),
        ("media.variant.bitrate", json!(3_200_000)),
        ("event.duration", json!(1_500_000_000)),
        (
            "media.request.url",
            json!("https://a.example/?token=REDACTED"),
        ),
        // the page that plays
        ("url.full", json!("https://shop.example/watch")),
        ("cmcd.e", json!("ps")),
        ("cmcd.sta", json!("p")),
        ("cmcd.br.v", json!(3200)),
        ("cmcd.br.a", json!(128)),
        ("cmcd.com.Example-Plan", json!("gold")),
    ] {
        let found = attributes.get(key).and_then(Value::as_f64);
        if let (Some(found), Some(number)) = (found, expected.as_f64()) {
            assert_eq!(found, number, "{key}");
        } else {
            assert_eq!(attributes.get(key), Some(&expected), "{key}");
        }
    }
    // also where it is a whole number
    let text = record["attributes"].to_string();
    assert!(
        text.contains(r#"{"key":"media.position","value":{"doubleValue":12"#),
        "{text}"
    );
}

#[tokio::test]
async fn a_line_that_cannot_be_read_costs_only_itself() {
    let rig = Rig::start("").await;
    let reply = report(&rig, "e=t,\r\n\r\ne=m\r\n{\"e\":\"ps\"}\n \ne=um\n").await;
    assert_eq!(reply.status, 204);
    assert_eq!(reply.header("x-beacon-dropped"), Some("2;parse"));
    assert_eq!(names(&rig), ["media.volume_changed"; 2]);

    let rig = Rig::start("debug: true").await;
    let reply = report(&rig, "e=t,sid=\"x").await;
    assert_eq!(reply.status, 400);
    assert_eq!(reply.header("x-beacon-dropped"), Some("1;parse"));
    let why: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(
        why["error"],
        "at byte 10: expected the closing quote of a string"
    );
    assert_eq!(report(&rig, "e=\ne=").await.status, 400);
    assert_eq!(report(&rig, "").await.status, 400);
    assert!(rig.records().is_empty());
    let latin = [("content-type", "application/cmcd; charset=latin1")];
    let reply = rig.send("POST /b", &latin, "e=t").await;
    assert_eq!(reply.status, 415);
    let types = reply.header("accept-post").unwrap();
    assert!(types.contains("application/cmcd"), "{types}");
}

#[tokio::test]
async fn the_limits_are_those_of_all_events() {
    let rig = Rig::start(
        "max_events: 3\nlimits: {fields: 6, key_bytes: 24, string_bytes: 8, array_items: 2}",
    )
    .await;
    let long_key = format!("x-{}=1", "k".repeat(40));
    let lines = [
        format!("e=t,{long_key}"),
        "e=ce,cen=\"a longer name\"".to_owned(),
        "e=t,a=1,b=2,c=(1 2 3),d=4,f=5,g=6".to_owned(),
    ];
    assert_eq!(report(&rig, lines.join("\n")).await.status, 204);
    let records = rig.records();
    let seen: Vec<_> = records.iter().map(attributes).collect();
    assert!(
        seen.iter().all(|event| event["beacon.truncated"] == true),
        "{seen:?}"
    );
    let keys = |event: &Map<String, Value>| {
        let own = event.keys().filter(|key| key.starts_with("cmcd."));
        own.cloned().collect::<Vec<_>>()
    };
    assert_eq!(keys(&seen[0]), ["cmcd.e"]);
    assert_eq!(seen[1]["cmcd.cen"], "a longer");
    assert_eq!(
        keys(&seen[2]),
        ["cmcd.a", "cmcd.b", "cmcd.c", "cmcd.d", "cmcd.e"]
    );
    assert_eq!(seen[2]["cmcd.c"], json!([1, 2]));
    assert_eq!(records[2]["droppedAttributesCount"], 2);

    let reply = report(&rig, "e=t\n".repeat(4)).await;
    assert_eq!(reply.status, 413);
    let too_long = format!("e=t,x=\"{}\"\ne=m", "x".repeat(64 << 10));
    let reply = report(&rig, too_long).await;
    assert_eq!(
        (reply.status, reply.header("x-beacon-dropped")),
        (204, Some("1;parse"))
    );

    let rig = Rig::start("limits: {depth: 1}").await;
    let reply = report(&rig, "e=t\ne=t,a=(1 2)").await;
    assert_eq!(
        (reply.status, reply.header("x-beacon-dropped")),
        (204, Some("1;depth"))
    );
}

#[tokio::test]
async fn times_and_wishes_are_judged_as_those_of_pages() {
    let rig = Rig::start("").await;
    let lines = format!(
        "e=t,ts={}\ne=t,ts={}\ne=t",
        MS + 30_000,
        MS - 48 * 3_600_000
    );
    assert_eq!(report(&rig, lines).await.status, 204);
    for (at, record) in rig.records().iter().enumerate() {
        assert_eq!(record["timeUnixNano"], NOW.to_string(), "{at}");
        let kept = attributes(record).get("beacon.client_timestamp").cloned();
        assert_eq!(kept, (at == 1).then(|| json!(MS - 48 * 3_600_000)), "{at}");
    }

    let rig = Rig::start("").await;
    let headers = [("content-type", "application/cmcd"), ("sec-gpc", "1")];
    rig.send("POST /b", &headers, "e=t,sid=\"s\"").await;
    let attributes = rig.attributes();
    assert!(!attributes.contains_key("client.ip"), "{attributes:?}");
    let rig = Rig::start("privacy_signals: {gpc: drop}").await;
    let reply = rig.send("POST /b", &headers, "e=t\ne=m").await;
    assert_eq!(reply.header("x-beacon-dropped"), Some("2;privacy"));
    let rig = Rig::start("bots: drop").await;
    let headers = [
        ("content-type", "application/cmcd"),
        ("user-agent", "Googlebot/2.1"),
    ];
    let reply = rig.send("POST /b", &headers, "e=t").await;
    assert_eq!(reply.header("x-beacon-dropped"), Some("1;bot"));
}

#[tokio::test]
async fn a_pixel_has_its_report_in_the_query() {
    let keys = "keys: [{key: pk, attributes: {service.name: films}}]";
    let query = "CMCD=bl%3D21300%2Cbr%3D3200%2Cbs%2Ccid%3D%22film%22%2Cnor%3D%22a%252Fb%22%2Csid%3D%22s-1%22";
    for line in [
        format!("GET /b.gif?{query}&key=pk&page.id=p-1"),
        format!("GET /b?page.id=p-1&{query}&key=pk&CMCD="),
        format!("POST /b/pk?page.id=p-1&{query}"),
    ] {
        let rig = Rig::start(keys).await;
        let reply = rig.send(&line, &[], "").await;
        let is_pixel = line.starts_with("GET");
        assert_eq!(reply.status, if is_pixel { 200 } else { 204 }, "{line}");
        let attributes = rig.attributes();
        for (key, expected) in [
            ("event.action", json!("media.request")),
            ("media.session.id", json!("s-1")),
            ("media.id", json!("film")),
            ("media.variant.bitrate", json!(3_200_000)),
            ("cmcd.br", json!(3200)),
            ("cmcd.bl", json!(21300)),
            ("cmcd.bs", json!(true)),
            ("cmcd.nor", json!("a%2Fb")),
            ("page.id", json!("p-1")),
        ] {
            assert_eq!(attributes.get(key), Some(&expected), "{line}: {key}");
        }
        assert!(!attributes.contains_key("key") && !attributes.contains_key("CMCD"));
        assert_eq!(
            rig.records()[0]["resource"],
            json!({"service.name": "films"})
        );
    }
    let table = [
        ("CMCD=e%3Dps%2Csta%3Da", Some("media.paused"), None),
        ("CMCD=e=m", Some("media.volume_changed"), None),
        ("CMCD=e%3Dm&event.action=own", Some("own"), None),
        (
            "CMCD=e%3Dm&d=%7B%22event.action%22%3A%22own%22%7D",
            Some("own"),
            None,
        ),
        ("CMCD=e%3Dm&d=%7B%7D", Some("media.volume_changed"), None),
        ("CMCD=&event.action=own", Some("own"), None),
        ("cmcd=x&event.action=own", Some("own"), None),
        ("CMCD=%22", None, Some("1;parse")),
        ("CMCD=", None, Some("1;parse")),
    ];
    for (query, name, dropped) in table {
        let rig = Rig::start("").await;
        let reply = rig.send(&format!("GET /b.gif?{query}"), &[], "").await;
        assert_eq!((reply.status, reply.body.len()), (200, 42), "{query}");
        assert_eq!(reply.header("x-beacon-dropped"), dropped, "{query}");
        let found = rig.records().first().map(attributes);
        let found = found.and_then(|event| event.get("event.action").cloned());
        assert_eq!(found, name.map(Value::from), "{query}");
    }
}

#[tokio::test]
async fn players_on_other_sites_are_told_when_to_stop_and_when_to_come_back() {
    let rig = Rig::start(
        "keys: [{key: pk}, {key: old, retired: true}, {key: busy, rate_limit: {rate: 1/h, burst: 1}}]\n\
         cors: {allowed_origins: [\"https://shop.example\"]}",
    )
    .await;
    let origin = ("origin", "https://shop.example");
    let asks = [
        origin,
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "content-type"),
    ];
    let reply = rig.send("OPTIONS /b/pk", &asks, "").await;
    assert_eq!(reply.status, 204);
    let allowed = reply.header("access-control-allow-headers").unwrap();
    assert!(allowed.contains("content-type"), "{allowed}");

    let headers = [origin, ("content-type", "application/cmcd")];
    let send = |line: &'static str| rig.send(line, &headers, "e=t");
    assert_eq!(send("POST /b/pk").await.status, 204);
    let gone = send("POST /b/old").await;
    assert_eq!((gone.status, gone.header("retry-after")), (410, None));
    assert_eq!(send("POST /b/other").await.status, 401);
    assert_eq!(send("POST /b/busy").await.status, 204);
    let busy = send("POST /b/busy").await;
    assert_eq!(busy.status, 429);
    assert!(busy.header("retry-after").is_some(), "{busy:?}");
    rig.consumer.refuse(pipeline::Refused::later("full", None));
    let full = send("POST /b/pk").await;
    assert_eq!(full.status, 503);
    assert!(full.header("retry-after").is_some(), "{full:?}");
    for reply in [gone, busy, full] {
        let readable = reply.header("access-control-allow-origin");
        assert_eq!(readable, Some("https://shop.example"), "{reply:?}");
        let exposed = reply.header("access-control-expose-headers").unwrap();
        assert!(
            exposed.to_ascii_lowercase().contains("retry-after"),
            "{exposed}"
        );
    }
    assert_eq!(rig.records().len(), 2);
}

#[tokio::test]
async fn reports_that_are_sent_again_under_the_same_name_are_known() {
    let rig = Rig::start("").await;
    let headers = [
        ("content-type", "application/cmcd"),
        ("idempotency-key", "r-1"),
    ];
    assert_eq!(rig.send("POST /b", &headers, "e=t").await.status, 204);
    let again = rig.send("POST /b", &headers, "e=t").await;
    assert_eq!(again.header("x-beacon-dropped"), Some("1;duplicate"));
    assert_eq!(rig.records().len(), 1);
}

#[tokio::test]
async fn compressed_and_inside_an_envelope() {
    let lines = bytes::Bytes::from_static(b"e=t\ne=m\n");
    let small = net::compress(net::Encoding::Gzip, None, std::slice::from_ref(&lines)).unwrap();
    let rig = Rig::start("").await;
    assert_eq!(report(&rig, &small).await.status, 204);
    assert_eq!(names(&rig), ["media.progress", "media.volume_changed"]);

    let encode = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    let post = json!({
        "version": "2.0", "headers": {"content-type": "application/cmcd"},
        "requestContext": {"http": {}}, "body": encode(&lines), "isBase64Encoded": true,
    });
    let get = json!({
        "version": "2.0", "rawQueryString": "CMCD=e%3Dt&page.id=p", "headers": {},
        "requestContext": {"http": {}}, "isBase64Encoded": false,
    });
    let plain = [("content-type", "application/json")];
    let rig = Rig::start("").await;
    for envelope in [&post, &get] {
        let reply = rig.send("POST /b", &plain, envelope.to_string()).await;
        assert_eq!(reply.status, 204, "{envelope}");
    }
    let expected = ["media.progress", "media.volume_changed", "media.progress"];
    assert_eq!(names(&rig), expected);
    assert_eq!(attributes(rig.records().last().unwrap())["page.id"], "p");
}

#[tokio::test]
async fn sessions_samples_and_rules_of_sites_are_for_players_too() {
    let rig = Rig::start("session: {}\ndenied_attributes: [\"cmcd.*\"]\nmax_event_names: 2").await;
    assert_eq!(report(&rig, "e=t,su,bl=(5;v)").await.status, 204);
    assert_eq!(report(&rig, "e=m\ne=rr").await.status, 204);
    let records = rig.records();
    let seen: Vec<_> = records.iter().map(attributes).collect();
    assert_eq!(seen.len(), 3);
    for event in &seen {
        assert_eq!(event["session.id"], seen[0]["session.id"]);
        assert!(
            !event.keys().any(|key| key.starts_with("cmcd.")),
            "{event:?}"
        );
    }
    assert_eq!(seen[2]["beacon.event.action"], "media.response");

    let rig = Rig::start("keys: [{key: k, sample: 0.5}]\nrate_limit: {enabled: false}").await;
    let (mut kept, mut left_out) = (0, 0);
    for agent in 0..40 {
        let agent = format!("Player/{agent}");
        let headers = [
            ("content-type", "application/cmcd"),
            ("user-agent", &*agent),
        ];
        for body in ["e=t", "e=t\ne=m"] {
            let reply = rig.send("POST /b/k", &headers, body).await;
            let lines = body.lines().count();
            let all = format!("{lines};sampled");
            match reply.header("x-beacon-dropped") {
                None => kept += lines,
                Some(dropped) if dropped == all => left_out += lines,
                other => panic!("a client is kept or not: {other:?}"),
            }
        }
    }
    assert!(kept > 0 && left_out > 0, "{kept} and {left_out}");
    assert_eq!(rig.records().len(), kept);
}
