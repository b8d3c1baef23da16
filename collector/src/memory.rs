//! How much of the memory telemetry may take, and what the start leaves behind.

use std::fs;
use std::time::Duration;

/// Byte budget for telemetry in flight: a quarter of what the process may use,
/// or of 1 GiB where that cannot be told, but enough for one large request.
pub(crate) fn budget() -> usize {
    (pipeline::memory::available().unwrap_or(1 << 30) / 4).max(16 << 20)
}

/// Unmaps the program's code, of which the start touched far more than what
/// runs from now on: the kernel maps 64 KiB and more around each page that is
/// asked for. It stays in the page cache, and what is called comes back page by
/// page. Until then it counts as resident, also for `memory_limiter`.
pub(crate) fn unmap_code_of_the_start() {
    let Ok(maps) = fs::read_to_string("/proc/self/maps") else {
        return;
    };
    let here = unmap_code_of_the_start as *const () as usize;
    let Some(code) = code_around(&maps, here) else {
        return;
    };
    // SAFETY: the range is one whole mapping of a file that was only ever executed and read, so
    // every page of it comes back from the file with the same contents when it is touched.
    #[allow(unsafe_code)]
    let outcome = unsafe {
        libc::madvise(
            code.start as *mut libc::c_void,
            code.len(),
            libc::MADV_DONTNEED,
        )
    };
    if outcome != 0 {
        let error = std::io::Error::last_os_error();
        tracing::debug!(%error, "The code of the start stays mapped.");
    }
}

/// How long freed memory stays with the process: longer than tables of a local
/// disk wait for their next commit.
const KEPT: Duration = Duration::from_secs(10);

/// `mi_option_purge_delay`, which the crate does not name.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;

/// Freed memory goes back to the system after [`KEPT`], instead of after one second:
/// what is staged for a commit is freed and asked for again in that rhythm, and to
/// get it from the system costs more than to write it. `MIMALLOC_PURGE_DELAY`
/// (milliseconds) wins.
pub(crate) fn keep_freed_memory() {
    let milliseconds = libc::c_long::try_from(KEPT.as_millis()).unwrap_or(libc::c_long::MAX);
    // SAFETY: it stores a number in a table of mimalloc's, at a place that is in it.
    #[allow(unsafe_code)]
    unsafe {
        libmimalloc_sys::mi_option_set_default(PURGE_DELAY, milliseconds);
    }
}

/// The mapping around `address`, if it is of a file, and executed and never written.
fn code_around(maps: &str, address: usize) -> Option<std::ops::Range<usize>> {
    maps.lines().find_map(|line| {
        let mut fields = line.split_ascii_whitespace();
        let (from, to) = fields.next()?.split_once('-')?;
        let range = usize::from_str_radix(from, 16).ok()?..usize::from_str_radix(to, 16).ok()?;
        let is_code = fields.next()? == "r-xp" && fields.nth(3)?.starts_with('/');
        (is_code && range.contains(&address)).then_some(range)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_code_of_a_file_is_found() {
        let maps = "1000-3000 r--p 00000000 fe:00 12 /usr/bin/pharos\n\
                    3000-5000 r-xp 00002000 fe:00 12 /usr/bin/pharos\n\
                    5000-6000 rw-p 00004000 fe:00 12 /usr/bin/pharos\n\
                    7000-8000 r-xp 00000000 00:00 0 [vdso]\n";
        assert_eq!(code_around(maps, 0x3010), Some(0x3000..0x5000));
        for elsewhere in [0x1010, 0x5010, 0x7010, 0x9000] {
            assert_eq!(code_around(maps, elsewhere), None);
        }
    }

    #[test]
    fn freed_memory_stays_for_a_while() {
        // SAFETY: it reads a number from a table of mimalloc's, at a place that is in it.
        #[allow(unsafe_code)]
        let delay = || unsafe { libmimalloc_sys::mi_option_get(PURGE_DELAY) };
        assert_eq!(
            delay(),
            1_000,
            "another option, or another default of mimalloc"
        );
        keep_freed_memory();
        assert_eq!(delay(), 10_000);
    }

    #[test]
    fn code_that_was_unmapped_still_runs() {
        unmap_code_of_the_start();
        assert!(budget() >= 16 << 20);
    }
}
