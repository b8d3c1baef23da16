//! `detailed`: every field of every record.

use otlp::{
    Attributes, Buckets, Data, Exemplar, LogRecord, Messages, Metric, NumberPoint, NumberValue,
    Payload, Resource, Scope, Signal, Span,
};

use crate::text::{escaped, hex, put, time, typed};

/// The text of a payload.
pub(crate) fn text(payload: &Payload) -> String {
    let mut out = String::new();
    match payload.signal() {
        Signal::Logs => {
            for (index, resource) in payload.logs().enumerate() {
                put(&mut out, format_args!("ResourceLog #{index}\n"));
                resource_head(&resource.resource(), resource.schema_url(), &mut out);
                for (index, scope) in resource.scopes().enumerate() {
                    scope_head(
                        "ScopeLogs",
                        index,
                        &scope.scope(),
                        scope.schema_url(),
                        &mut out,
                    );
                    scope
                        .records()
                        .enumerate()
                        .for_each(|(index, record)| log(index, &record, &mut out));
                }
            }
        }
        Signal::Traces => {
            for (index, resource) in payload.traces().enumerate() {
                put(&mut out, format_args!("ResourceSpans #{index}\n"));
                resource_head(&resource.resource(), resource.schema_url(), &mut out);
                for (index, scope) in resource.scopes().enumerate() {
                    scope_head(
                        "ScopeSpans",
                        index,
                        &scope.scope(),
                        scope.schema_url(),
                        &mut out,
                    );
                    scope
                        .spans()
                        .enumerate()
                        .for_each(|(index, one)| span(index, &one, &mut out));
                }
            }
        }
        Signal::Metrics => {
            for (index, resource) in payload.metrics().enumerate() {
                put(&mut out, format_args!("ResourceMetrics #{index}\n"));
                resource_head(&resource.resource(), resource.schema_url(), &mut out);
                for (index, scope) in resource.scopes().enumerate() {
                    scope_head(
                        "ScopeMetrics",
                        index,
                        &scope.scope(),
                        scope.schema_url(),
                        &mut out,
                    );
                    scope
                        .metrics()
                        .enumerate()
                        .for_each(|(index, one)| metric(index, &one, &mut out));
                }
            }
        }
    }
    out
}

fn resource_head(resource: &Resource<'_>, schema_url: &str, out: &mut String) {
    field("Resource SchemaURL", schema_url, out);
    attributes("Resource attributes", resource.attributes(), out);
}

fn scope_head(kind: &str, index: usize, scope: &Scope<'_>, schema_url: &str, out: &mut String) {
    put(out, format_args!("{kind} #{index}\n{kind} SchemaURL: "));
    escaped(schema_url, out);
    out.push_str("\nInstrumentationScope ");
    escaped(scope.name(), out);
    out.push(' ');
    escaped(scope.version(), out);
    out.push('\n');
    attributes("InstrumentationScope attributes", scope.attributes(), out);
}

fn field(name: &str, text: &str, out: &mut String) {
    out.push_str(name);
    out.push_str(": ");
    escaped(text, out);
    out.push('\n');
}

fn stamp(name: &str, unix_nano: u64, out: &mut String) {
    out.push_str(name);
    out.push_str(": ");
    time(unix_nano, out);
    out.push('\n');
}

fn id(name: &str, bytes: &[u8], out: &mut String) {
    out.push_str(name);
    out.push_str(": ");
    hex(bytes, out);
    out.push('\n');
}

fn attributes(title: &str, attributes: Attributes<'_>, out: &mut String) {
    indented(title, attributes, "     ", out);
}

fn indented(title: &str, attributes: Attributes<'_>, indent: &str, out: &mut String) {
    if attributes.clone().next().is_none() {
        return;
    }
    put(out, format_args!("{title}:\n"));
    for attribute in attributes {
        put(out, format_args!("{indent}-> "));
        escaped(attribute.key, out);
        out.push_str(": ");
        typed(attribute.value, out);
        out.push('\n');
    }
}

fn log(index: usize, record: &LogRecord<'_>, out: &mut String) {
    put(out, format_args!("LogRecord #{index}\n"));
    stamp("ObservedTimestamp", record.observed_time_unix_nano, out);
    stamp("Timestamp", record.time_unix_nano, out);
    field("SeverityText", record.severity_text, out);
    put(
        out,
        format_args!(
            "SeverityNumber: {}({})\n",
            severity(record.severity_number),
            record.severity_number
        ),
    );
    if !record.event_name.is_empty() {
        field("EventName", record.event_name, out);
    }
    out.push_str("Body: ");
    typed(record.body.unwrap_or_default(), out);
    out.push('\n');
    attributes("Attributes", record.attributes(), out);
    id("Trace ID", record.trace_id, out);
    id("Span ID", record.span_id, out);
    put(out, format_args!("Flags: {}\n", record.flags));
}

fn severity(number: i32) -> String {
    let names = ["Trace", "Debug", "Info", "Warn", "Error", "Fatal"];
    match number {
        1..=24 => {
            let (name, step) = (names[(number as usize - 1) / 4], (number - 1) % 4 + 1);
            if step == 1 {
                name.to_owned()
            } else {
                format!("{name}{step}")
            }
        }
        _ => "Unspecified".to_owned(),
    }
}

fn span(index: usize, span: &Span<'_>, out: &mut String) {
    put(out, format_args!("Span #{index}\n"));
    id("    Trace ID       ", span.trace_id, out);
    id("    Parent ID      ", span.parent_span_id, out);
    id("    ID             ", span.span_id, out);
    field("    Name           ", span.name, out);
    field("    Kind           ", kind(span.kind), out);
    if !span.trace_state.is_empty() {
        field("    TraceState     ", span.trace_state, out);
    }
    stamp("    Start time     ", span.start_time_unix_nano, out);
    stamp("    End time       ", span.end_time_unix_nano, out);
    let status = span.status().unwrap_or_default();
    field(
        "    Status code    ",
        ["Unset", "Ok", "Error"]
            .get(status.code as usize)
            .unwrap_or(&"Unset"),
        out,
    );
    field("    Status message ", status.message, out);
    for (name, count) in [
        ("attributes", span.dropped_attributes_count),
        ("events", span.dropped_events_count),
        ("links", span.dropped_links_count),
    ] {
        if count > 0 {
            put(out, format_args!("    DroppedCount {name}: {count}\n"));
        }
    }
    attributes("Attributes", span.attributes(), out);
    for (index, event) in span.events().enumerate() {
        if index == 0 {
            out.push_str("Events:\n");
        }
        put(out, format_args!("SpanEvent #{index}\n"));
        field("     -> Name", event.name, out);
        stamp("     -> Timestamp", event.time_unix_nano, out);
        put(
            out,
            format_args!(
                "     -> DroppedAttributesCount: {}\n",
                event.dropped_attributes_count
            ),
        );
        indented("     -> Attributes:", event.attributes(), "          ", out);
    }
    for (index, link) in span.links().enumerate() {
        if index == 0 {
            out.push_str("Links:\n");
        }
        put(out, format_args!("SpanLink #{index}\n"));
        id("     -> Trace ID", link.trace_id, out);
        id("     -> ID", link.span_id, out);
        field("     -> TraceState", link.trace_state, out);
        put(
            out,
            format_args!(
                "     -> DroppedAttributesCount: {}\n",
                link.dropped_attributes_count
            ),
        );
        indented("     -> Attributes:", link.attributes(), "          ", out);
    }
}

fn kind(kind: i32) -> &'static str {
    match kind {
        1 => "Internal",
        2 => "Server",
        3 => "Client",
        4 => "Producer",
        5 => "Consumer",
        _ => "Unspecified",
    }
}

fn metric(index: usize, metric: &Metric<'_>, out: &mut String) {
    put(out, format_args!("Metric #{index}\nDescriptor:\n"));
    field("     -> Name", metric.name, out);
    field("     -> Description", metric.description, out);
    field("     -> Unit", metric.unit, out);
    out.push_str("     -> DataType: ");
    match metric.data() {
        Data::None => out.push_str("Empty\n"),
        Data::Gauge(points) => {
            out.push_str("Gauge\n");
            numbers(points, out);
        }
        Data::Sum {
            points,
            temporality: kind,
            monotonic,
        } => {
            put(
                out,
                format_args!("Sum\n     -> IsMonotonic: {}\n", monotonic),
            );
            temporality(kind, out);
            numbers(points, out);
        }
        Data::Histogram {
            points,
            temporality: kind,
        } => {
            out.push_str("Histogram\n");
            temporality(kind, out);
            for (index, point) in points.enumerate() {
                put(out, format_args!("HistogramDataPoints #{index}\n"));
                head(
                    point.attributes(),
                    point.start_time_unix_nano,
                    point.time_unix_nano,
                    out,
                );
                totals(point.count, point.sum, point.min, point.max, out);
                for (index, bound) in point.explicit_bounds().enumerate() {
                    put(out, format_args!("ExplicitBounds #{index}: {bound:.6}\n"));
                }
                for (index, count) in point.bucket_counts().enumerate() {
                    put(out, format_args!("Buckets #{index}, Count: {count}\n"));
                }
                exemplars(point.exemplars(), out);
            }
        }
        Data::ExponentialHistogram {
            points,
            temporality: kind,
        } => {
            out.push_str("ExponentialHistogram\n");
            temporality(kind, out);
            for (index, point) in points.enumerate() {
                put(
                    out,
                    format_args!("ExponentialHistogramDataPoints #{index}\n"),
                );
                head(
                    point.attributes(),
                    point.start_time_unix_nano,
                    point.time_unix_nano,
                    out,
                );
                totals(point.count, point.sum, point.min, point.max, out);
                put(out, format_args!("Scale: {}\n", point.scale));
                buckets("Negative", point.negative, out);
                put(out, format_args!("ZeroCount: {}\n", point.zero_count));
                buckets("Positive", point.positive, out);
                exemplars(point.exemplars(), out);
            }
        }
        Data::Summary(points) => {
            out.push_str("Summary\n");
            for (index, point) in points.enumerate() {
                put(out, format_args!("SummaryDataPoints #{index}\n"));
                head(
                    point.attributes(),
                    point.start_time_unix_nano,
                    point.time_unix_nano,
                    out,
                );
                put(
                    out,
                    format_args!("Count: {}\nSum: {:.6}\n", point.count, point.sum),
                );
                for (index, quantile) in point.quantiles().enumerate() {
                    let (at, value) = (quantile.quantile, quantile.value);
                    put(
                        out,
                        format_args!(
                            "QuantileValue #{index}: Quantile {at:.6}, Value {value:.6}\n"
                        ),
                    );
                }
            }
        }
    }
}

fn temporality(temporality: i32, out: &mut String) {
    let name = ["Unspecified", "Delta", "Cumulative"]
        .get(temporality as usize)
        .unwrap_or(&"Unspecified");
    field("     -> AggregationTemporality", name, out);
}

fn head(list: Attributes<'_>, start: u64, end: u64, out: &mut String) {
    attributes("Data point attributes", list, out);
    stamp("StartTimestamp", start, out);
    stamp("Timestamp", end, out);
}

fn number(value: NumberValue, out: &mut String) {
    match value {
        NumberValue::None => out.push_str("Value: \n"),
        NumberValue::Int(value) => put(out, format_args!("Value: {value}\n")),
        NumberValue::Double(value) => put(out, format_args!("Value: {value:.6}\n")),
    }
}

fn numbers<'a>(points: impl Iterator<Item = NumberPoint<'a>>, out: &mut String) {
    for (index, point) in points.enumerate() {
        put(out, format_args!("NumberDataPoints #{index}\n"));
        head(
            point.attributes(),
            point.start_time_unix_nano,
            point.time_unix_nano,
            out,
        );
        number(point.value, out);
        exemplars(point.exemplars(), out);
    }
}

fn totals(count: u64, sum: Option<f64>, min: Option<f64>, max: Option<f64>, out: &mut String) {
    put(out, format_args!("Count: {count}\n"));
    for (name, value) in [("Sum", sum), ("Min", min), ("Max", max)] {
        if let Some(value) = value {
            put(out, format_args!("{name}: {value:.6}\n"));
        }
    }
}

fn buckets(name: &str, buckets: Option<Buckets<'_>>, out: &mut String) {
    let Some(buckets) = buckets else { return };
    for (index, count) in buckets.counts().enumerate() {
        let at = i64::from(buckets.offset) + index as i64;
        put(out, format_args!("{name} bucket {at}, Count: {count}\n"));
    }
}

fn exemplars<'a>(exemplars: Messages<'a, Exemplar<'a>>, out: &mut String) {
    for (index, exemplar) in exemplars.enumerate() {
        if index == 0 {
            out.push_str("Exemplars:\n");
        }
        put(out, format_args!("Exemplar #{index}\n"));
        id("     -> Trace ID", exemplar.trace_id, out);
        id("     -> Span ID", exemplar.span_id, out);
        stamp("     -> Timestamp", exemplar.time_unix_nano, out);
        out.push_str("     -> ");
        number(exemplar.value, out);
        indented(
            "     -> FilteredAttributes:",
            exemplar.attributes(),
            "          ",
            out,
        );
    }
}
