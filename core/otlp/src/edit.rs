//! Editing records on the wire, through drafts.
//!
//! An [`Edit`] is one step over records. [`run`] takes a list of them and walks
//! the payload once: every record becomes a draft, all steps see it in order,
//! and it is written once at the end, if somebody changed it. What nobody
//! changed is copied as it came, in runs as long as possible; a payload that
//! nobody changed comes back as it is.
//!
//! ```ignore
//! struct DropDebug;
//! impl Edit for DropDebug {
//!     fn touches(&self) -> Touches {
//!         Touches { logs: true, ignores_facts: true, ..Touches::default() }
//!     }
//!     fn log(&self, _: &Facts<'_>, log: &mut LogDraft<'_, '_>) -> Verdict {
//!         log.attributes().rename("http.method", "http.request.method");
//!         if log.severity_number() < 9 { Verdict::Drop } else { Verdict::Keep }
//!     }
//! }
//! let payload = run(&payload, &[&DropDebug], &mut scratch, now);
//! ```

mod arena;
mod attributes;
mod entries;
mod fields;
mod groups;
mod intern;
mod layout;
mod log;
mod message;
mod metric;
mod outer;
mod plan;
mod point;
mod record;
mod regroup;
mod scan;
mod scratch;
mod span;
mod walk;
mod weave;

pub use arena::Arena;
pub use attributes::AttributesDraft;
use fields::{field, fields, nested_draft};
pub use log::LogDraft;
pub use metric::{MetricDraft, MetricKind};
pub use outer::{ResourceDraft, ScopeDraft};
pub use plan::walks;
pub use point::{ExemplarDraft, Point, PointDraft};
pub use scratch::Scratch;
pub use span::{EventDraft, LinkDraft, SpanDraft};

use crate::{Metric, Payload, Resource, Scope, Signal};

/// What becomes of a record, or of all that stands under a resource or scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// It stays, changed or not.
    Keep,
    /// It is removed. What is left empty around it goes, too.
    Drop,
}

/// What an edit looks at, so that a walk can pass over the rest and knows which
/// edits it may run together.
///
/// Hooks of levels that are not named here are not called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Touches {
    /// [`Edit::resource`].
    pub resource: bool,
    /// [`Edit::scope`].
    pub scope: bool,
    /// [`Edit::log`].
    pub logs: bool,
    /// [`Edit::span`].
    pub spans: bool,
    /// [`Edit::metric`].
    pub metrics: bool,
    /// [`Edit::point`].
    pub points: bool,
    /// It changes the resource or scope of single records, through their drafts.
    /// Then all records are grouped anew by resource and scope, in order of
    /// first appearance. An edit that moves without having said so is called a
    /// second time for every record, since that shows only on the way.
    pub moves: bool,
    /// Its hooks for records do not look at the resource, scope or metric in
    /// their [`Facts`]. Then it can share a walk with later edits that change
    /// those.
    pub ignores_facts: bool,
}

/// What is known about a record besides itself. All of it is as the edits so
/// far have left it.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    signal: Signal,
    now_unix_nano: u64,
    resource: Resource<'a>,
    resource_schema_url: &'a str,
    scope: Scope<'a>,
    scope_schema_url: &'a str,
    metric: Metric<'a>,
}

impl<'a> Facts<'a> {
    fn new(signal: Signal, now_unix_nano: u64) -> Self {
        Facts {
            signal,
            now_unix_nano,
            resource: Resource::default(),
            resource_schema_url: "",
            scope: Scope::default(),
            scope_schema_url: "",
            metric: Metric::default(),
        }
    }

    /// The signal of the payload.
    pub const fn signal(&self) -> Signal {
        self.signal
    }

    /// The wall clock at the start of the walk, nanoseconds since 1970.
    pub const fn now_unix_nano(&self) -> u64 {
        self.now_unix_nano
    }

    /// The resource; empty in [`Edit::resource`].
    pub const fn resource(&self) -> &Resource<'a> {
        &self.resource
    }

    /// The schema of the resource's names, often empty.
    pub const fn resource_schema_url(&self) -> &'a str {
        self.resource_schema_url
    }

    /// The scope; empty in [`Edit::resource`] and [`Edit::scope`].
    pub const fn scope(&self) -> &Scope<'a> {
        &self.scope
    }

    /// The schema of the scope's names, often empty.
    pub const fn scope_schema_url(&self) -> &'a str {
        self.scope_schema_url
    }

    /// The metric around a data point; empty in all other hooks.
    pub const fn metric(&self) -> &Metric<'a> {
        &self.metric
    }
}

/// One step over the records of a payload. Hooks do nothing by default.
///
/// Hooks are called from the outside in: the resource, its scopes, their
/// records; a metric before its points. Edits that share a walk are called in
/// order at each of them.
pub trait Edit: Send + Sync {
    /// What it looks at; must always be the same.
    fn touches(&self) -> Touches;

    /// Looks at a resource, before what stands under it.
    fn resource(&self, facts: &Facts<'_>, resource: &mut ResourceDraft<'_, '_>) -> Verdict {
        let _ = (facts, resource);
        Verdict::Keep
    }

    /// Looks at a scope, before what stands under it.
    fn scope(&self, facts: &Facts<'_>, scope: &mut ScopeDraft<'_, '_>) -> Verdict {
        let _ = (facts, scope);
        Verdict::Keep
    }

    /// Looks at a log record.
    fn log(&self, facts: &Facts<'_>, log: &mut LogDraft<'_, '_>) -> Verdict {
        let _ = (facts, log);
        Verdict::Keep
    }

    /// Looks at a span, its events and links.
    fn span(&self, facts: &Facts<'_>, span: &mut SpanDraft<'_, '_>) -> Verdict {
        let _ = (facts, span);
        Verdict::Keep
    }

    /// Looks at a metric, before its points.
    fn metric(&self, facts: &Facts<'_>, metric: &mut MetricDraft<'_, '_>) -> Verdict {
        let _ = (facts, metric);
        Verdict::Keep
    }

    /// Looks at a data point of any type, and its exemplars.
    fn point(&self, facts: &Facts<'_>, point: &mut PointDraft<'_, '_>) -> Verdict {
        let _ = (facts, point);
        Verdict::Keep
    }
}

/// Runs edits over a payload, as if one after the other, in as few walks as
/// possible. `now_unix_nano` is the wall clock, for [`Facts::now_unix_nano`].
///
/// A payload in which nothing changed comes back as a cheap clone.
pub fn run(
    payload: &Payload,
    edits: &[&dyn Edit],
    scratch: &mut Scratch,
    now_unix_nano: u64,
) -> Payload {
    let signal = payload.signal();
    let mut latest: Option<Payload> = None;
    for steps in &plan::plan(edits, signal) {
        let from = latest.as_ref().unwrap_or(payload);
        let mut walk = walk::Walk::new(steps, &scratch.arena, signal, now_unix_nano);
        let mut anew = if steps.moves {
            walk.regrouped(from)
        } else {
            walk.payload(from)
        };
        if walk.moved && !steps.moves {
            // An edit moved records without having said so: nothing may get lost.
            walk = walk::Walk::new(steps, &scratch.arena, signal, now_unix_nano);
            anew = walk.regrouped(from);
        }
        scratch.arena.reset();
        latest = anew.or(latest);
    }
    latest.unwrap_or_else(|| payload.clone())
}
