use std::fmt;

/// One of the three kinds of telemetry that OTLP carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Signal {
    /// `ExportLogsServiceRequest`: log records.
    Logs,
    /// `ExportTraceServiceRequest`: spans.
    Traces,
    /// `ExportMetricsServiceRequest`: metrics and their data points.
    Metrics,
}

impl Signal {
    /// All signals, in the order of the configuration's documentation.
    pub const ALL: [Signal; 3] = [Signal::Logs, Signal::Traces, Signal::Metrics];

    /// The name in configuration and paths: `logs`, `traces`, `metrics`.
    pub const fn name(self) -> &'static str {
        match self {
            Signal::Logs => "logs",
            Signal::Traces => "traces",
            Signal::Metrics => "metrics",
        }
    }

    /// The name of what is counted, as in upstream's `otelcol_*` metrics:
    /// `log_records`, `spans`, `metric_points`.
    pub const fn item_name(self) -> &'static str {
        match self {
            Signal::Logs => "log_records",
            Signal::Traces => "spans",
            Signal::Metrics => "metric_points",
        }
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
