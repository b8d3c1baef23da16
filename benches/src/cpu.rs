//! CPU seconds and memory of processes, from `/proc`.

use crate::Failure;

/// Ticks of `/proc/PID/stat` in a second; fixed by the ABI of Linux.
const TICKS: f64 = 100.0;

/// CPU seconds, user and system, that a process with all its threads has used. Steps of 10 ms.
///
/// # Errors
/// When there is no such process.
pub fn seconds(pid: u32) -> Result<f64, Failure> {
    let path = format!("/proc/{pid}/stat");
    let stat = std::fs::read_to_string(&path).map_err(|e| format!("{path}: {e}"))?;
    // the name of the program stands in brackets and may hold spaces
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(str::parse::<u64>);
    let ticks: Result<Vec<u64>, _> = ticks.collect();
    Ok(ticks?.iter().sum::<u64>() as f64 / TICKS)
}

/// CPU seconds of this process.
///
/// # Errors
/// When `/proc` is not there.
pub fn own_seconds() -> Result<f64, Failure> {
    seconds(std::process::id())
}

/// Bytes of memory that a process has resident.
///
/// # Errors
/// When there is no such process.
pub fn resident(pid: u32) -> Result<u64, Failure> {
    let path = format!("/proc/{pid}/status");
    let status = std::fs::read_to_string(&path).map_err(|e| format!("{path}: {e}"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line
        .and_then(|line| line.split_whitespace().next())
        .ok_or("no VmRSS")?;
    Ok(kib.parse::<u64>()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_shows_as_seconds() {
        let before = own_seconds().expect("this process");
        let mut sum = 0_u64;
        while own_seconds().expect("this process") < before + 0.02 {
            sum = std::hint::black_box(sum.wrapping_mul(31).wrapping_add(1));
        }
        assert!(resident(std::process::id()).expect("this process") > 1 << 20);
    }
}
