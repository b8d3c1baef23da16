use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, RecordBatch};
use lake_layout::Kind;

use crate::kit::*;

fn longs(batch: &RecordBatch, name: &str, row: usize) -> Option<Vec<i64>> {
    let lists = column(batch, name).as_list::<i32>();
    lists.is_valid(row).then(|| {
        lists
            .value(row)
            .as_primitive::<Int64Type>()
            .values()
            .to_vec()
    })
}

#[test]
fn all_metric_types_share_the_table() {
    let json = format!(
        r#"{{"resourceMetrics":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"shop"}}}}]}},
        "scopeMetrics":[{{"scope":{{"name":"lib"}},"metrics":[
        {{"name":"a.gauge","description":"d","unit":"By","gauge":{{"dataPoints":[
            {{"timeUnixNano":"{t}","asInt":"-5","attributes":[{{"key":"k","value":{{"stringValue":"v"}}}}]}},
            {{"timeUnixNano":"{t}","asDouble":0.5,"flags":1}}]}}}},
        {{"name":"b.sum","sum":{{"aggregationTemporality":2,"isMonotonic":true,"dataPoints":[
            {{"startTimeUnixNano":"{s}","timeUnixNano":"{t}","asDouble":7,
              "exemplars":[{{"timeUnixNano":"{t}","asInt":"3","spanId":"aabbccddeeff0011","traceId":"0102030405060708090a0b0c0d0e0f10",
                "filteredAttributes":[{{"key":"f","value":{{"intValue":"9"}}}}]}}]}}]}}}},
        {{"name":"c.histogram","histogram":{{"aggregationTemporality":1,"dataPoints":[
            {{"timeUnixNano":"{t}","count":"3","sum":6.5,"min":1,"max":4,"bucketCounts":["1","2"],"explicitBounds":[2.5]}}]}}}},
        {{"name":"d.exponential","exponentialHistogram":{{"aggregationTemporality":1,"dataPoints":[
            {{"timeUnixNano":"{t}","count":"9","scale":-2,"zeroCount":"4","zeroThreshold":0.1,
              "positive":{{"offset":-1,"bucketCounts":["5"]}}}}]}}}},
        {{"name":"e.summary","summary":{{"dataPoints":[
            {{"timeUnixNano":"{t}","count":"2","sum":3,"quantileValues":[{{"quantile":0.5,"value":1.5}},{{"quantile":1,"value":2}}]}}]}}}}
        ]}}]}}]}}"#,
        t = DAY + 100,
        s = DAY + 50,
    );
    let batch = one(encode(Kind::Metrics, &json));
    assert_eq!(
        texts(&batch, "metric_type")
            .into_iter()
            .map(Option::unwrap)
            .collect::<Vec<_>>(),
        [
            "gauge",
            "gauge",
            "sum",
            "histogram",
            "exponential_histogram",
            "summary"
        ]
    );
    // gauges
    assert_eq!(
        (
            long(&batch, "value_long", 0),
            double(&batch, "value_double", 0)
        ),
        (Some(-5), None)
    );
    assert_eq!(
        (
            long(&batch, "value_long", 1),
            double(&batch, "value_double", 1)
        ),
        (None, Some(0.5))
    );
    assert_eq!(text(&batch, "unit", 0), some("By"));
    assert_eq!(text(&batch, "description", 0), some("d"));
    assert_eq!(map(&batch, "attributes", 0), entries(&[("k", "v")]));
    assert_eq!(int(&batch, "flags", 1), Some(1));
    assert_eq!(boolean(&batch, "is_monotonic", 0), None);
    assert_eq!(text(&batch, "aggregation_temporality", 0), None);
    assert_eq!(longs(&batch, "bucket_counts", 0), None);
    // sum
    assert_eq!(
        long(&batch, "start_time_unix_nano", 2),
        Some(DAY as i64 + 50)
    );
    assert_eq!(
        text(&batch, "aggregation_temporality", 2),
        some("cumulative")
    );
    assert_eq!(boolean(&batch, "is_monotonic", 2), Some(true));
    let exemplars = column(&batch, "exemplars").as_list::<i32>().value(2);
    let exemplars = exemplars.as_struct();
    assert_eq!(
        exemplars.column(1).as_primitive::<Float64Type>().value(0),
        3.0
    );
    assert_eq!(
        exemplars.column(3).as_string::<i32>().value(0),
        "aabbccddeeff0011"
    );
    assert_eq!(map_of(exemplars.column(4), 0), entries(&[("f", "9")]));
    // histogram
    assert_eq!(text(&batch, "aggregation_temporality", 3), some("delta"));
    assert_eq!(long(&batch, "count", 3), Some(3));
    assert_eq!(
        ["sum", "min", "max"].map(|name| double(&batch, name, 3)),
        [Some(6.5), Some(1.0), Some(4.0)]
    );
    assert_eq!(longs(&batch, "bucket_counts", 3), Some(vec![1, 2]));
    let bounds = column(&batch, "explicit_bounds").as_list::<i32>().value(3);
    assert_eq!(bounds.as_primitive::<Float64Type>().values(), &[2.5]);
    // exponential histogram
    assert_eq!(int(&batch, "scale", 4), Some(-2));
    assert_eq!(long(&batch, "zero_count", 4), Some(4));
    assert_eq!(double(&batch, "zero_threshold", 4), Some(0.1));
    assert_eq!(int(&batch, "positive_offset", 4), Some(-1));
    assert_eq!(longs(&batch, "positive_bucket_counts", 4), Some(vec![5]));
    assert_eq!(int(&batch, "negative_offset", 4), None);
    assert_eq!(longs(&batch, "negative_bucket_counts", 4), None);
    // summary
    assert_eq!(long(&batch, "count", 5), Some(2));
    let quantiles = column(&batch, "quantiles").as_list::<i32>();
    assert!(quantiles.is_null(0));
    let quantiles = quantiles.value(5);
    let quantiles = quantiles.as_struct();
    assert_eq!(
        quantiles.column(0).as_primitive::<Float64Type>().values(),
        &[0.5, 1.0]
    );
    assert_eq!(
        quantiles.column(1).as_primitive::<Float64Type>().values(),
        &[1.5, 2.0]
    );
}
