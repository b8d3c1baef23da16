//! Which edits may share a walk, and which hooks a walk has to call.

use smallvec::SmallVec;

use super::{Edit, Touches};
use crate::Signal;

type List<'e> = SmallVec<[&'e dyn Edit; 2]>;

/// The hooks of one walk, level by level, each in the order of the edits.
#[derive(Default)]
pub(super) struct Steps<'e> {
    pub(super) resource: List<'e>,
    pub(super) scope: List<'e>,
    /// Log records, spans or metrics.
    pub(super) record: List<'e>,
    pub(super) point: List<'e>,
    /// Records are grouped anew.
    pub(super) moves: bool,
    /// Some hook for records looks at its facts.
    reads_facts: bool,
}

/// What an edit touches in payloads of one signal.
#[derive(Clone, Copy)]
struct Part {
    resource: bool,
    scope: bool,
    record: bool,
    point: bool,
    moves: bool,
    reads_facts: bool,
}

impl Part {
    fn of(touches: Touches, signal: Signal) -> Part {
        let record = match signal {
            Signal::Logs => touches.logs,
            Signal::Traces => touches.spans,
            Signal::Metrics => touches.metrics,
        };
        let point = signal == Signal::Metrics && touches.points;
        Part {
            resource: touches.resource,
            scope: touches.scope,
            record,
            point,
            moves: touches.moves && (record || point),
            reads_facts: !touches.ignores_facts && (record || point),
        }
    }

    fn is_empty(self) -> bool {
        !(self.resource || self.scope || self.record || self.point)
    }
}

impl<'e> Steps<'e> {
    fn is_empty(&self) -> bool {
        self.resource.is_empty()
            && self.scope.is_empty()
            && self.record.is_empty()
            && self.point.is_empty()
    }

    /// Whether the outcome would be the same if this edit's walk came after.
    ///
    /// A walk calls all hooks of an outer level before those of the next. So an
    /// edit cannot join one in which an earlier edit looked at what stands
    /// further inside and at what this one may change around it.
    fn may_take(&self, part: Part) -> bool {
        if self.moves && (part.resource || part.scope || part.moves || part.reads_facts) {
            return false;
        }
        if part.resource && (!self.scope.is_empty() || self.reads_facts) {
            return false;
        }
        if part.scope && self.reads_facts {
            return false;
        }
        // What a metric contains is not hidden from its hook.
        !part.record || self.point.is_empty()
    }

    fn take(&mut self, edit: &'e dyn Edit, part: Part) {
        let lists = [
            (part.resource, &mut self.resource),
            (part.scope, &mut self.scope),
            (part.record, &mut self.record),
            (part.point, &mut self.point),
        ];
        for (touched, list) in lists {
            if touched {
                list.push(edit);
            }
        }
        self.moves |= part.moves;
        self.reads_facts |= part.reads_facts;
    }
}

/// Divides a chain of edits into walks, as few as possible.
pub(super) fn plan<'e>(edits: &[&'e dyn Edit], signal: Signal) -> SmallVec<[Steps<'e>; 1]> {
    let mut walks: SmallVec<[Steps<'e>; 1]> = SmallVec::new();
    for &edit in edits {
        let part = Part::of(edit.touches(), signal);
        if part.is_empty() {
            continue;
        }
        match walks.last_mut() {
            Some(walk) if walk.is_empty() || walk.may_take(part) => walk.take(edit, part),
            _ => {
                walks.push(Steps::default());
                if let Some(walk) = walks.last_mut() {
                    walk.take(edit, part);
                }
            }
        }
    }
    walks
}

/// How many walks a chain of edits takes over payloads of a signal.
pub fn walks(edits: &[&dyn Edit], signal: Signal) -> usize {
    plan(edits, signal).len()
}
