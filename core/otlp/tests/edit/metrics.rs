//! The model's edits of metrics and their points.

use opentelemetry_proto::tonic::common::v1::any_value::Value as Theirs;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, ExponentialHistogramDataPoint, HistogramDataPoint, Metric, NumberDataPoint,
    SummaryDataPoint, number_data_point,
};

use super::model::{Place, Record, apply, common, set};
use super::ops::{At, FieldOp, Random};

/// What all types of points have.
trait Point: Clone {
    fn attributes(&mut self) -> &mut Vec<KeyValue>;
    fn exemplars(&mut self) -> Option<&mut Vec<Exemplar>>;
    fn time(&mut self) -> &mut u64;
    fn flags(&mut self) -> &mut u32;
    fn set_value(&mut self, _: Option<number_data_point::Value>) -> bool {
        false
    }
}

macro_rules! point {
    ($name:ident, $($exemplars:ident)?, { $($more:tt)* }) => {
        impl Point for $name {
            fn attributes(&mut self) -> &mut Vec<KeyValue> {
                &mut self.attributes
            }
            fn exemplars(&mut self) -> Option<&mut Vec<Exemplar>> {
                $(return Some(&mut self.$exemplars);)?
                #[allow(unreachable_code)]
                None
            }
            fn time(&mut self) -> &mut u64 {
                &mut self.time_unix_nano
            }
            fn flags(&mut self) -> &mut u32 {
                &mut self.flags
            }
            $($more)*
        }
    };
}

point! { NumberDataPoint, exemplars, {
    fn set_value(&mut self, value: Option<number_data_point::Value>) -> bool {
        self.value = value;
        true
    }
} }
point! { HistogramDataPoint, exemplars, {} }
point! { ExponentialHistogramDataPoint, exemplars, {} }
point! { SummaryDataPoint, , {} }

fn edit_point(
    point: &mut impl Point,
    random: &Random,
    unit: &str,
    own: &mut Place,
    facts: &Place,
) -> (bool, bool) {
    let mut touched = apply(&random.attributes, point.attributes());
    for op in &random.fields {
        touched |= match op {
            FieldOp::Time(time) => (*point.time() = *time, true).1,
            FieldOp::Text(text) => {
                let unit = Theirs::StringValue(unit.to_owned());
                let value = if text.is_empty() { None } else { Some(unit) };
                set(point.attributes(), "unit", AnyValue { value });
                true
            }
            FieldOp::Content(content) => {
                point.set_value(content.as_ref().map(|value| match value.value {
                    Some(Theirs::IntValue(int)) => number_data_point::Value::AsInt(int),
                    _ => number_data_point::Value::AsDouble(0.0),
                }))
            }
            FieldOp::Id(id) => (*point.flags() = id.len() as u32, true).1,
            FieldOp::Nested(ops) => {
                let mut touched = false;
                if let Some(exemplars) = point.exemplars() {
                    exemplars.retain_mut(|exemplar| {
                        let empty = exemplar.filtered_attributes.is_empty();
                        touched |= empty || apply(ops, &mut exemplar.filtered_attributes);
                        !empty
                    });
                }
                touched
            }
            op => common(op, point.attributes(), own, facts),
        };
    }
    let drop = random.drops(*point.time());
    (touched || drop, drop)
}

/// The points of each place that is wanted, in order of first appearance.
fn edit_points<P: Point>(
    points: Vec<P>,
    random: &Random,
    unit: &str,
    place: &Place,
) -> (Vec<(Place, Vec<P>)>, bool) {
    let mut parts: Vec<(Place, Vec<P>)> = Vec::new();
    let mut any = false;
    for mut point in points {
        let mut own = place.clone();
        let (touched, drop) = edit_point(&mut point, random, unit, &mut own, place);
        any |= touched;
        if drop {
            continue;
        }
        match parts.iter_mut().find(|(place, _)| place.is_same(&own)) {
            Some((_, points)) => points.push(point),
            None => parts.push((own, vec![point])),
        }
    }
    (parts, any)
}

impl Record for Metric {
    fn edit(self, random: &Random, place: &Place) -> (Vec<(Place, Self)>, bool) {
        match random.at {
            At::Record => edit_metric(self, random, place),
            At::Point => edit_data(self, random, place),
            At::Resource | At::Scope => (vec![(place.clone(), self)], false),
        }
    }
}

fn edit_data(metric: Metric, random: &Random, place: &Place) -> (Vec<(Place, Metric)>, bool) {
    let shell = Metric {
        data: None,
        ..metric.clone()
    };
    let unit = metric.unit.clone();
    macro_rules! by_type {
        ($data:ident, $wrap:path) => {{
            let points = std::mem::take(&mut $data.data_points);
            if points.is_empty() {
                return (vec![(place.clone(), metric)], false);
            }
            let (parts, touched) = edit_points(points, random, &unit, place);
            let with = |data_points| {
                let mut data = $data.clone();
                data.data_points = data_points;
                Metric {
                    data: Some($wrap(data)),
                    ..shell.clone()
                }
            };
            (
                parts
                    .into_iter()
                    .map(|(place, points)| (place, with(points)))
                    .collect(),
                touched,
            )
        }};
    }
    match metric.data.clone() {
        None => (vec![(place.clone(), metric)], false),
        Some(Data::Gauge(mut data)) => by_type!(data, Data::Gauge),
        Some(Data::Sum(mut data)) => by_type!(data, Data::Sum),
        Some(Data::Histogram(mut data)) => by_type!(data, Data::Histogram),
        Some(Data::ExponentialHistogram(mut data)) => by_type!(data, Data::ExponentialHistogram),
        Some(Data::Summary(mut data)) => by_type!(data, Data::Summary),
    }
}

fn edit_metric(mut metric: Metric, random: &Random, place: &Place) -> (Vec<(Place, Metric)>, bool) {
    let mut own = place.clone();
    let mut touched = apply(&random.attributes, &mut metric.metadata);
    for op in &random.fields {
        touched |= match op {
            FieldOp::Time(time) => set_temporality(&mut metric, (time % 3) as i32),
            FieldOp::Text(text) => (metric.name = text.clone(), true).1,
            FieldOp::Content(content) => match &mut metric.data {
                Some(Data::Sum(sum)) => (sum.is_monotonic = content.is_some(), true).1,
                _ => false,
            },
            FieldOp::ScopeName(_) | FieldOp::ResourceUrl(_) => {
                common(op, &mut Vec::new(), &mut own, place)
            }
            _ => false,
        };
    }
    let drop = random.drops(metric.name.len() as u64);
    (
        if drop {
            Vec::new()
        } else {
            vec![(own, metric)]
        },
        touched || drop,
    )
}

fn set_temporality(metric: &mut Metric, temporality: i32) -> bool {
    let field = match &mut metric.data {
        Some(Data::Sum(data)) => &mut data.aggregation_temporality,
        Some(Data::Histogram(data)) => &mut data.aggregation_temporality,
        Some(Data::ExponentialHistogram(data)) => &mut data.aggregation_temporality,
        _ => return false,
    };
    *field = temporality;
    true
}
