use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;

fn urls() -> Urls {
    Urls::new(&crate::Config::default())
}

fn event(line: &str) -> Map<String, Value> {
    let (urls, plays) = (urls(), Plays::new());
    let mut reader = Reader::new(&urls, &plays, "");
    let text = reader
        .event(line)
        .unwrap_or_else(|fault| panic!("{line}: {fault:?}"));
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{line}: {error}: {text}"))
}

#[test]
fn names_of_all_events() {
    let table = [
        ("e=ps,sta=s", "media.load"),
        ("e=ps,sta=d", "media.load"),
        ("e=ps,sta=p,msd=312", "media.started"),
        ("e=ps,sta=p,msd=312,bs,bsd=(5;v)", "media.started"),
        ("e=ps,sta=p", "media.resumed"),
        ("e=ps,sta=p,sid=\"s\"", "media.started"),
        ("e=ps,sta=p,bs", "media.stall_end"),
        ("e=ps,sta=p,bsd=(5)", "media.stall_end"),
        ("e=ps,sta=p,bs=?0", "media.resumed"),
        ("e=ps,sta=a", "media.paused"),
        ("e=ps,sta=k", "media.seek"),
        ("e=ps,sta=r", "media.stall_start"),
        ("e=ps,sta=w", "media.waiting"),
        ("e=ps,sta=e", "media.ended"),
        ("e=ps,sta=f", "media.error"),
        ("e=ps,sta=q", "media.quit"),
        ("e=ps,sta=zz", "media.state_changed"),
        ("e=ps", "media.state_changed"),
        ("e=e,ec=(\"x\")", "media.error"),
        ("e=t", "media.progress"),
        ("e=bc", "media.quality_changed"),
        ("e=pr", "media.rate_changed"),
        ("e=m", "media.volume_changed"),
        ("e=um", "media.volume_changed"),
        ("e=pe", "media.display_changed"),
        ("e=pc", "media.display_changed"),
        ("e=c", "media.content_changed"),
        ("e=b,bg", "media.backgrounded"),
        ("e=b", "media.foregrounded"),
        ("e=b,bg=?0", "media.foregrounded"),
        ("e=as", "media.ad_start"),
        ("e=ae", "media.ad_end"),
        ("e=abs", "media.ad_break_start"),
        ("e=abe", "media.ad_break_end"),
        ("e=sk", "media.ad_skipped"),
        ("e=h", "media.host_changed"),
        ("e=rr", "media.response"),
        ("e=ce,cen=\"Clicked the é\"", "media.custom.clicked_the__"),
        ("e=ce", "media.custom"),
        ("e=\"ps\",sta=\"a\"", "media.paused"),
        ("e=New-One", "media.new_one"),
        ("e=5", "media.request"),
        ("e=\"\"", "media.request"),
        ("br=3200,bl=21300", "media.request"),
        ("e=t,e=m", "media.volume_changed"),
    ];
    for (line, name) in table {
        assert_eq!(event(line)["event.action"], name, "{line}");
    }
    let long = format!("e=ce,cen=\"{}\"", "x".repeat(200));
    let name = format!("media.custom.{}", "x".repeat(51));
    assert_eq!(
        (name.len(), &event(&long)["event.action"]),
        (64, &json!(name))
    );
}

#[test]
fn a_report_as_players_send_it() {
    let line = "br=(3200;v 128;a),cid=\"film-7\",com.Example-Plan=\"gold\",e=ps,msd=812,pr=1.5,pt=12500,\
        sf=h,sid=\"6e2fb550-c457-11e9-bb97-0800200c9a66\",sn=12,st=ll,sta=p,ts=1735689600000,v=2";
    let expected = json!({
        "event.action": "media.started",
        "@timestamp": 1_735_689_600_000_u64,
        "media.session.id": "6e2fb550-c457-11e9-bb97-0800200c9a66",
        "media.id": "film-7",
        "media.stream_type": "live",
        "media.position": 12.5,
        "media.playback_rate": 1.5,
        "media.startup_time": 812,
        "media.variant.bitrate": 3_200_000,
        "event.sequence": 12,
        "cmcd.br.v": 3200,
        "cmcd.br.a": 128,
        "cmcd.com.Example-Plan": "gold",
        "cmcd.e": "ps",
        "cmcd.sf": "h",
        "cmcd.st": "ll",
        "cmcd.sta": "p",
        "cmcd.v": 2,
    });
    assert_eq!(Value::Object(event(line)), expected);
}

#[test]
fn fields_of_single_events() {
    // line, field, value (null: none)
    let table = [
        ("e=m", "media.muted", json!(true)),
        ("e=um", "media.muted", json!(false)),
        ("e=t", "media.muted", json!(null)),
        (
            "e=ps,sta=p,bsd=(500;v)",
            "event.duration",
            json!(500_000_000),
        ),
        (
            "e=ps,sta=p,bsd=(500;v 300;v 700;a)",
            "event.duration",
            json!(800_000_000),
        ),
        (
            "e=ps,sta=p,bsd=(500;v 300;v 700;a)",
            "cmcd.bsd.v",
            json!([500, 300]),
        ),
        ("e=ps,sta=p,bsd=(-5)", "event.duration", json!(null)),
        ("e=t,bsd=(500)", "event.duration", json!(null)),
        ("e=t,bsd=(500)", "cmcd.bsd", json!(500)),
        ("e=e,ec=(\"404\" \"x\")", "error.code", json!("404")),
        ("e=e,ec=(\"404\" \"x\")", "cmcd.ec", json!(["404", "x"])),
        ("e=e,ec=\"404\"", "error.code", json!("404")),
        ("e=e,ec=(404)", "error.code", json!("404")),
        ("e=e,ec=25", "error.code", json!("25")),
        ("e=e,ec=()", "error.code", json!(null)),
        ("e=e,ec=(\"404\")", "log.level", json!("error")),
        ("e=ps,sta=f,ec=(\"drm\")", "error.code", json!("drm")),
        ("e=t,ec=(\"drm\")", "error.code", json!(null)),
        ("e=t,ec=(\"drm\")", "cmcd.ec", json!(["drm"])),
        ("e=t", "log.level", json!(null)),
        (
            "e=bc,br=(2500;av)",
            "media.variant.bitrate",
            json!(2_500_000),
        ),
        (
            "e=bc,br=(2500.4)",
            "media.variant.bitrate",
            json!(2_500_400),
        ),
        ("e=bc,br=(128;a)", "media.variant.bitrate", json!(null)),
        ("br=3200", "media.variant.bitrate", json!(3_200_000)),
        ("br=3200,ot=v", "cmcd.br", json!(3200)),
        ("br=128,ot=a", "media.variant.bitrate", json!(null)),
        ("st=v", "media.stream_type", json!("vod")),
        ("st=l", "media.stream_type", json!("live")),
        ("st=x", "media.stream_type", json!(null)),
        ("pr=2", "media.playback_rate", json!(2.0)),
        ("pt=0", "media.position", json!(0.0)),
        ("pt=\"x\"", "cmcd.pt", json!("x")),
        ("sid=5", "media.session.id", json!(null)),
        ("sid=5", "cmcd.sid", json!(5)),
        ("sid=\"a\",sid=\"b\"", "media.session.id", json!("b")),
        ("sid=token", "media.session.id", json!("token")),
        ("sn=3.0", "event.sequence", json!(3)),
        ("bs,su=?0", "cmcd.bs", json!(true)),
        ("bs,su=?0", "cmcd.su", json!(false)),
        ("mtp=(25400;v 900)", "cmcd.mtp", json!(900)),
        ("mtp=(1 2 3)", "cmcd.mtp", json!([1, 2, 3])),
        ("mtp=()", "cmcd.mtp", json!(null)),
        ("br=3200;v", "cmcd.br.v", json!(3200)),
        ("nor=(\"a\" \"b\";r=\"0-9\")", "cmcd.nor", json!(["a", "b"])),
        ("nor=(\"a\" \"b\";r=\"0-9\")", "cmcd.nor.r", json!("0-9")),
        ("x-y=(1 2);z;w=3", "cmcd.x-y.z", json!(true)),
        ("x-y=1;z;w=3", "cmcd.x-y.w", json!(3)),
        ("x-y=1;z;w;w=?0", "cmcd.x-y.w", json!([true, false])),
        (r#"x-y="\"\\é""#, "cmcd.x-y", json!("\"\\é")),
    ];
    for (line, key, expected) in table {
        let event = event(line);
        let found = event.get(key).unwrap_or(&Value::Null);
        assert_eq!(found, &expected, "{line}: {key} in {event:?}");
    }
}

#[test]
fn urls_are_written_without_their_secrets() {
    let table = [
        (
            "e=rr,url=\"https://u:p@cdn.example/a.m4s?token=t&x=1\"",
            "media.request.url",
            json!("https://REDACTED:REDACTED@cdn.example/a.m4s?token=REDACTED&x=1"),
        ),
        (
            "nor=(\"../a.m4s?sig=s\" \"b\")",
            "cmcd.nor",
            json!(["../a.m4s?sig=REDACTED", "b"]),
        ),
        (
            "nor=\"..%2Fa.m4s%3Fx%3D1%26token%3Dt\"",
            "cmcd.nor",
            json!("../a.m4s?x=1&token=REDACTED"),
        ),
        (
            "nor=\"..%2F300kbps%2Ftrack.m4v\"",
            "cmcd.nor",
            json!("..%2F300kbps%2Ftrack.m4v"),
        ),
    ];
    for (line, key, expected) in table {
        assert_eq!(event(line)[key], expected, "{line}");
    }
    let plays = Plays::new();
    let as_they_are = Urls::new(&crate::Config {
        sanitize: false,
        ..crate::Config::default()
    });
    let mut as_it_is = Reader::new(&as_they_are, &plays, "");
    let text = as_it_is
        .event("url=\"https://a.example/?token=t\"")
        .unwrap();
    assert!(text.contains("token=t\""), "{text}");
    let config = crate::Config {
        strip_query: crate::config::StripQuery::All,
        ..crate::Config::default()
    };
    let urls = Urls::new(&config);
    let mut without_queries = Reader::new(&urls, &plays, "");
    let line = "nor=(\"a.m4s?x=1\" \"b%3Fx%3D1\" \"c\"),url=\"https://a.example/?token=t\"";
    let event: Value = serde_json::from_str(without_queries.event(line).unwrap()).unwrap();
    assert_eq!(event["cmcd.nor"], json!(["a.m4s", "b", "c"]));
    assert_eq!(event["media.request.url"], "https://a.example/");
}

#[test]
fn the_first_play_of_a_session_is_a_start() {
    let (urls, plays) = (urls(), Plays::new());
    let mut reader = Reader::new(&urls, &plays, "");
    let table = [
        ("e=ps,sta=s,sid=\"a\",ts=1", "media.load"),
        ("e=ps,sta=p,sid=\"a\",ts=2", "media.started"),
        ("e=ps,sta=p,sid=\"a\",ts=2", "media.started"),
        ("e=ps,sta=a,sid=\"a\",ts=3", "media.paused"),
        ("e=ps,sta=p,sid=\"a\",ts=4", "media.resumed"),
        ("e=ps,sta=p,sid=\"a\",ts=5,bs", "media.stall_end"),
        ("e=ps,sta=p,sid=\"b\",ts=5,msd=7", "media.started"),
        ("e=ps,sta=p,sid=\"b\",ts=6", "media.resumed"),
        ("e=ps,sta=p,sid=\"c\",ts=6,bsd=(9;v)", "media.stall_end"),
        ("e=ps,sta=p,sid=\"c\",ts=7", "media.resumed"),
    ];
    for (line, name) in table {
        let event: Value = serde_json::from_str(reader.event(line).unwrap()).unwrap();
        assert_eq!(event["event.action"], name, "{line}");
    }
}

#[test]
fn lines_of_a_body() {
    let body = "\u{feff}e=t\r\n\r\n  \n e=ps \t\n\ne=m";
    assert_eq!(lines(body).collect::<Vec<_>>(), ["e=t", "e=ps", "e=m"]);
    assert_eq!(lines(" \r\n\n").count(), 0);
}

#[test]
fn a_report_has_an_end() {
    let line = |bytes: usize| format!("a=\"{}\"", "x".repeat(bytes - 4));
    let (urls, plays) = (urls(), Plays::new());
    let mut reader = Reader::new(&urls, &plays, "");
    assert!(reader.event(&line(LONGEST)).is_ok());
    assert_eq!(reader.event(&line(LONGEST + 1)).unwrap_err().at, LONGEST);
    assert_eq!(
        reader.event("e=t").unwrap(),
        "{\"event.action\":\"media.progress\",\"cmcd.e\":\"t\"}"
    );
}

/// Texts that look like reports more often than random ones do.
fn almost_a_report() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        "[,=;()?@%: \\\\\"]",
        "[a-zé]{1,3}",
        Just("e=ps".to_owned()),
        Just(",sta=p,".to_owned()),
        Just("br=(3200;v 128;a)".to_owned()),
        Just("url=\"https://a.example/%3Ftoken=x\"".to_owned()),
        "-?[0-9]{1,20}(\\.[0-9]{1,4})?",
        "\"[ -~é\u{0}\u{7f}]{0,6}\"",
    ];
    proptest::collection::vec(token, 0..20).prop_map(|tokens| tokens.concat())
}

proptest! {
    #[test]
    fn whatever_is_read_is_an_object_of_json(any in ".{0,40}", almost in almost_a_report()) {
        for line in [any, almost] {
            let (urls, plays) = (urls(), Plays::new());
    let mut reader = Reader::new(&urls, &plays, "");
            if let Ok(text) = reader.event(&line) {
                let event: Map<String, Value> = serde_json::from_str(text)
                    .unwrap_or_else(|error| panic!("{line}: {error}: {text}"));
                let name = event["event.action"].as_str().unwrap();
                let fits = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '_' | '.');
                prop_assert!(name.starts_with("media.") && name.chars().all(fits));
            }
        }
    }
}
