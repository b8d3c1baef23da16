//! ECS events to OTLP log records: the mapper.
//!
//! An event is a log record whose attributes are flat ECS paths, as receivers
//! write them, or nested or mixed, or whose body is a map of ECS fields. The
//! mapper works on the draft of the record and changes only what has to change:
//!
//! 1. Scan: one lookup an attribute tells its row, or that it is custom.
//! 2. Normalize, only when there are maps or empty values: flatten, settle
//!    collisions, drop what is no value.
//! 3. Place custom fields; one whose name is literally a target owns it.
//! 4. Place mapped fields by rank, of those that are there.
//! 5. Fill derived fields: severity and span id fallbacks, `exception.type`,
//!    `network.protocol.name`, `os.name`, `dns.answers`.
//! 6. Move what belongs to the resource and stamp the schema URL.
//!
//! Nothing is silently lost: a field keeps its ECS name when its conversion
//! fails, when another value owns its target, or when it has no target. What
//! the record already has in a field of its own (a time, a body, a name), and
//! what its resource already has, owns that place.

mod derive;
mod event;
mod fields;
mod http;
mod normalize;
mod place;
mod points;
mod special;

use otlp::Value;
use otlp::edit::{Edit, Facts, LogDraft, Touches, Verdict};

use event::Event;
use place::Mapping;

/// The schema that the names of a mapped record follow.
pub const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.44.0";

/// Which records are taken for ECS events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Records {
    /// Those with a field that only ECS knows (`@timestamp`, `event.action`, `log.level`, `labels.*` ...), those
    /// whose body is a map with `@timestamp` or `ecs.version`, and those that have attributes and nothing else:
    /// no time, body, severity or name. All others pass unchanged.
    #[default]
    Ecs,
    /// All of them.
    All,
}

/// What a walk that maps has to do: regroup records, since some get another resource or scope.
pub const TOUCHES: Touches = Touches {
    resource: false,
    scope: false,
    logs: true,
    spans: false,
    metrics: false,
    points: false,
    moves: true,
    ignores_facts: true,
};

/// Maps ECS events to OpenTelemetry names, as an [`Edit`]. For those who do not count collisions; others call
/// [`map`] from an edit of their own.
#[derive(Clone, Copy, Debug, Default)]
pub struct ToOtel {
    /// Which records it maps.
    pub records: Records,
}

impl Edit for ToOtel {
    fn touches(&self) -> Touches {
        TOUCHES
    }

    fn log(&self, _: &Facts<'_>, log: &mut LogDraft<'_, '_>) -> Verdict {
        let _ = map(log, self.records);
        Verdict::Keep
    }
}

/// What was done to one record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Values that were dropped because their path had another one.
    pub collisions: usize,
}

/// Maps one record; `None` when it is no ECS event and was left as it is.
///
/// The edit that calls it declares [`TOUCHES`].
pub fn map(log: &mut LogDraft<'_, '_>, records: Records) -> Option<Report> {
    let mut event = Event::default();
    event.scan(&log.attributes());
    let body = ecs_body(log, records);
    let is_event = event.seen.marker
        || body
        || records == Records::All
        || is_bare(log)
        || event.seen.irregular && normalize::has_marker(&log.attributes());
    if !is_event || (event.seen.found == 0 && !body) {
        return None;
    }
    let mut report = Report::default();
    if event.seen.irregular || body {
        report.collisions = normalize::normalize(log, &mut event, body);
    }
    let mut mapping = Mapping::new(log, &event);
    mapping.run();
    Some(report)
}

/// Whether the body is a map of ECS fields rather than a structured body.
fn ecs_body(log: &mut LogDraft<'_, '_>, records: Records) -> bool {
    let Some(Value::Map(map)) = log.body() else {
        return false;
    };
    records == Records::All
        || map.get("@timestamp").is_some()
        || map.get("ecs.version").is_some()
        || matches!(map.get("ecs"), Some(Value::Map(ecs)) if ecs.get("version").is_some())
}

/// Whether it has attributes and nothing else, as a receiver of events writes it.
fn is_bare(log: &mut LogDraft<'_, '_>) -> bool {
    log.time_unix_nano() == 0
        && log.severity_number() == 0
        && log.event_name().is_empty()
        && log.body().is_none()
        && log.severity_text().is_empty()
}
