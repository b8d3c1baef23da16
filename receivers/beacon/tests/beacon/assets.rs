//! The script and the demo page.

use crate::rig::Rig;

#[tokio::test]
async fn the_script_can_be_loaded_from_anywhere_and_is_cached() {
    let rig = Rig::start("path: /intake\nscript: /s.js").await;
    let reply = rig.send("GET /s.js", &[], "").await;
    assert_eq!(reply.status, 200);
    for (name, value) in [
        ("content-type", "text/javascript; charset=utf-8"),
        ("access-control-allow-origin", "*"),
        ("cross-origin-resource-policy", "cross-origin"),
        ("timing-allow-origin", "*"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "public, max-age=3600"),
    ] {
        assert_eq!(reply.header(name), Some(value), "{name}");
    }
    let text = String::from_utf8(reply.body.clone()).unwrap();
    assert!(
        text.contains("\"/intake\"") && text.contains("sendBeacon"),
        "{text}"
    );
    assert!(!text.contains("cookie") && !text.contains("Storage"));

    let etag = reply.header("etag").unwrap().to_owned();
    let again = rig.send("GET /s.js", &[("if-none-match", &etag)], "").await;
    assert_eq!((again.status, again.body.len()), (304, 0));
    let version = etag.trim_matches('"');
    let fixed = rig.send(&format!("GET /s-{version}.js"), &[], "").await;
    assert_eq!(fixed.body, reply.body);
    assert!(fixed.header("cache-control").unwrap().contains("immutable"));

    let small = rig
        .send("GET /s.js", &[("accept-encoding", "gzip, br")], "")
        .await;
    assert_eq!(small.header("content-encoding"), Some("gzip"));
    assert!(small.body.len() <= 3000, "{} bytes", small.body.len());
    let head = rig.send("HEAD /s.js", &[], "").await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(rig.send("GET /b.js", &[], "").await.status, 404);
}

#[tokio::test]
async fn the_demo_is_there_when_asked_for() {
    let rig = Rig::start("demo: true\nscript: /own.js").await;
    let page = rig.send("GET /?session=s1", &[], "").await;
    let text = String::from_utf8(page.body.clone()).unwrap();
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    for part in [
        "src=\"/own.js\"",
        "id=\"throw\"",
        "<video",
        "/demo/next",
        "id=\"seek\"",
    ] {
        assert!(text.contains(part), "{part}");
    }
    let next = rig.send("GET /demo/next?session=s1", &[], "").await;
    assert_eq!(next.status, 200);
    let plain = Rig::start("").await;
    assert_eq!(plain.send("GET /", &[], "").await.status, 404);
    assert_eq!(
        plain.send("GET /demo/video.webm", &[], "").await.status,
        404
    );
}

#[tokio::test]
async fn the_video_is_served_in_ranges() {
    let rig = Rig::start("demo: true").await;
    let whole = rig.send("GET /demo/video.webm", &[], "").await;
    assert_eq!(
        (whole.status, whole.header("accept-ranges")),
        (200, Some("bytes"))
    );
    assert_eq!(whole.header("content-type"), Some("video/webm"));
    let size = whole.body.len();
    let part = rig
        .send("GET /demo/video.webm", &[("range", "bytes=100-199")], "")
        .await;
    assert_eq!((part.status, &part.body[..]), (206, &whole.body[100..200]));
    assert_eq!(
        part.header("content-range"),
        Some(&*format!("bytes 100-199/{size}"))
    );
    let outside = rig
        .send("GET /demo/video.webm", &[("range", "bytes=99999999-")], "")
        .await;
    assert_eq!(
        (outside.status, outside.header("content-range")),
        (416, Some(&*format!("bytes */{size}")))
    );
}
