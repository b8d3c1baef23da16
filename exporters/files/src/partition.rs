//! Which records go into which folder.

use std::cell::RefCell;
use std::collections::BTreeMap;

use otlp::edit::{self, Edit, Facts, LogDraft, PointDraft, Scratch, SpanDraft, Touches, Verdict};
use otlp::{Data, Payload, Signal};
use serde::{Deserialize, Serialize};

use crate::template::Template;

/// `partition_by`: the time that counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartitionBy {
    /// The record's own.
    #[default]
    Event,
    /// When the exporter took it, as Firehose does it.
    Arrival,
}

/// Sends records to folders.
#[derive(Clone, Debug)]
pub(crate) struct Partitioner {
    pub(crate) template: Template,
    pub(crate) by: PartitionBy,
}

impl Partitioner {
    /// The records by their folder, each part in the order that it came in. Records without a
    /// time of their own have that of their arrival.
    pub(crate) fn split(&self, payload: &Payload, now_unix_nano: u64) -> Vec<(String, Payload)> {
        let spans = match self.by {
            PartitionBy::Event => self.spans(payload, now_unix_nano),
            PartitionBy::Arrival => vec![self.template.span_of(now_unix_nano)],
        };
        // Neighbouring spans may share a folder: all days of a month.
        let mut folders: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for span in spans {
            let folder = self.template.folder(span);
            folders.entry(folder).or_default().push(span);
        }
        let mut parts = Vec::with_capacity(folders.len());
        let folders: Vec<_> = folders.into_iter().collect();
        self.cut(payload.clone(), &folders, now_unix_nano, &mut parts);
        parts
    }

    /// Halves the folders until one is left: so many folders cost few walks.
    fn cut(
        &self,
        payload: Payload,
        folders: &[(String, Vec<u64>)],
        now: u64,
        parts: &mut Vec<(String, Payload)>,
    ) {
        match folders {
            [] => {}
            [(folder, _)] => parts.push((folder.clone(), payload)),
            many => {
                let (left, right) = many.split_at(many.len() / 2);
                for half in [left, right] {
                    let kept = self.keep(&payload, half, now);
                    self.cut(kept, half, now, parts);
                }
            }
        }
    }

    fn keep(&self, payload: &Payload, folders: &[(String, Vec<u64>)], now: u64) -> Payload {
        thread_local! {
            static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch::new());
        }
        let mut spans: Vec<u64> = folders
            .iter()
            .flat_map(|(_, spans)| spans)
            .copied()
            .collect();
        spans.sort_unstable();
        let keep = Keep {
            template: &self.template,
            spans,
        };
        SCRATCH.with_borrow_mut(|scratch| edit::run(payload, &[&keep], scratch, now))
    }

    /// The spans that records lie in, sorted, each once.
    fn spans(&self, payload: &Payload, now: u64) -> Vec<u64> {
        let mut spans = Vec::new();
        let mut see = |times: [u64; 2]| {
            let span = self.template.span_of(event_time(times, now));
            if spans.last() != Some(&span) {
                spans.push(span);
            }
        };
        match payload.signal() {
            Signal::Logs => see_logs(payload, &mut see),
            Signal::Traces => see_spans(payload, &mut see),
            Signal::Metrics => see_points(payload, &mut see),
        }
        spans.sort_unstable();
        spans.dedup();
        spans
    }
}

/// The first time that is given.
fn event_time(times: [u64; 2], now: u64) -> u64 {
    times.into_iter().find(|time| *time != 0).unwrap_or(now)
}

fn see_logs(payload: &Payload, see: &mut impl FnMut([u64; 2])) {
    let scopes = payload.logs().flat_map(|resource| resource.scopes());
    for record in scopes.flat_map(|scope| scope.records()) {
        see([record.time_unix_nano, record.observed_time_unix_nano]);
    }
}

fn see_spans(payload: &Payload, see: &mut impl FnMut([u64; 2])) {
    let scopes = payload.traces().flat_map(|resource| resource.scopes());
    for span in scopes.flat_map(|scope| scope.spans()) {
        see([span.start_time_unix_nano, span.end_time_unix_nano]);
    }
}

fn see_points(payload: &Payload, see: &mut impl FnMut([u64; 2])) {
    macro_rules! see_all {
        ($points:expr) => {
            for point in $points {
                see([point.time_unix_nano, point.start_time_unix_nano]);
            }
        };
    }
    let scopes = payload.metrics().flat_map(|resource| resource.scopes());
    for metric in scopes.flat_map(|scope| scope.metrics()) {
        match metric.data() {
            Data::None => {}
            Data::Gauge(points) | Data::Sum { points, .. } => see_all!(points),
            Data::Histogram { points, .. } => see_all!(points),
            Data::ExponentialHistogram { points, .. } => see_all!(points),
            Data::Summary(points) => see_all!(points),
        }
    }
}

/// Drops what lies in other spans.
struct Keep<'t> {
    template: &'t Template,
    /// Sorted.
    spans: Vec<u64>,
}

impl Keep<'_> {
    fn verdict(&self, times: [u64; 2], facts: &Facts<'_>) -> Verdict {
        let time = event_time(times, facts.now_unix_nano());
        match self.spans.binary_search(&self.template.span_of(time)) {
            Ok(_) => Verdict::Keep,
            Err(_) => Verdict::Drop,
        }
    }
}

impl Edit for Keep<'_> {
    fn touches(&self) -> Touches {
        Touches {
            logs: true,
            spans: true,
            points: true,
            ..Touches::default()
        }
    }

    fn log(&self, facts: &Facts<'_>, log: &mut LogDraft<'_, '_>) -> Verdict {
        self.verdict([log.time_unix_nano(), log.observed_time_unix_nano()], facts)
    }

    fn span(&self, facts: &Facts<'_>, span: &mut SpanDraft<'_, '_>) -> Verdict {
        self.verdict(
            [span.start_time_unix_nano(), span.end_time_unix_nano()],
            facts,
        )
    }

    fn point(&self, facts: &Facts<'_>, point: &mut PointDraft<'_, '_>) -> Verdict {
        self.verdict(
            [point.time_unix_nano(), point.start_time_unix_nano()],
            facts,
        )
    }
}

#[cfg(test)]
mod tests;
