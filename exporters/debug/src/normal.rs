//! `normal`: one line a record.

use otlp::{Data, Metric, NumberValue, Payload, Signal};

use crate::text::{escaped, hex, pairs, plain, put};

/// The text of a payload.
pub(crate) fn text(payload: &Payload) -> String {
    let mut out = String::new();
    match payload.signal() {
        Signal::Logs => logs(payload, &mut out),
        Signal::Traces => traces(payload, &mut out),
        Signal::Metrics => metrics(payload, &mut out),
    }
    out
}

macro_rules! head {
    ($out:ident, $kind:literal, $index:expr, $outer:expr, $resource:expr) => {
        put(
            $out,
            format_args!(concat!("Resource", $kind, " #{}"), $index),
        );
        url($outer.schema_url(), $out);
        pairs($resource.attributes(), $out);
        $out.push('\n');
    };
}

macro_rules! scope {
    ($out:ident, $kind:literal, $index:expr, $outer:expr) => {
        put($out, format_args!(concat!("Scope", $kind, " #{} "), $index));
        let scope = $outer.scope();
        escaped(scope.name(), $out);
        if !scope.version().is_empty() {
            $out.push('@');
            escaped(scope.version(), $out);
        }
        url($outer.schema_url(), $out);
        pairs(scope.attributes(), $out);
        $out.push('\n');
    };
}

fn url(url: &str, out: &mut String) {
    if !url.is_empty() {
        out.push_str(" [");
        escaped(url, out);
        out.push(']');
    }
}

fn logs(payload: &Payload, out: &mut String) {
    for (index, resource) in payload.logs().enumerate() {
        head!(out, "Log", index, resource, resource.resource());
        for (index, scope) in resource.scopes().enumerate() {
            scope!(out, "Log", index, scope);
            for record in scope.records() {
                if let Some(body) = record.body {
                    plain(body, out);
                }
                pairs(record.attributes(), out);
                out.push('\n');
            }
        }
    }
}

fn traces(payload: &Payload, out: &mut String) {
    for (index, resource) in payload.traces().enumerate() {
        head!(out, "Traces", index, resource, resource.resource());
        for (index, scope) in resource.scopes().enumerate() {
            scope!(out, "Traces", index, scope);
            for span in scope.spans() {
                escaped(span.name, out);
                out.push(' ');
                hex(span.trace_id, out);
                out.push(' ');
                hex(span.span_id, out);
                pairs(span.attributes(), out);
                out.push('\n');
            }
        }
    }
}

fn metrics(payload: &Payload, out: &mut String) {
    for (index, resource) in payload.metrics().enumerate() {
        head!(out, "Metrics", index, resource, resource.resource());
        for (index, scope) in resource.scopes().enumerate() {
            scope!(out, "Metrics", index, scope);
            for metric in scope.metrics() {
                points(&metric, out);
            }
        }
    }
}

fn points(metric: &Metric<'_>, out: &mut String) {
    let mut begin = |out: &mut String, attributes: otlp::Attributes<'_>| {
        escaped(metric.name, out);
        out.push('{');
        let mut list = String::new();
        pairs(attributes, &mut list);
        out.push_str(&list.trim_start().replace(' ', ","));
        out.push('}');
    };
    match metric.data() {
        Data::None => {}
        Data::Gauge(points) => numbers(points, &mut begin, out),
        Data::Sum { points, .. } => numbers(points, &mut begin, out),
        Data::Histogram { points, .. } => {
            for point in points {
                begin(out, point.attributes());
                put(out, format_args!(" count={}", point.count));
                option(out, "sum", point.sum);
                option(out, "min", point.min);
                option(out, "max", point.max);
                let bounds = point
                    .explicit_bounds()
                    .map(|bound| bound.to_string())
                    .chain(["+Inf".to_owned()]);
                for (count, bound) in point.bucket_counts().zip(bounds) {
                    put(out, format_args!(" le{bound}={count}"));
                }
                out.push('\n');
            }
        }
        Data::ExponentialHistogram { points, .. } => {
            for point in points {
                begin(out, point.attributes());
                put(out, format_args!(" count={}", point.count));
                option(out, "sum", point.sum);
                option(out, "min", point.min);
                option(out, "max", point.max);
                out.push('\n');
            }
        }
        Data::Summary(points) => {
            for point in points {
                begin(out, point.attributes());
                put(
                    out,
                    format_args!(" count={} sum={}", point.count, point.sum),
                );
                for quantile in point.quantiles() {
                    put(
                        out,
                        format_args!(" q{}={}", quantile.quantile, quantile.value),
                    );
                }
                out.push('\n');
            }
        }
    }
}

fn numbers<'a>(
    points: impl Iterator<Item = otlp::NumberPoint<'a>>,
    begin: &mut impl FnMut(&mut String, otlp::Attributes<'a>),
    out: &mut String,
) {
    for point in points {
        begin(out, point.attributes());
        match point.value {
            NumberValue::None => {}
            NumberValue::Int(value) => put(out, format_args!(" {value}")),
            NumberValue::Double(value) => put(out, format_args!(" {value}")),
        }
        out.push('\n');
    }
}

fn option(out: &mut String, name: &str, value: Option<f64>) {
    if let Some(value) = value {
        put(out, format_args!(" {name}={value}"));
    }
}
