//! Which path is answered with what.

use std::borrow::Cow;
use std::sync::OnceLock;
use std::time::Duration;

use net::Body;
use net::http::header::CONTENT_TYPE;
use net::http::{HeaderValue, Response, StatusCode, Uri};
use parking_lot::Mutex;
use pipeline::Host;
use pipeline::health::{Report, Status};

use crate::answer;
use crate::config::Config;
use crate::full::FullQueues;
use crate::judge::{Known, Rules, Verdict};

const NOT_FOUND: &str = "{\"status\":\"not found\"}";

/// Answers requests.
pub(crate) struct Probe {
    config: Config,
    rules: Rules,
    host: Host,
    started: u64,
    /// When the pipelines were first seen to take telemetry, and to take none any more.
    ready_since: OnceLock<u64>,
    stopping_since: OnceLock<u64>,
    full: Mutex<FullQueues>,
}

impl Probe {
    pub(crate) fn new(config: &Config, host: Host) -> Probe {
        Probe {
            config: config.clone(),
            rules: config.rules(),
            started: host.clock.unix_nano(),
            host,
            ready_since: OnceLock::new(),
            stopping_since: OnceLock::new(),
            full: Mutex::default(),
        }
    }

    /// Takes note of what can only be told by who looks all the time.
    pub(crate) fn look(&self) {
        let now = self.host.clock.unix_nano();
        let queues = self.host.health.queues();
        let ratio = self.config.component_health.queue_full_ratio;
        self.full.lock().look(queues, ratio, now);
        let _ = self.life(now);
    }

    /// Answers a request for this path and query.
    pub(crate) fn answer(&self, uri: &Uri) -> Response<Body> {
        let path = uri.path();
        if self.config.status_path() == Some(path) {
            return self.status(uri.query().unwrap_or_default());
        }
        if self.config.config_path() == Some(path) {
            return self.configuration();
        }
        if path == self.config.path {
            return self.alive();
        }
        json(StatusCode::NOT_FOUND, NOT_FOUND.to_owned())
    }

    /// For liveness: whether the pipelines are up, whatever their sinks do.
    fn alive(&self) -> Response<Body> {
        let ready = self.host.health.is_ready();
        let now = self.host.clock.unix_nano();
        let uptime = Duration::from_nanos(now.saturating_sub(self.started));
        let body = match self.config.response_body.as_option() {
            Some(bodies) if ready => bodies.healthy.clone(),
            Some(bodies) => bodies.unhealthy.clone(),
            None => answer::probe(
                ready,
                &time(self.started),
                &settings::Duration::new(uptime).to_string(),
            ),
        };
        let code = match ready {
            true => StatusCode::OK,
            false => StatusCode::SERVICE_UNAVAILABLE,
        };
        json(code, body)
    }

    /// The status page: `?pipeline=traces&verbose`.
    fn status(&self, query: &str) -> Response<Body> {
        let whole = self.verdict();
        let verdict = match parameter(query, "pipeline").filter(|name| !name.is_empty()) {
            None => Some(&whole),
            Some(name) => whole.components.get(&format!("pipeline:{name}")),
        };
        let Some(verdict) = verdict else {
            return json(StatusCode::NOT_FOUND, NOT_FOUND.to_owned());
        };
        let verbose = match parameter(query, "verbose") {
            Some(value) => value != "false",
            // Without `use_v2` it has always been told whole.
            None => !self.config.use_v2,
        };
        let (code, body) = answer::status(verdict, verbose, &time(self.started), time);
        json(code, body)
    }

    fn verdict(&self) -> Verdict {
        let health = &self.host.health;
        let now = self.host.clock.unix_nano();
        let long = self.config.component_health.queue_full_duration.get();
        self.rules.judge(&Known {
            composition: &health.composition(),
            reports: &health.components(),
            full: &self.full.lock().for_long(nanoseconds(long), now),
            life: self.life(now),
            now,
        })
    }

    /// What holds for components that report nothing of their own.
    fn life(&self, now: u64) -> Report {
        let health = &self.host.health;
        let (status, since) = match (health.is_ready(), health.was_ready()) {
            (true, _) => (Status::Ok, *self.ready_since.get_or_init(|| now)),
            (false, false) => (Status::Starting, self.started),
            (false, true) => (Status::Stopping, *self.stopping_since.get_or_init(|| now)),
        };
        Report {
            status,
            since_unix_nano: since,
        }
    }

    fn configuration(&self) -> Response<Body> {
        let composition = self.host.health.composition();
        match composition.configuration.is_empty() {
            true => json(StatusCode::SERVICE_UNAVAILABLE, String::new()),
            false => json(StatusCode::OK, composition.configuration.to_string()),
        }
    }
}

/// The value of a parameter of a query; empty when it has none.
fn parameter<'a>(query: &'a str, name: &str) -> Option<Cow<'a, str>> {
    url::form_urlencoded::parse(query.as_bytes())
        .find(|(key, _)| key == name)
        .map(|(_, value)| value)
}

/// Nanoseconds of a duration; five centuries for all that is longer.
pub(crate) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn json(status: StatusCode, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// RFC 3339 in UTC.
fn time(unix_nano: u64) -> String {
    let at = jiff::Timestamp::from_nanosecond(i128::from(unix_nano));
    at.map_or_else(|_| unix_nano.to_string(), |at| at.to_string())
}
