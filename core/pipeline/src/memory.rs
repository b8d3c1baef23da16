//! How much memory the process has, and how much it may have.

mod group;

use std::fs;
use std::path::Path;

pub use group::Group;

/// Resident bytes of this process.
pub fn resident() -> Option<usize> {
    kibibytes(&fs::read_to_string("/proc/self/status").ok()?, "VmRSS:")
}

/// Bytes that the process may use: the tightest limit of its control group and
/// the groups around it, else the memory of the machine; `None` where neither
/// can be read.
pub fn available() -> Option<usize> {
    match (group(), machine()) {
        (Some(group), Some(machine)) => Some(group.limit().min(machine)),
        (group, machine) => group.map(|group| group.limit()).or(machine),
    }
}

/// The control group whose memory limit the process meets first, if it is in
/// one with a limit that is smaller than the machine.
pub fn group() -> Option<Group> {
    let machine = machine().unwrap_or(usize::MAX);
    Group::tightest(Path::new("/proc/self")).filter(|group| group.limit() < machine)
}

fn machine() -> Option<usize> {
    kibibytes(&fs::read_to_string("/proc/meminfo").ok()?, "MemTotal:")
}

/// The value of a line such as `MemTotal:  24683652 kB`, in bytes.
fn kibibytes(text: &str, key: &str) -> Option<usize> {
    let value = text.lines().find_map(|line| line.strip_prefix(key))?;
    let kibibytes: usize = value.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kibibytes.saturating_mul(1024))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resident_memory_is_at_least_what_was_touched() {
        let touched = vec![1_u8; 32 << 20];
        let resident = resident().expect("Linux");
        assert!(
            resident > touched.iter().filter(|byte| **byte == 1).count(),
            "{resident}"
        );
        assert!(available().expect("Linux") > resident);
    }

    #[test]
    fn lines_without_a_number_are_no_answer() {
        assert_eq!(kibibytes("VmRSS:\t  12 kB\n", "VmRSS:"), Some(12 << 10));
        assert_eq!(kibibytes("VmRSS: many kB\n", "VmRSS:"), None);
        assert_eq!(kibibytes("", "VmRSS:"), None);
    }
}
