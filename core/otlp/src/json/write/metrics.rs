//! Metrics. Their points are in [`super::points`].

use super::common::{attributes, resource, scope};
use super::points::{exponential_histogram_point, histogram_point, number_point, summary_point};
use super::text::{Object, object};
use crate::{Data, Metric, ResourceMetrics, ScopeMetrics};

pub(super) fn resource_metrics(out: &mut Vec<u8>, metrics: ResourceMetrics<'_>) {
    object(out, |o| {
        resource(o, metrics.resource());
        o.list("scopeMetrics", metrics.scopes(), scope_metrics);
        o.string("schemaUrl", metrics.schema_url());
    });
}

fn scope_metrics(out: &mut Vec<u8>, metrics: ScopeMetrics<'_>) {
    object(out, |o| {
        scope(o, metrics.scope());
        o.list("metrics", metrics.metrics(), metric);
        o.string("schemaUrl", metrics.schema_url());
    });
}

fn metric(out: &mut Vec<u8>, metric: Metric<'_>) {
    object(out, |o| {
        o.string("name", metric.name);
        o.string("description", metric.description);
        o.string("unit", metric.unit);
        data(o, metric.data());
        attributes(o, "metadata", metric.metadata());
    });
}

fn data(o: &mut Object<'_>, data: Data<'_>) {
    match data {
        Data::None => {}
        Data::Gauge(points) => o.object("gauge", |o| o.list("dataPoints", points, number_point)),
        Data::Sum {
            points,
            temporality,
            monotonic,
        } => o.object("sum", |o| {
            o.list("dataPoints", points, number_point);
            o.short("aggregationTemporality", temporality);
            o.flag("isMonotonic", monotonic);
        }),
        Data::Histogram {
            points,
            temporality,
        } => o.object("histogram", |o| {
            o.list("dataPoints", points, histogram_point);
            o.short("aggregationTemporality", temporality);
        }),
        Data::ExponentialHistogram {
            points,
            temporality,
        } => {
            o.object("exponentialHistogram", |o| {
                o.list("dataPoints", points, exponential_histogram_point);
                o.short("aggregationTemporality", temporality);
            });
        }
        Data::Summary(points) => {
            o.object("summary", |o| o.list("dataPoints", points, summary_point));
        }
    }
}
