//! The walk that groups all records anew, for edits that move some of them to
//! another resource or scope.
//!
//! Resources and scopes without records do not come out of it, nor do unknown
//! fields of the messages around records; those of resources, scopes and records
//! do.

use super::Verdict;
use super::groups::Groups;
use super::layout::{Around, BLOCKS, INNER, Layout};
use super::metric::{METADATA, MetricKind, POINTS};
use super::walk::Walk;
use super::weave::write_field;
use crate::wire::{Field, Fields, put_bytes};
use crate::{Metric, Payload, Signal};

/// A walk that groups anew.
struct Regroup<'w, 'a, 'e> {
    walk: &'w mut Walk<'a, 'e>,
    groups: Groups<'a>,
    /// Whether anything is not as it was.
    changed: bool,
    /// The points of the present metric, by group.
    points: Vec<Points>,
    /// How many of `points` are in use.
    parts: usize,
}

/// Points of one metric that go to one group.
#[derive(Debug, Default)]
struct Points {
    group: usize,
    items: usize,
    out: Vec<u8>,
}

impl<'a> Walk<'a, '_> {
    /// Walks a whole payload and groups its records; `None` when no edit changed
    /// anything.
    pub(super) fn regrouped(&mut self, payload: &'a Payload) -> Option<Payload> {
        let expected = payload.size() + payload.size() / 8 + 64;
        let groups = Groups::new(self.arena, expected);
        let mut regroup = Regroup {
            walk: self,
            groups,
            changed: false,
            points: Vec::new(),
            parts: 0,
        };
        for (bytes, _) in payload.pieces() {
            regroup.inside(bytes, BLOCKS, |regroup, field| {
                regroup.around(field, Around::Resource)
            });
        }
        let changed = regroup.changed;
        changed.then(|| regroup.groups.finish(payload.signal()))
    }
}

impl<'a> Regroup<'_, 'a, '_> {
    fn inside(
        &mut self,
        message: &'a [u8],
        number: u32,
        mut look: impl FnMut(&mut Self, &Field<'a>),
    ) {
        for field in Fields::new(message).filter(|field| field.number == number) {
            look(self, &field);
        }
    }

    fn around(&mut self, field: &Field<'a>, around: Around) {
        let message = field.bytes();
        let layout = Layout::of(message);
        self.groups.next_block();
        let Some((head, url)) = self.walk.head(&layout, around) else {
            self.walk.dropped += self.walk.frame.count(around.level(), message);
            self.changed = true;
            return;
        };
        self.changed |= head.is_some() || url.is_some();
        self.inside(message, INNER, |regroup, field| match around {
            Around::Resource => regroup.around(field, Around::Scope),
            Around::Scope => regroup.record(field),
        });
    }

    #[inline]
    fn record(&mut self, field: &Field<'a>) {
        let walk = &mut *self.walk;
        if walk.facts.signal() == Signal::Metrics {
            walk.record.message.reset_as(field.bytes(), METADATA);
        }
        walk.record.reset(field.bytes());
        if walk.look_record() == Verdict::Drop {
            walk.dropped += walk.frame.count_field(2, field);
            self.changed = true;
            return;
        }
        self.changed |= walk.record.is_moved() || walk.record.message.is_touched();
        if !walk.steps.point.is_empty() {
            return self.metric(field);
        }
        let group = self.groups.of(&mut walk.record);
        let items = match walk.facts.signal() {
            Signal::Metrics => walk.frame.count_field(2, field),
            Signal::Logs | Signal::Traces => 1,
        };
        self.groups.put(group, items, |out| {
            if walk.record.message.is_touched() {
                write_field(out, INNER, field.bytes().len(), |out| {
                    walk.record.message.write(out)
                });
            } else {
                put_bytes(out, INNER, field.bytes());
            }
        });
    }

    /// A metric whose points are looked at: they may go to different groups.
    fn metric(&mut self, field: &Field<'a>) {
        let walk = &mut *self.walk;
        let metric = if walk.record.message.is_touched() {
            walk.current_record()
        } else {
            field.bytes()
        };
        let block = walk.record.block;
        let moved = walk.record.is_moved();
        if moved {
            self.groups.next_block();
            walk.stand_where_moved();
        }
        self.metric_points(metric);
        if moved {
            self.walk.stand_in(block);
            self.groups.next_block();
        }
    }

    fn metric_points(&mut self, metric: &'a [u8]) {
        let data = Fields::new(metric)
            .find_map(|field| MetricKind::of_field(field.number).map(|kind| (kind, field.bytes())));
        let Some((kind, data)) = data else {
            let group = self.groups.of_block(&mut self.walk.record);
            return self
                .groups
                .put(group, 0, |out| put_bytes(out, INNER, metric));
        };
        self.walk.facts.metric = <Metric<'_> as crate::read::Decode<'_>>::decode(metric);
        self.parts = 0;
        let mut dropped = 0;
        self.inside(data, POINTS, |regroup, point| {
            let walk = &mut *regroup.walk;
            if walk.look_point(point.bytes(), kind) == Verdict::Drop {
                dropped += 1;
                return;
            }
            regroup.changed |= walk.record.is_moved() || walk.record.message.is_touched();
            let group = regroup.groups.of(&mut walk.record);
            regroup.put_point(group, point);
        });
        self.walk.facts.metric = Metric::default();
        self.walk.dropped += dropped;
        self.changed |= dropped > 0;
        if self.parts == 0 && dropped == 0 {
            let group = self.groups.of_block(&mut self.walk.record);
            self.groups
                .put(group, 0, |out| put_bytes(out, INNER, metric));
        }
        self.put_metric(metric, kind, data);
    }

    /// Puts the present point to those of its group.
    fn put_point(&mut self, group: usize, point: &Field<'a>) {
        let known = self
            .points
            .iter()
            .take(self.parts)
            .position(|points| points.group == group);
        let at = known.unwrap_or_else(|| {
            if self.parts == self.points.len() {
                self.points.push(Points::default());
            }
            self.parts += 1;
            self.parts - 1
        });
        let Some(points) = self.points.get_mut(at) else {
            return;
        };
        if known.is_none() {
            points.group = group;
            points.items = 0;
            points.out.clear();
        }
        points.items += 1;
        let message = &mut self.walk.record.message;
        if message.is_touched() {
            let likely = point.bytes().len();
            write_field(&mut points.out, POINTS, likely, |out| message.write(out));
        } else {
            put_bytes(&mut points.out, POINTS, point.bytes());
        }
    }

    /// Writes the metric to every group that got points of it.
    fn put_metric(&mut self, metric: &[u8], kind: MetricKind, data: &[u8]) {
        for points in self.points.iter().take(self.parts) {
            self.groups.put(points.group, points.items, |out| {
                write_field(out, INNER, metric.len(), |out| {
                    put_others(out, metric, kind.field());
                    write_field(out, kind.field(), data.len(), |out| {
                        put_others(out, data, POINTS);
                        out.extend_from_slice(&points.out);
                    });
                });
            });
        }
    }
}

/// Appends the fields of a message but those of one number.
fn put_others(out: &mut Vec<u8>, message: &[u8], number: u32) {
    for field in Fields::new(message).filter(|field| field.number != number) {
        out.extend_from_slice(message.get(field.start..field.end).unwrap_or_default());
    }
}
