//! One walk over a payload, with all hooks that share it.

use super::arena::Arena;
use super::layout::{Around, BLOCKS, HEAD, INNER, Layout, SCHEMA_URL, in_order, place};
use super::log::{self, LogDraft};
use super::metric::{METADATA, MetricDraft, MetricKind, POINTS};
use super::outer::{Outer, RESOURCE_ATTRIBUTES, ResourceDraft, SCOPE_ATTRIBUTES, ScopeDraft};
use super::plan::Steps;
use super::point::PointDraft;
use super::record::{Block, Record};
use super::span::{self, SpanDraft};
use super::weave::{Place, Weaver};
use super::{Facts, Verdict};
use crate::frame::Frame;
use crate::read::Decode;
use crate::wire::{Field, Fields, put_bytes, text};
use crate::{Metric, Payload, Resource, Scope, Signal};

/// The state of a walk.
pub(super) struct Walk<'a, 'e> {
    pub(super) steps: &'a Steps<'e>,
    pub(super) arena: &'a Arena,
    pub(super) frame: Frame,
    pub(super) facts: Facts<'a>,
    pub(super) record: Record<'a>,
    /// Made when hooks look at resources, and at scopes.
    resource: Option<Outer<'a>>,
    scope: Option<Outer<'a>>,
    /// How many items were dropped.
    pub(super) dropped: usize,
    /// An edit moved a record without having said that it would.
    pub(super) moved: bool,
    /// A buffer for what has to be woven apart.
    spare: Vec<u8>,
}

impl<'a, 'e> Walk<'a, 'e> {
    pub(super) fn new(
        steps: &'a Steps<'e>,
        arena: &'a Arena,
        signal: Signal,
        now_unix_nano: u64,
    ) -> Self {
        let attributes = match signal {
            Signal::Logs => log::ATTRIBUTES,
            Signal::Traces => span::ATTRIBUTES,
            Signal::Metrics => METADATA,
        };
        Walk {
            steps,
            arena,
            frame: Frame::of(signal),
            facts: Facts::new(signal, now_unix_nano),
            record: Record::new(attributes),
            resource: None,
            scope: None,
            dropped: 0,
            moved: false,
            spare: Vec::new(),
        }
    }

    /// Walks a whole payload; `None` when nothing changed.
    pub(super) fn payload(&mut self, payload: &'a Payload) -> Option<Payload> {
        let mut done = Payload::empty(payload.signal());
        let mut changed = false;
        for (bytes, items) in payload.pieces() {
            let dropped = self.dropped;
            let piece = match self.segment(bytes) {
                Some(anew) => {
                    changed = true;
                    let items = items.saturating_sub(self.dropped - dropped);
                    Payload::from_valid(payload.signal(), anew.into(), items)
                }
                None => Payload::from_valid(payload.signal(), bytes.clone(), items),
            };
            done.append(piece);
        }
        changed.then_some(done)
    }

    fn segment(&mut self, bytes: &'a [u8]) -> Option<Vec<u8>> {
        let mut weaver = Weaver::new(bytes, Vec::new());
        for field in Fields::new(bytes) {
            if field.number == BLOCKS {
                self.around(&mut weaver, 0, &field, Around::Resource);
            }
        }
        let (mut out, changed) = weaver.finish();
        give_back_excess(&mut out);
        changed.then_some(out)
    }

    /// Walks a message of an outer level. Tells whether it is still there.
    fn around(
        &mut self,
        weaver: &mut Weaver<'a>,
        base: usize,
        field: &Field<'a>,
        around: Around,
    ) -> bool {
        let message = field.bytes();
        let layout = Layout::of(message);
        let place = place(base, field);
        if layout.behind {
            return self.around_in_order(weaver, place, message, around);
        }
        weaver.enter(place);
        let Some((head, new_schema_url)) = self.head(&layout, around) else {
            self.dropped += self.frame.count(around.level(), message);
            weaver.discard();
            return false;
        };
        if let Some(head) = head {
            let (start, end) = layout.head.unwrap_or_default();
            weaver.replace(place.content + start, place.content + end, |out| {
                put_bytes(out, HEAD, head);
            });
        }
        let (kept, dropped) = self.inside(
            weaver,
            place.content,
            message,
            around,
            new_schema_url.is_some(),
        );
        if dropped > 0 && kept == 0 {
            weaver.discard();
            return false;
        }
        if let Some(url) = new_schema_url.filter(|url| !url.is_empty()) {
            weaver.append(|out| put_bytes(out, SCHEMA_URL, url));
        }
        weaver.leave();
        true
    }

    /// Calls the hooks for a resource or scope, and sets the facts. Returns its
    /// new content and schema URL, as far as they are new; `None` to drop it.
    #[expect(clippy::type_complexity, reason = "two things that may be new")]
    pub(super) fn head(
        &mut self,
        layout: &Layout<'a>,
        around: Around,
    ) -> Option<(Option<&'a [u8]>, Option<&'a [u8]>)> {
        let mut head = None;
        let mut url = None;
        if self.has_hooks(around) {
            let outer = self.outer(around);
            outer.reset(layout.head_content, layout.schema_url);
            if self.look_around(around) == Verdict::Drop {
                return None;
            }
            let arena = self.arena;
            let outer = self.outer(around);
            if let Some(message) = outer.changed() {
                head = Some(message.current(arena));
            }
            url = outer.new_schema_url();
        }
        let content = head.unwrap_or(layout.head_content);
        self.set_facts(around, content, url.unwrap_or(layout.schema_url));
        Some((head, url))
    }

    fn outer(&mut self, around: Around) -> &mut Outer<'a> {
        match around {
            Around::Resource => self
                .resource
                .get_or_insert_with(|| Outer::new(RESOURCE_ATTRIBUTES)),
            Around::Scope => self
                .scope
                .get_or_insert_with(|| Outer::new(SCOPE_ATTRIBUTES)),
        }
    }

    fn has_hooks(&self, around: Around) -> bool {
        match around {
            Around::Resource => !self.steps.resource.is_empty(),
            Around::Scope => !self.steps.scope.is_empty(),
        }
    }

    fn look_around(&mut self, around: Around) -> Verdict {
        let arena = self.arena;
        self.facts.scope = Scope::default();
        self.facts.scope_schema_url = "";
        match around {
            Around::Resource => {
                self.facts.resource = Resource::default();
                self.facts.resource_schema_url = "";
                let Some(resource) = &mut self.resource else {
                    return Verdict::Keep;
                };
                all(&self.steps.resource, |edit| {
                    edit.resource(&self.facts, &mut ResourceDraft::new(resource, arena))
                })
            }
            Around::Scope => {
                let Some(scope) = &mut self.scope else {
                    return Verdict::Keep;
                };
                all(&self.steps.scope, |edit| {
                    edit.scope(&self.facts, &mut ScopeDraft::new(scope, arena))
                })
            }
        }
    }

    fn set_facts(&mut self, around: Around, content: &'a [u8], schema_url: &'a [u8]) {
        let block = &mut self.record.block;
        match around {
            Around::Resource => {
                block.resource = content;
                block.resource_schema_url = schema_url;
                self.facts.resource = match content {
                    [] => Resource::default(),
                    _ => Resource::decode(content),
                };
                self.facts.resource_schema_url = text(schema_url);
            }
            Around::Scope => {
                block.scope = content;
                block.scope_schema_url = schema_url;
                self.facts.scope = match content {
                    [] => Scope::default(),
                    _ => Scope::decode(content),
                };
                self.facts.scope_schema_url = text(schema_url);
            }
        }
    }

    /// Walks what stands under a resource or scope: how many of its messages
    /// were kept, and how many dropped.
    fn inside(
        &mut self,
        weaver: &mut Weaver<'a>,
        base: usize,
        message: &'a [u8],
        around: Around,
        without_schema_url: bool,
    ) -> (usize, usize) {
        let records = !(self.steps.record.is_empty() && self.steps.point.is_empty());
        let deeper = records || around == Around::Resource && !self.steps.scope.is_empty();
        let mut counts = (0, 0);
        for field in Fields::new(message) {
            if field.number == SCHEMA_URL && without_schema_url {
                weaver.replace(base + field.start, base + field.end, |_| ());
            } else if field.number == INNER && deeper {
                let kept = match around {
                    Around::Resource => self.around(weaver, base, &field, Around::Scope),
                    Around::Scope => self.record(weaver, base, &field),
                };
                if kept {
                    counts.0 += 1;
                } else {
                    counts.1 += 1;
                }
            }
        }
        counts
    }

    /// Walks a message whose head stands behind other things, through a copy in
    /// which it stands first.
    #[cold]
    fn around_in_order(
        &mut self,
        weaver: &mut Weaver<'a>,
        place: Place,
        message: &'a [u8],
        around: Around,
    ) -> bool {
        let ordered = in_order(self.arena, message);
        self.apart(weaver, place, ordered, false, |walk, apart, field| {
            walk.around(apart, 0, field, around)
        })
    }

    /// Walks other content than that of the source in a place of it. It gets
    /// there if it has to (`changed`), or if `inside` changes it further.
    fn apart(
        &mut self,
        weaver: &mut Weaver<'a>,
        place: Place,
        content: &'a [u8],
        changed: bool,
        inside: impl FnOnce(&mut Self, &mut Weaver<'a>, &Field<'a>) -> bool,
    ) -> bool {
        let source = self
            .arena
            .encode(|out| put_bytes(out, place.number, content));
        let Some(field) = Fields::new(source).next() else {
            return true;
        };
        let mut apart = Weaver::new(source, std::mem::take(&mut self.spare));
        let kept = inside(self, &mut apart, &field);
        let (mut out, woven) = apart.finish();
        if woven {
            weaver.replace(place.start, place.end, |to| to.extend_from_slice(&out));
        } else if changed {
            weaver.replace(place.start, place.end, |to| to.extend_from_slice(source));
        }
        out.clear();
        self.spare = out;
        kept
    }

    /// Walks a log record, span or metric. Tells whether it is still there.
    #[inline]
    fn record(&mut self, weaver: &mut Weaver<'a>, base: usize, field: &Field<'a>) -> bool {
        let place = place(base, field);
        if !self.steps.record.is_empty() {
            if self.facts.signal == Signal::Metrics {
                self.record.message.reset_as(field.bytes(), METADATA);
            }
            self.record.reset(field.bytes());
            if self.look_record() == Verdict::Drop {
                self.dropped += self.frame.count_field(2, field);
                weaver.replace(place.start, place.end, |_| ());
                return false;
            }
            self.moved |= self.record.is_moved();
        }
        let touched = !self.steps.record.is_empty() && self.record.message.is_touched();
        if self.steps.point.is_empty() {
            if touched {
                weaver.replace_field(place, |out| self.record.message.write(out));
            }
            return true;
        }
        if touched {
            let content = self.record.message.current(self.arena);
            return self.apart(weaver, place, content, true, |walk, apart, field| {
                walk.points(apart, 0, field)
            });
        }
        self.points(weaver, base, field)
    }

    /// Calls the hooks for a log record, span or metric.
    #[inline]
    pub(super) fn look_record(&mut self) -> Verdict {
        let arena = self.arena;
        let (facts, record) = (&self.facts, &mut self.record);
        all(&self.steps.record, |edit| match facts.signal {
            Signal::Logs => edit.log(facts, &mut LogDraft::new(record, arena)),
            Signal::Traces => edit.span(facts, &mut SpanDraft::new(record, arena)),
            Signal::Metrics => edit.metric(facts, &mut MetricDraft::new(record, arena)),
        })
    }

    /// The record as it is now.
    pub(super) fn current_record(&mut self) -> &'a [u8] {
        self.record.message.current(self.arena)
    }

    /// What comes next stands under the resource and scope that the present
    /// record wants.
    pub(super) fn stand_where_moved(&mut self) {
        let mut block = self.record.block;
        if let Some(own) = self.record.moved_resource() {
            block.resource = own.current(self.arena);
            block.resource_schema_url = own.schema_url();
        }
        if let Some(own) = self.record.moved_scope() {
            block.scope = own.current(self.arena);
            block.scope_schema_url = own.schema_url();
        }
        self.stand_in(block);
    }

    pub(super) fn stand_in(&mut self, block: Block<'a>) {
        self.set_facts(Around::Resource, block.resource, block.resource_schema_url);
        self.set_facts(Around::Scope, block.scope, block.scope_schema_url);
    }

    /// Walks the points of a metric. Tells whether the metric is still there.
    fn points(&mut self, weaver: &mut Weaver<'a>, base: usize, metric: &Field<'a>) -> bool {
        let metric_place = place(base, metric);
        let (mut kept, mut dropped) = (0, 0);
        self.facts.metric = Metric::decode(metric.bytes());
        weaver.enter(metric_place);
        for data in Fields::new(metric.bytes()) {
            let Some(kind) = MetricKind::of_field(data.number) else {
                continue;
            };
            let data_place = place(metric_place.content, &data);
            weaver.enter(data_place);
            for point in Fields::new(data.bytes()).filter(|field| field.number == POINTS) {
                let place = place(data_place.content, &point);
                if self.look_point(point.bytes(), kind) == Verdict::Drop {
                    dropped += 1;
                    weaver.replace(place.start, place.end, |_| ());
                    continue;
                }
                kept += 1;
                self.moved |= self.record.is_moved();
                if self.record.message.is_touched() {
                    weaver.replace_field(place, |out| self.record.message.write(out));
                }
            }
            weaver.leave();
        }
        self.facts.metric = Metric::default();
        self.dropped += dropped;
        if dropped > 0 && kept == 0 {
            weaver.discard();
            return false;
        }
        weaver.leave();
        true
    }

    /// Calls the hooks for a data point.
    #[inline]
    pub(super) fn look_point(&mut self, point: &'a [u8], kind: MetricKind) -> Verdict {
        let arena = self.arena;
        self.record.message.reset_as(point, kind.attributes());
        self.record.reset(point);
        let (facts, record) = (&self.facts, &mut self.record);
        all(&self.steps.point, |edit| {
            edit.point(facts, &mut PointDraft::new(record, arena, kind))
        })
    }
}

/// Calls a hook of every edit until one of them drops.
#[inline(always)]
fn all(edits: &[&dyn super::Edit], mut hook: impl FnMut(&dyn super::Edit) -> Verdict) -> Verdict {
    for edit in edits {
        if hook(*edit) == Verdict::Drop {
            return Verdict::Drop;
        }
    }
    Verdict::Keep
}

/// After many drops: what stays in flight must not hold memory for what went.
pub(super) fn give_back_excess(out: &mut Vec<u8>) {
    if out.len() < out.capacity() / 2 {
        out.shrink_to_fit();
    }
}
