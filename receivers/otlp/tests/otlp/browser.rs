//! Requests of web pages.

use net::http::{Method, StatusCode};

use crate::sender::{PROTOBUF, Post, header};
use crate::stage::{Stage, guarded_host};
use crate::telemetry::logs;

const YAML: &str = "protocols: {http: {endpoint: '127.0.0.1:0', \
    auth: {authenticator: bearertokenauth/team}, \
    cors: {allowed_origins: ['https://*.example.com'], allowed_headers: [x-tenant], max_age: 600}}}";

const ORIGIN: (&str, &str) = ("origin", "https://shop.example.com");

#[tokio::test]
async fn a_preflight_needs_no_credentials() {
    let stage = Stage::with_host(YAML, guarded_host()).await;
    let preflight = |origin: (&'static str, &'static str)| {
        let post = Post {
            method: Method::OPTIONS,
            headers: vec![origin, ("access-control-request-method", "POST")],
            ..Post::logs("")
        };
        post.header("access-control-request-headers", "content-type,x-tenant")
    };
    let answer = preflight(ORIGIN).send(stage.http()).await;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    assert_eq!(header(&answer, "access-control-allow-origin"), ORIGIN.1);
    assert_eq!(header(&answer, "access-control-allow-credentials"), "true");
    assert_eq!(header(&answer, "access-control-max-age"), "600");
    assert!(header(&answer, "access-control-allow-methods").contains("POST"));
    assert!(header(&answer, "access-control-allow-headers").contains("x-tenant"));

    let stranger = ("origin", "https://example.org");
    let answer = preflight(stranger).send(stage.http()).await;
    assert_eq!(header(&answer, "access-control-allow-origin"), "");
}

#[tokio::test]
async fn errors_carry_the_headers_too() {
    let stage = Stage::with_host(YAML, guarded_host()).await;
    let allowed = ("authorization", "Bearer good one");
    for (post, status) in [
        (Post::logs(logs(&["one"])).header(allowed.0, allowed.1), 200),
        (Post::logs("broken").header(allowed.0, allowed.1), 400),
        (Post::logs(logs(&["one"])), 401),
        (
            Post::to("/nowhere", PROTOBUF, "").header(allowed.0, allowed.1),
            404,
        ),
        (
            Post::to("/v1/logs", ("content-type", "a/b"), "").header(allowed.0, allowed.1),
            415,
        ),
    ] {
        let answer = post.header(ORIGIN.0, ORIGIN.1).send(stage.http()).await;
        assert_eq!(answer.status().as_u16(), status);
        assert_eq!(
            header(&answer, "access-control-allow-origin"),
            ORIGIN.1,
            "{status}"
        );
        assert_eq!(header(&answer, "access-control-allow-credentials"), "true");
        assert!(
            header(&answer, "vary")
                .to_ascii_lowercase()
                .contains("origin")
        );
    }
}

#[tokio::test]
async fn other_origins_get_no_headers_but_their_data_are_taken() {
    let stage = Stage::with_host(YAML, guarded_host()).await;
    let answer = Post::logs(logs(&["one"]))
        .header("authorization", "Bearer good one")
        .header("origin", "https://example.org")
        .send(stage.http())
        .await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(header(&answer, "access-control-allow-origin"), "");
}
