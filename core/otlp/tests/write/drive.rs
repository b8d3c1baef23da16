//! A `prost` struct said to a writer, field by field.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, ExponentialHistogramDataPoint, HistogramDataPoint, Metric, NumberDataPoint,
    SummaryDataPoint, exemplar, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use otlp::write::{
    ExemplarWriter, ExponentialHistogramPointWriter, HistogramPointWriter, LogWriter, LogsWriter,
    MetricWriter, MetricsWriter, NumberPointWriter, ResourceWriter, ScopeWriter, SpanWriter,
    SummaryPointWriter, TracesWriter, ValueWriter,
};
use otlp::{NumberValue, Value};

/// Flat values in one call, nested ones through closures.
macro_rules! attributes {
    ($writer:expr, $list:expr) => {
        attributes!($writer, $list, attribute, attribute_with)
    };
    ($writer:expr, $list:expr, $one:ident, $nested:ident) => {
        for KeyValue {
            key, value: any, ..
        } in $list
        {
            match flat(any.as_ref()) {
                Some(value) => $writer.$one(key, value),
                None => $writer.$nested(key, |v| value(v, any.as_ref())),
            }
        }
    };
}

fn flat(any: Option<&AnyValue>) -> Option<Value<'_>> {
    Some(match any.and_then(|any| any.value.as_ref()) {
        None => Value::Empty,
        Some(Any::StringValue(text)) => Value::String(text),
        Some(Any::BoolValue(flag)) => Value::Bool(*flag),
        Some(Any::IntValue(number)) => Value::Int(*number),
        Some(Any::DoubleValue(number)) => Value::Double(*number),
        Some(Any::BytesValue(bytes)) => Value::Bytes(bytes),
        _ => return None,
    })
}

fn value(writer: &mut ValueWriter<'_>, any: Option<&AnyValue>) {
    if let Some(value) = flat(any) {
        writer.set(value);
        return;
    }
    match any.and_then(|any| any.value.as_ref()) {
        Some(Any::ArrayValue(array)) => writer.array(|a| {
            for any in &array.values {
                match flat(Some(any)) {
                    Some(value) => a.push(value),
                    None => a.push_with(|v| value(v, Some(any))),
                }
            }
        }),
        Some(Any::KvlistValue(list)) => writer.map(|m| attributes!(m, &list.values)),
        other => panic!("{other:?} is not flat and no container"),
    }
}

fn resource(writer: &mut ResourceWriter<'_>, resource: Option<&Resource>, schema_url: &str) {
    writer.schema_url(schema_url);
    let Some(resource) = resource else { return };
    attributes!(writer, &resource.attributes);
    writer.dropped_attributes_count(resource.dropped_attributes_count);
    for entity in &resource.entity_refs {
        writer.entity(|e| {
            e.schema_url(&entity.schema_url);
            e.kind(&entity.r#type);
            entity.id_keys.iter().for_each(|key| e.id_key(key));
            entity
                .description_keys
                .iter()
                .for_each(|key| e.description_key(key));
        });
    }
}

fn scope(writer: &mut ScopeWriter<'_>, scope: Option<&InstrumentationScope>, schema_url: &str) {
    if let Some(scope) = scope {
        writer.name(&scope.name);
        writer.version(&scope.version);
        attributes!(writer, &scope.attributes);
        writer.dropped_attributes_count(scope.dropped_attributes_count);
    }
    writer.schema_url(schema_url);
}

fn trace_id(id: &[u8], write: impl FnOnce(&[u8; 16])) {
    if !id.is_empty() {
        write(id.try_into().unwrap());
    }
}

fn span_id(id: &[u8], write: impl FnOnce(&[u8; 8])) {
    if !id.is_empty() {
        write(id.try_into().unwrap());
    }
}

pub(super) fn logs(writer: &mut LogsWriter, request: &ExportLogsServiceRequest) {
    for group in &request.resource_logs {
        writer.resource(|w| resource(w, group.resource.as_ref(), &group.schema_url));
        for logs in &group.scope_logs {
            writer.scope(|w| scope(w, logs.scope.as_ref(), &logs.schema_url));
            for record in &logs.log_records {
                writer.record(|w| log_record(w, record));
            }
        }
    }
}

fn log_record(w: &mut LogWriter<'_>, record: &opentelemetry_proto::tonic::logs::v1::LogRecord) {
    w.time_unix_nano(record.time_unix_nano);
    w.observed_time_unix_nano(record.observed_time_unix_nano);
    w.severity_number(record.severity_number);
    w.severity_text(&record.severity_text);
    if let Some(body) = &record.body {
        w.body_with(|v| value(v, Some(body)));
    }
    attributes!(w, &record.attributes);
    w.dropped_attributes_count(record.dropped_attributes_count);
    w.flags(record.flags);
    trace_id(&record.trace_id, |id| w.trace_id(id));
    span_id(&record.span_id, |id| w.span_id(id));
    w.event_name(&record.event_name);
}

pub(super) fn traces(writer: &mut TracesWriter, request: &ExportTraceServiceRequest) {
    for group in &request.resource_spans {
        writer.resource(|w| resource(w, group.resource.as_ref(), &group.schema_url));
        for spans in &group.scope_spans {
            writer.scope(|w| scope(w, spans.scope.as_ref(), &spans.schema_url));
            for item in &spans.spans {
                writer.span(|w| span(w, item));
            }
        }
    }
}

fn span(w: &mut SpanWriter<'_>, span: &Span) {
    trace_id(&span.trace_id, |id| w.trace_id(id));
    span_id(&span.span_id, |id| w.span_id(id));
    w.trace_state(&span.trace_state);
    span_id(&span.parent_span_id, |id| w.parent_span_id(id));
    w.flags(span.flags);
    w.name(&span.name);
    w.kind(span.kind);
    w.start_time_unix_nano(span.start_time_unix_nano);
    w.end_time_unix_nano(span.end_time_unix_nano);
    attributes!(w, &span.attributes);
    w.dropped_attributes_count(span.dropped_attributes_count);
    for event in &span.events {
        w.event(|w| {
            w.time_unix_nano(event.time_unix_nano);
            w.name(&event.name);
            attributes!(w, &event.attributes);
            w.dropped_attributes_count(event.dropped_attributes_count);
        });
    }
    w.dropped_events_count(span.dropped_events_count);
    for link in &span.links {
        w.link(|w| {
            trace_id(&link.trace_id, |id| w.trace_id(id));
            span_id(&link.span_id, |id| w.span_id(id));
            w.trace_state(&link.trace_state);
            attributes!(w, &link.attributes);
            w.dropped_attributes_count(link.dropped_attributes_count);
            w.flags(link.flags);
        });
    }
    w.dropped_links_count(span.dropped_links_count);
    if let Some(status) = &span.status {
        w.status(status.code, &status.message);
    }
}

pub(super) fn metrics(writer: &mut MetricsWriter, request: &ExportMetricsServiceRequest) {
    for group in &request.resource_metrics {
        writer.resource(|w| resource(w, group.resource.as_ref(), &group.schema_url));
        for metrics in &group.scope_metrics {
            writer.scope(|w| scope(w, metrics.scope.as_ref(), &metrics.schema_url));
            for item in &metrics.metrics {
                writer.metric(|w| metric(w, item));
            }
        }
    }
}

fn metric(w: &mut MetricWriter<'_>, metric: &Metric) {
    w.name(&metric.name);
    w.description(&metric.description);
    w.unit(&metric.unit);
    attributes!(w, &metric.metadata, metadata, metadata_with);
    match &metric.data {
        None => {}
        Some(Data::Gauge(data)) => w.gauge(|w| {
            data.data_points
                .iter()
                .for_each(|point| w.point(|w| number_point(w, point)));
        }),
        Some(Data::Sum(data)) => w.sum(data.aggregation_temporality, data.is_monotonic, |w| {
            data.data_points
                .iter()
                .for_each(|point| w.point(|w| number_point(w, point)));
        }),
        Some(Data::Histogram(data)) => w.histogram(data.aggregation_temporality, |w| {
            data.data_points
                .iter()
                .for_each(|point| w.point(|w| histogram_point(w, point)));
        }),
        Some(Data::ExponentialHistogram(data)) => {
            w.exponential_histogram(data.aggregation_temporality, |w| {
                data.data_points
                    .iter()
                    .for_each(|point| w.point(|w| exponential_point(w, point)));
            });
        }
        Some(Data::Summary(data)) => w.summary(|w| {
            data.data_points
                .iter()
                .for_each(|point| w.point(|w| summary_point(w, point)));
        }),
    }
}

fn number_point(w: &mut NumberPointWriter<'_>, point: &NumberDataPoint) {
    attributes!(w, &point.attributes);
    w.start_time_unix_nano(point.start_time_unix_nano);
    w.time_unix_nano(point.time_unix_nano);
    w.value(match point.value {
        None => NumberValue::None,
        Some(number_data_point::Value::AsInt(value)) => NumberValue::Int(value),
        Some(number_data_point::Value::AsDouble(value)) => NumberValue::Double(value),
    });
    point
        .exemplars
        .iter()
        .for_each(|e| w.exemplar(|w| exemplar(w, e)));
    w.flags(point.flags);
}

fn histogram_point(w: &mut HistogramPointWriter<'_>, point: &HistogramDataPoint) {
    attributes!(w, &point.attributes);
    w.start_time_unix_nano(point.start_time_unix_nano);
    w.time_unix_nano(point.time_unix_nano);
    w.count(point.count);
    point.sum.into_iter().for_each(|sum| w.sum(sum));
    w.bucket_counts(point.bucket_counts.iter().copied());
    w.explicit_bounds(point.explicit_bounds.iter().copied());
    point
        .exemplars
        .iter()
        .for_each(|e| w.exemplar(|w| exemplar(w, e)));
    w.flags(point.flags);
    point.min.into_iter().for_each(|min| w.min(min));
    point.max.into_iter().for_each(|max| w.max(max));
}

fn exponential_point(
    w: &mut ExponentialHistogramPointWriter<'_>,
    point: &ExponentialHistogramDataPoint,
) {
    attributes!(w, &point.attributes);
    w.start_time_unix_nano(point.start_time_unix_nano);
    w.time_unix_nano(point.time_unix_nano);
    w.count(point.count);
    point.sum.into_iter().for_each(|sum| w.sum(sum));
    w.scale(point.scale);
    w.zero_count(point.zero_count);
    if let Some(buckets) = &point.positive {
        w.positive(buckets.offset, buckets.bucket_counts.iter().copied());
    }
    if let Some(buckets) = &point.negative {
        w.negative(buckets.offset, buckets.bucket_counts.iter().copied());
    }
    w.flags(point.flags);
    point
        .exemplars
        .iter()
        .for_each(|e| w.exemplar(|w| exemplar(w, e)));
    point.min.into_iter().for_each(|min| w.min(min));
    point.max.into_iter().for_each(|max| w.max(max));
    w.zero_threshold(point.zero_threshold);
}

fn summary_point(w: &mut SummaryPointWriter<'_>, point: &SummaryDataPoint) {
    attributes!(w, &point.attributes);
    w.start_time_unix_nano(point.start_time_unix_nano);
    w.time_unix_nano(point.time_unix_nano);
    w.count(point.count);
    w.sum(point.sum);
    point
        .quantile_values
        .iter()
        .for_each(|q| w.quantile(q.quantile, q.value));
    w.flags(point.flags);
}

fn exemplar(w: &mut ExemplarWriter<'_>, exemplar: &Exemplar) {
    attributes!(w, &exemplar.filtered_attributes);
    w.time_unix_nano(exemplar.time_unix_nano);
    w.value(match exemplar.value {
        None => NumberValue::None,
        Some(exemplar::Value::AsInt(value)) => NumberValue::Int(value),
        Some(exemplar::Value::AsDouble(value)) => NumberValue::Double(value),
    });
    span_id(&exemplar.span_id, |id| w.span_id(id));
    trace_id(&exemplar.trace_id, |id| w.trace_id(id));
}
