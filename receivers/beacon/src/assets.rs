//! The script and the demo page: files of `web/`, put into the program.

mod range;

use std::hash::Hasher;

use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, ACCEPT_RANGES, ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_ENCODING,
    CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_NONE_MATCH, RANGE, REFERRER_POLICY, VARY,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};
use net::{Body, Encoding};

use crate::config::Config;
use range::{Range, range};

const SCRIPT: &str = include_str!("../../../web/beacon.js");
const PAGE: &str = include_str!("../../../web/demo.html");
const NEXT: &str = include_str!("../../../web/demo-next.html");
const VIDEO: &[u8] = include_bytes!("../../../web/demo.webm");
/// What stands in the files for the configured paths.
const SCRIPT_MARK: &str = "%SCRIPT%";
const PATH_MARK: &str = "%PATH%";

const TIMING: HeaderName = HeaderName::from_static("timing-allow-origin");
const ANY: HeaderValue = HeaderValue::from_static("*");
const HOUR: HeaderValue = HeaderValue::from_static("public, max-age=3600");
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// A file that is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asset {
    Script,
    /// The script under a name with its version: it never changes.
    VersionedScript,
    Demo,
    DemoNext,
    DemoVideo,
}

/// A file with what is computed of it once.
struct File {
    content: Bytes,
    gzip: Option<Bytes>,
    kind: HeaderValue,
    etag: HeaderValue,
}

impl File {
    fn new(content: impl Into<Bytes>, kind: &'static str, compress: bool) -> File {
        let content = content.into();
        let gzip = compress
            .then(|| net::compress(Encoding::Gzip, Some(9), std::slice::from_ref(&content)).ok())
            .flatten();
        let etag = HeaderValue::try_from(format!("\"{}\"", version(&content)));
        File {
            gzip,
            kind: HeaderValue::from_static(kind),
            etag: etag.unwrap_or(HeaderValue::from_static("\"0\"")),
            content,
        }
    }
}

/// Names a content; the same in every process of this build.
#[expect(
    deprecated,
    reason = "SipHasher has fixed keys by its contract, DefaultHasher by accident"
)]
fn version(content: &[u8]) -> String {
    let mut hasher = std::hash::SipHasher::new();
    hasher.write(content);
    format!("{:016x}", hasher.finish())
}

/// All files of one receiver.
pub(crate) struct Assets {
    script: File,
    script_path: String,
    page: File,
    next: File,
    video: File,
}

impl Assets {
    pub(crate) fn new(config: &Config) -> Assets {
        let script = SCRIPT.replace(PATH_MARK, &config.path);
        let html = |page: &str| {
            let page = page.replace(SCRIPT_MARK, &config.script);
            File::new(page, "text/html; charset=utf-8", true)
        };
        Assets {
            script: File::new(script, "text/javascript; charset=utf-8", true),
            script_path: config.script.clone(),
            page: html(PAGE),
            next: html(NEXT),
            video: File::new(Bytes::from_static(VIDEO), "video/webm", false),
        }
    }

    /// `/b-<version>.js` for `/b.js`; empty where no script is served.
    pub(crate) fn versioned_path(&self) -> String {
        if self.script_path.is_empty() {
            return String::new();
        }
        let stem = self
            .script_path
            .strip_suffix(".js")
            .unwrap_or(&self.script_path);
        format!("{stem}-{}.js", version(&self.script.content))
    }

    /// Answers a GET or HEAD for a file.
    pub(crate) fn answer(&self, asset: Asset, head: &Parts, fixed: &HeaderMap) -> Response<Body> {
        let file = match asset {
            Asset::Script | Asset::VersionedScript => &self.script,
            Asset::Demo => &self.page,
            Asset::DemoNext => &self.next,
            Asset::DemoVideo => &self.video,
        };
        let mut response = Response::new(Body::empty());
        *response.headers_mut() = fixed.clone();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, file.kind.clone());
        headers.insert(ETAG, file.etag.clone());
        match asset {
            Asset::Script => drop(headers.insert(CACHE_CONTROL, HOUR)),
            Asset::VersionedScript => drop(headers.insert(CACHE_CONTROL, FOR_EVER)),
            // Links between the pages are to have a referrer, as on any site.
            Asset::Demo | Asset::DemoNext => drop(headers.remove(REFERRER_POLICY)),
            Asset::DemoVideo => {}
        }
        if matches!(asset, Asset::Script | Asset::VersionedScript) {
            // Without these, integrity checks, pages under COEP and timings fail.
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, ANY);
            headers.insert(TIMING, ANY);
        }
        let known = head
            .headers
            .get(IF_NONE_MATCH)
            .and_then(|value| value.to_str().ok());
        let etag = file.etag.to_str().unwrap_or_default();
        if known.is_some_and(|known| {
            known == "*"
                || known
                    .split(',')
                    .any(|tag| tag.trim().trim_start_matches("W/") == etag)
        }) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        }
        if asset == Asset::DemoVideo {
            part(file, head, &mut response);
        } else {
            whole(file, head, &mut response);
        }
        if head.method == Method::HEAD {
            let length = http_body_length(response.body());
            response
                .headers_mut()
                .insert(http::header::CONTENT_LENGTH, length.into());
            *response.body_mut() = Body::empty();
        }
        response
    }
}

fn http_body_length(body: &Body) -> u64 {
    use http_body::Body as _;
    body.size_hint().exact().unwrap_or(0)
}

fn whole(file: &File, head: &Parts, response: &mut Response<Body>) {
    let accepted = head
        .headers
        .get(ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok());
    let gzip = accepted.is_some_and(|names| names.to_ascii_lowercase().contains("gzip"));
    let headers = response.headers_mut();
    headers.insert(VARY, HeaderValue::from_name(ACCEPT_ENCODING));
    match &file.gzip {
        Some(small) if gzip => {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            *response.body_mut() = Body::from(small.clone());
        }
        _ => *response.body_mut() = Body::from(file.content.clone()),
    }
}

/// Players seek by asking for ranges.
fn part(file: &File, head: &Parts, response: &mut Response<Body>) {
    let size = file.content.len();
    let asked = head
        .headers
        .get(RANGE)
        .and_then(|value| value.to_str().ok());
    response
        .headers_mut()
        .insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    let line = match asked.map_or(Range::Whole, |asked| range(asked, size)) {
        Range::Whole => {
            *response.body_mut() = Body::from(file.content.clone());
            return;
        }
        Range::Part(from, to) => {
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            *response.body_mut() = Body::from(file.content.slice(from..to));
            format!("bytes {from}-{}/{size}", to - 1)
        }
        Range::Outside => {
            *response.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
            format!("bytes */{size}")
        }
    };
    if let Ok(line) = HeaderValue::try_from(line) {
        response.headers_mut().insert(CONTENT_RANGE, line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_keeps_its_size() {
        let script = Assets::new(&Config::default()).script;
        let size = script.gzip.map(|gzip| gzip.len());
        assert!(size.is_some_and(|size| size <= 3000), "{size:?} bytes");
        assert!(VIDEO.len() < 200 << 10);
    }

    #[test]
    fn no_mark_is_left_in_what_is_served() {
        let assets = Assets::new(&Config::default());
        for file in [&assets.script, &assets.page, &assets.next] {
            let text = std::str::from_utf8(&file.content).unwrap();
            assert!(!text.contains(SCRIPT_MARK) && !text.contains(PATH_MARK));
        }
    }
}
