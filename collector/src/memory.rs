//! How much of the memory telemetry may take.

/// Byte budget for telemetry in flight: a quarter of what the process may use,
/// or of 1 GiB where that cannot be told, but enough for one large request.
pub(crate) fn budget() -> usize {
    (pipeline::memory::available().unwrap_or(1 << 30) / 4).max(16 << 20)
}
