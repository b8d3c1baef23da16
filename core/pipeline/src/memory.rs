//! How much memory the process has, and how much it may have.

use std::fs;

/// Resident bytes of this process; `/proc/self/statm` counts pages of 4 KiB.
pub fn resident() -> Option<usize> {
    let text = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: usize = text.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * 4096)
}

/// Bytes that the process may use: the limit of its control group (version 2,
/// then 1), else the memory of the machine; `None` where neither can be read.
pub fn available() -> Option<usize> {
    let groups = [
        "/sys/fs/cgroup/memory.max",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    ];
    let group: Option<usize> = groups
        .iter()
        .find_map(|path| fs::read_to_string(path).ok()?.trim().parse().ok());
    match (group, machine()) {
        (Some(group), Some(machine)) => Some(group.min(machine)),
        (group, machine) => group.or(machine),
    }
}

fn machine() -> Option<usize> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: usize = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kibibytes * 1024)
}
