use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::summary_data_point::ValueAtQuantile;
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram,
    HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary,
    SummaryDataPoint, exemplar, number_data_point,
};
use otlp::{NumberValue, Payload};

use super::{Explicit, attributes, resource, scope};

pub fn request(payload: &Payload) -> ExportMetricsServiceRequest {
    let resource_metrics = payload.metrics().map(|r| ResourceMetrics {
        resource: resource(r.resource()),
        scope_metrics: r.scopes().map(scope_metrics).collect(),
        schema_url: r.schema_url().to_owned(),
    });
    ExportMetricsServiceRequest {
        resource_metrics: resource_metrics.collect(),
    }
}

fn scope_metrics(s: otlp::ScopeMetrics<'_>) -> ScopeMetrics {
    ScopeMetrics {
        scope: scope(s.scope()),
        metrics: s.metrics().map(metric).collect(),
        schema_url: s.schema_url().to_owned(),
    }
}

fn metric(ours: otlp::Metric<'_>) -> Metric {
    let data = match ours.data() {
        otlp::Data::None => None,
        otlp::Data::Gauge(points) => Some(Data::Gauge(Gauge {
            data_points: points.map(number_point).collect(),
        })),
        otlp::Data::Sum {
            points,
            temporality,
            monotonic,
        } => Some(Data::Sum(Sum {
            data_points: points.map(number_point).collect(),
            aggregation_temporality: temporality,
            is_monotonic: monotonic,
        })),
        otlp::Data::Histogram {
            points,
            temporality,
        } => Some(Data::Histogram(Histogram {
            data_points: points.map(histogram_point).collect(),
            aggregation_temporality: temporality,
        })),
        otlp::Data::ExponentialHistogram {
            points,
            temporality,
        } => Some(Data::ExponentialHistogram(ExponentialHistogram {
            data_points: points.map(exponential_point).collect(),
            aggregation_temporality: temporality,
        })),
        otlp::Data::Summary(points) => Some(Data::Summary(Summary {
            data_points: points.map(summary_point).collect(),
        })),
    };
    Metric {
        name: ours.name.to_owned(),
        description: ours.description.to_owned(),
        unit: ours.unit.to_owned(),
        metadata: attributes(ours.metadata()),
        data,
    }
}

fn number_point(ours: otlp::NumberPoint<'_>) -> NumberDataPoint {
    NumberDataPoint {
        attributes: attributes(ours.attributes()),
        start_time_unix_nano: ours.start_time_unix_nano,
        time_unix_nano: ours.time_unix_nano,
        exemplars: ours.exemplars().map(exemplar).collect(),
        flags: ours.flags,
        value: match ours.value {
            NumberValue::None => None,
            NumberValue::Int(int) => Some(number_data_point::Value::AsInt(int)),
            NumberValue::Double(double) => Some(number_data_point::Value::AsDouble(double)),
        },
    }
}

fn exemplar(ours: otlp::Exemplar<'_>) -> Exemplar {
    Exemplar {
        filtered_attributes: attributes(ours.attributes()),
        time_unix_nano: ours.time_unix_nano,
        span_id: ours.span_id.to_vec(),
        trace_id: ours.trace_id.to_vec(),
        value: match ours.value {
            NumberValue::None => None,
            NumberValue::Int(int) => Some(exemplar::Value::AsInt(int)),
            NumberValue::Double(double) => Some(exemplar::Value::AsDouble(double)),
        },
    }
}

fn histogram_point(ours: otlp::HistogramPoint<'_>) -> HistogramDataPoint {
    HistogramDataPoint {
        attributes: attributes(ours.attributes()),
        start_time_unix_nano: ours.start_time_unix_nano,
        time_unix_nano: ours.time_unix_nano,
        count: ours.count,
        sum: ours.sum,
        bucket_counts: ours.bucket_counts().collect(),
        explicit_bounds: ours.explicit_bounds().collect(),
        exemplars: ours.exemplars().map(exemplar).collect(),
        flags: ours.flags,
        min: ours.min,
        max: ours.max,
    }
}

fn exponential_point(ours: otlp::ExponentialHistogramPoint<'_>) -> ExponentialHistogramDataPoint {
    let buckets = |ours: otlp::Buckets<'_>| Buckets {
        offset: ours.offset,
        bucket_counts: ours.counts().collect(),
    };
    ExponentialHistogramDataPoint {
        attributes: attributes(ours.attributes()),
        start_time_unix_nano: ours.start_time_unix_nano,
        time_unix_nano: ours.time_unix_nano,
        count: ours.count,
        sum: ours.sum,
        scale: ours.scale,
        zero_count: ours.zero_count,
        positive: ours.positive.map(buckets),
        negative: ours.negative.map(buckets),
        flags: ours.flags,
        exemplars: ours.exemplars().map(exemplar).collect(),
        min: ours.min,
        max: ours.max,
        zero_threshold: ours.zero_threshold,
    }
}

fn summary_point(ours: otlp::SummaryPoint<'_>) -> SummaryDataPoint {
    SummaryDataPoint {
        attributes: attributes(ours.attributes()),
        start_time_unix_nano: ours.start_time_unix_nano,
        time_unix_nano: ours.time_unix_nano,
        count: ours.count,
        sum: ours.sum,
        quantile_values: ours
            .quantiles()
            .map(|q| ValueAtQuantile {
                quantile: q.quantile,
                value: q.value,
            })
            .collect(),
        flags: ours.flags,
    }
}

impl Explicit for ExportMetricsServiceRequest {
    fn explicit(mut self) -> Self {
        for resource in &mut self.resource_metrics {
            resource.resource = resource.resource.take().explicit();
            for scope in &mut resource.scope_metrics {
                scope.scope = scope.scope.take().explicit();
                for metric in &mut scope.metrics {
                    metric.metadata = std::mem::take(&mut metric.metadata).explicit();
                    metric.data.as_mut().into_iter().for_each(explicit_data);
                }
            }
        }
        self
    }
}

fn explicit_data(data: &mut Data) {
    macro_rules! points {
        ($data:expr $(, $exemplars:ident)?) => {
            for point in &mut $data.data_points {
                point.attributes = std::mem::take(&mut point.attributes).explicit();
                $(for exemplar in &mut point.$exemplars {
                    let attributes = std::mem::take(&mut exemplar.filtered_attributes);
                    exemplar.filtered_attributes = attributes.explicit();
                })?
            }
        };
    }
    match data {
        Data::Gauge(data) => points!(data, exemplars),
        Data::Sum(data) => points!(data, exemplars),
        Data::Histogram(data) => points!(data, exemplars),
        Data::ExponentialHistogram(data) => points!(data, exemplars),
        Data::Summary(data) => points!(data),
    }
}
