//! Metrics of the process itself.

use std::fs;

use pipeline::telemetry::meter;
use tokio::time::Instant;

/// Registers uptime, processor time and memory.
pub(super) fn observe() {
    let begun = Instant::now();
    meter()
        .f64_observable_counter("otelcol_process_uptime")
        .with_unit("s")
        .with_description("Uptime of the process")
        .with_callback(move |observer| observer.observe(begun.elapsed().as_secs_f64(), &[]))
        .build();
    meter()
        .f64_observable_counter("otelcol_process_cpu_seconds")
        .with_unit("s")
        .with_description("Total CPU user and system time in seconds")
        .with_callback(|observer| {
            if let Some(seconds) = cpu_seconds() {
                observer.observe(seconds, &[]);
            }
        })
        .build();
    meter()
        .u64_observable_gauge("otelcol_process_memory_rss")
        .with_unit("By")
        .with_description("Total physical memory (resident set size)")
        .with_callback(|observer| {
            if let Some(bytes) = pipeline::memory::resident() {
                observer.observe(bytes as u64, &[]);
            }
        })
        .build();
}

/// User and system time from `/proc/self/stat`, in ticks of 10 ms, behind the
/// process name, which may hold blanks.
fn cpu_seconds() -> Option<f64> {
    let text = fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let user: f64 = fields.get(11)?.parse().ok()?;
    let system: f64 = fields.get(12)?.parse().ok()?;
    Some((user + system) / 100.0)
}
