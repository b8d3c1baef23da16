//! Components that upstream or another build of Pharos has and this build lacks,
//! so that the error can say so.

use pipeline::registry::Kind;

/// `an exporter`
pub(crate) fn a(kind: Kind) -> String {
    let article = if kind.name().starts_with('e') {
        "an"
    } else {
        "a"
    };
    format!("{article} {}", kind.name())
}

/// What to tell a user who names a component that is not here; `None` for
/// names that nobody knows. Asked only for names that this build does not have.
pub(crate) fn lacks(kind: Kind, name: &str) -> Option<String> {
    if kind == Kind::Exporter && name == "logging" {
        return Some("it was removed upstream, use \"debug\"".to_owned());
    }
    let known = match kind {
        Kind::Receiver => RECEIVERS,
        Kind::Processor => PROCESSORS,
        Kind::Exporter => EXPORTERS,
        Kind::Connector => CONNECTORS,
        Kind::Extension => EXTENSIONS,
    };
    let plain = |text: &str| text.replace('_', "");
    let is_one_of = |names: &[&str]| names.iter().any(|known| plain(known) == plain(name));
    let whose = match () {
        () if OURS
            .iter()
            .any(|(ours, names)| *ours == kind && is_one_of(names)) =>
        {
            "the full build of Pharos"
        }
        () if is_one_of(known) => "the upstream collector",
        () => return None,
    };
    Some(format!(
        "it is {} of {whose} that this build does not have",
        a(kind)
    ))
}

/// What the full build has, for builds that leave some of it out.
const OURS: &[(Kind, &[&str])] = &[
    (Kind::Receiver, &["beacon", "otlp"]),
    (
        Kind::Processor,
        &["attributes", "batch", "ecs", "memory_limiter", "resource"],
    ),
    (
        Kind::Exporter,
        &["debug", "delta", "otlp", "otlp_grpc", "otlp_http"],
    ),
    (
        Kind::Extension,
        &["basicauth", "bearertokenauth", "health_check"],
    ),
];

// Names of the upstream core and contrib distributions.
#[rustfmt::skip]
const RECEIVERS: &[&str] = &[
    "active_directory_ds", "aerospike", "apache", "apache_spark", "aws_cloudwatch", "aws_container_insight",
    "aws_ecs_container_metrics", "aws_firehose", "aws_s3", "aws_xray", "azure_blob", "azure_event_hub",
    "azure_monitor", "bigip", "carbon", "chrony", "cloud_foundry", "collectd", "couchdb", "datadog", "docker_stats",
    "elasticsearch", "expvar", "faro", "file", "file_log", "file_stats", "flink_metrics", "fluent_forward",
    "github", "google_cloud_pubsub", "google_cloud_spanner", "haproxy", "host_metrics", "http_check", "iis",
    "influxdb", "jaeger", "jmx", "journald", "k8s_cluster", "k8s_events", "k8s_objects", "kafka", "kafka_metrics",
    "kubelet_stats", "loki", "memcached", "mongodb", "mongodb_atlas", "mysql", "namedpipe", "nginx", "nop", "nsxt",
    "ntp", "oracledb", "otlp_json_file", "podman_stats", "postgresql", "pprof", "prometheus",
    "prometheus_remote_write", "pulsar", "purefa", "rabbitmq", "receiver_creator", "redis", "riak", "sap_hana",
    "signalfx", "skywalking", "snmp", "snowflake", "solace", "splunk_hec", "sql_query", "sql_server", "ssh_check",
    "statsd", "syslog", "tcp_log", "tls_check", "udp_log", "vcenter", "wavefront", "webhook_event",
    "windows_eventlog", "windows_perf_counters", "zipkin", "zookeeper",
];
#[rustfmt::skip]
const PROCESSORS: &[&str] = &[
    "cumulative_to_delta", "delta_to_cumulative", "delta_to_rate", "dns_lookup", "filter", "geoip", "group_by_attrs",
    "group_by_trace", "interval", "isolation_forest", "k8s_attributes", "log_dedup", "logs_transform",
    "metric_start_time", "metrics_generation", "metrics_transform", "probabilistic_sampler", "queuebatch",
    "redaction", "remote_tap", "resource_detection", "routing", "schema", "span", "sumologic", "tail_sampling",
    "transform", "unroll",
];
#[rustfmt::skip]
const EXPORTERS: &[&str] = &[
    "alertmanager", "alibaba_cloud_log_service", "aws_cloudwatch_logs", "aws_emf", "aws_kinesis", "aws_s3",
    "aws_xray", "azure_blob", "azure_data_explorer", "azure_monitor", "bmc_helix", "carbon", "cassandra",
    "clickhouse", "coralogix", "datadog", "dataset", "doris", "elasticsearch", "faro", "file", "google_cloud",
    "google_cloud_pubsub", "google_managed_prometheus", "honeycomb_marker", "influxdb", "kafka", "load_balancing",
    "logicmonitor", "logzio", "loki", "mezmo", "nop", "opensearch", "otel_arrow", "prometheus",
    "prometheus_remote_write", "pulsar", "rabbitmq", "sapm", "sentry", "signalfx", "splunk_hec", "stef",
    "sumologic", "syslog", "tencent_cloud_log_service", "tinybird", "zipkin",
];
#[rustfmt::skip]
const CONNECTORS: &[&str] = &[
    "count", "datadog", "exceptions", "failover", "forward", "grafana_cloud", "metrics_as_attributes", "otlp_json",
    "round_robin", "routing", "service_graph", "signal_to_metrics", "slow_sql", "spanmetrics", "sum",
];
#[rustfmt::skip]
const EXTENSIONS: &[&str] = &[
    "ack", "asap_auth", "aws_proxy", "azure_auth", "cfgarden_observer", "cgroup_runtime", "db_storage",
    "docker_observer", "ecs_observer", "encoding", "file_storage", "google_client_auth", "headers_setter",
    "health_check_v2", "host_observer", "http_forwarder", "jaeger_encoding", "jaeger_remote_sampling",
    "json_log_encoding", "k8s_leader_elector", "k8s_observer", "kafka_topics_observer", "memory_limiter", "oauth2client",
    "oidc", "opamp", "otlp_encoding", "pprof", "remote_tap", "redis_storage", "sigv4auth", "skywalking_encoding",
    "solarwinds_apm_settings", "sumologic", "text_encoding", "zipkin_encoding", "zpages",
];
