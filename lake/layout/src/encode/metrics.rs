//! Rows of `otel_metrics`: one a data point.

mod cells;
mod columns;

use otlp::{Attributes, Data, Exemplar, Messages, Metric, Payload};

use super::facts::Slots;
use super::{Origin, Refused, Writer};
use crate::promote::Promotions;
use crate::reject::Reason;
use crate::time::{EventTime, nanos_of, optional_nanos};
use cells::Cells;
pub(super) use columns::PointRows;

/// Adds the points of `payload`; how many there were, and how many repeated keys were left out.
pub(super) fn append(
    writer: &mut Writer<PointRows>,
    payload: &Payload,
    origin: Origin<'_>,
    refused: &mut Refused,
) -> (usize, u64) {
    let spec = writer.spec.clone();
    let mut walk = Walk {
        promotions: spec.promotions(),
        slots: Slots::new(spec.promotions()),
        writer,
        origin,
        refused,
        index: 0,
        duplicates: 0,
    };
    for resource in payload.metrics() {
        let attributes = resource.resource().attributes();
        walk.writer
            .facts
            .set_resource(resource.resource(), resource.schema_url(), origin);
        walk.slots.set_resource(attributes, walk.promotions);
        for scope in resource.scopes() {
            walk.writer.facts.set_scope(scope.scope(), origin);
            for metric in scope.metrics() {
                walk.metric(&metric);
            }
            walk.writer.days.fill(&walk.writer.facts, origin);
        }
    }
    (walk.index, walk.duplicates)
}

/// One walk over a payload.
struct Walk<'w, 'a> {
    writer: &'w mut Writer<PointRows>,
    promotions: &'w Promotions,
    slots: Slots<'a>,
    origin: Origin<'w>,
    refused: &'w mut Refused,
    index: usize,
    duplicates: u64,
}

/// What the point types have in common.
struct Point<'a> {
    time: u64,
    start: u64,
    flags: u32,
    attributes: Attributes<'a>,
    exemplars: Option<Messages<'a, Exemplar<'a>>>,
}

macro_rules! point {
    ($point:expr) => {
        Point {
            time: $point.time_unix_nano,
            start: $point.start_time_unix_nano,
            flags: $point.flags,
            attributes: $point.attributes(),
            exemplars: Some($point.exemplars()),
        }
    };
}

impl<'a> Walk<'_, 'a> {
    fn metric(&mut self, metric: &Metric<'a>) {
        match metric.data() {
            Data::None => {}
            Data::Gauge(points) => {
                for point in points {
                    self.point(metric, point!(point), Cells::gauge(&point));
                }
            }
            Data::Sum {
                points,
                temporality,
                monotonic,
            } => {
                for point in points {
                    let cells = Cells::sum(&point, temporality, monotonic);
                    self.point(metric, point!(point), cells);
                }
            }
            Data::Histogram {
                points,
                temporality,
            } => {
                for point in points {
                    let cells = Cells::histogram(point, temporality);
                    self.point(metric, point!(point), cells);
                }
            }
            Data::ExponentialHistogram {
                points,
                temporality,
            } => {
                for point in points {
                    let cells = Cells::exponential(point, temporality);
                    self.point(metric, point!(point), cells);
                }
            }
            Data::Summary(points) => {
                for point in points {
                    let common = Point {
                        time: point.time_unix_nano,
                        start: point.start_time_unix_nano,
                        flags: point.flags,
                        attributes: point.attributes(),
                        exemplars: None,
                    };
                    self.point(metric, common, Cells::summary(point));
                }
            }
        }
    }

    fn point(&mut self, metric: &Metric<'a>, point: Point<'a>, cells: Cells<'a>) {
        if let Err(reason) = self.push(metric, point, &cells) {
            self.refused.push((self.index, reason));
        }
        self.index += 1;
    }

    fn push(
        &mut self,
        metric: &Metric<'a>,
        point: Point<'a>,
        cells: &Cells<'a>,
    ) -> Result<(), Reason> {
        self.writer.facts.check()?;
        let times = [
            ("time_unix_nano", point.time),
            ("start_time_unix_nano", point.start),
        ];
        let time = EventTime::of(&times, self.origin.ingest)?;
        let start = optional_nanos("start_time_unix_nano", point.start)?;
        cells.check()?;
        let rows = self.writer.days.at(time.day());
        let row = rows.head.len();
        self.slots.start_record();
        let (promotions, slots) = (self.promotions, &mut self.slots);
        let limit = self.origin.max_depth;
        rows.attributes
            .push_row(point.attributes, limit, |key, value| {
                slots.see(key, value, promotions);
            })
            .map_err(|_| Reason::TooDeep {
                field: "an attribute",
                limit,
            })?;
        if let Err(reason) = push_exemplars(rows, point.exemplars, limit) {
            rows.attributes.truncate(row);
            rows.exemplars.truncate(row);
            return Err(reason);
        }
        self.duplicates += rows.attributes.take_duplicates();
        rows.head.push(time, self.index);
        rows.name.push_or_null(metric.name);
        rows.description.push_or_null(metric.description);
        rows.unit.push_or_null(metric.unit);
        rows.start.push_option(start);
        rows.flags.push(point.flags.cast_signed());
        cells.push(rows);
        for (column, value) in rows.promoted.iter_mut().zip(self.slots.values()) {
            column.push(value);
        }
        Ok(())
    }
}

fn push_exemplars<'a>(
    rows: &mut PointRows,
    exemplars: Option<Messages<'a, Exemplar<'a>>>,
    limit: usize,
) -> Result<(), Reason> {
    for exemplar in exemplars.into_iter().flatten() {
        let time = nanos_of("time_unix_nano of an exemplar", exemplar.time_unix_nano)?;
        rows.exemplars.time.push(time);
        rows.exemplars
            .value
            .push_option(cells::as_double(exemplar.value));
        rows.exemplars.trace_id.push(exemplar.trace_id);
        rows.exemplars.span_id.push(exemplar.span_id);
        rows.exemplars
            .attributes
            .push_row(exemplar.attributes(), limit, |_, _| {})
            .map_err(|_| Reason::TooDeep {
                field: "an attribute of an exemplar",
                limit,
            })?;
    }
    rows.exemplars.close();
    Ok(())
}
