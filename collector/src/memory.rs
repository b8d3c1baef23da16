//! How much memory there is, and how much of it telemetry may take.

use std::fs;

/// Byte budget for telemetry in flight: a quarter of what the process may use.
pub(crate) fn budget() -> usize {
    (available() / 4).max(16 << 20)
}

/// Bytes that the process may use: the limit of its control group, else the
/// memory of the machine; 1 GiB where neither can be read.
fn available() -> usize {
    let machine = machine();
    let group = control_group().filter(|limit| machine.is_none_or(|machine| *limit < machine));
    group.or(machine).unwrap_or(1 << 30)
}

/// Limit of the control group, version 2 then version 1.
fn control_group() -> Option<usize> {
    ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
        .iter()
        .find_map(|path| fs::read_to_string(path).ok()?.trim().parse().ok())
}

fn machine() -> Option<usize> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: usize = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kibibytes * 1024)
}
