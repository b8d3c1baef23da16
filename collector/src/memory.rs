//! How much of the memory telemetry may take, and what the start leaves behind.

use std::fs;

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
    fn code_that_was_unmapped_still_runs() {
        unmap_code_of_the_start();
        assert!(budget() >= 16 << 20);
    }
}
