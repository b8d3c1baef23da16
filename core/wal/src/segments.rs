//! Names of files, and how a segment comes into being.

use std::io::{self, IoSlice};
use std::sync::Arc;

use crate::disk::{Disk, DiskFile, write_all_at};
use crate::format::SegmentHeader;

const SUFFIX: &str = ".wal";
const TEMPORARY: &str = ".tmp";
const QUARANTINED: &str = ".quarantined";

/// The name of the segment that begins with `first`.
pub(crate) fn name_of(first: u64) -> String {
    format!("{first:020}{SUFFIX}")
}

/// The first sequence that a name stands for, if it is a segment's.
pub(crate) fn first_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(SUFFIX)?;
    let first = digits.parse().ok()?;
    (name_of(first) == name).then_some(first)
}

/// Whether a crash can have left it behind half made.
pub(crate) fn is_temporary(name: &str) -> bool {
    name.ends_with(TEMPORARY)
}

/// Whether it was set aside because of damage.
pub(crate) fn is_quarantined(name: &str) -> bool {
    name.ends_with(QUARANTINED)
}

/// Makes a segment that is durable with its name and has space for `bytes`.
///
/// It replaces a segment of the same name, which can only be one that was closed
/// after a failure before its first entry was durable.
pub(crate) fn create(
    disk: &dyn Disk,
    header: &SegmentHeader,
    bytes: u64,
) -> io::Result<Arc<dyn DiskFile>> {
    let name = name_of(header.first);
    create_durably(disk, &name, |file| {
        file.preallocate(bytes)?;
        write_all_at(file, 0, &mut [IoSlice::new(&header.encode())])
    })
}

/// Makes a file under another name, fills and syncs it, and moves it in place.
pub(crate) fn create_durably(
    disk: &dyn Disk,
    name: &str,
    fill: impl FnOnce(&dyn DiskFile) -> io::Result<()>,
) -> io::Result<Arc<dyn DiskFile>> {
    let temporary = format!("{name}{TEMPORARY}");
    let file = disk.create(&temporary)?;
    let made = fill(&*file)
        .and_then(|()| file.sync_data())
        .and_then(|()| disk.rename(&temporary, name))
        .and_then(|()| disk.sync_dir());
    if let Err(error) = made {
        // the space is wanted back; if even that fails, the next open removes it
        let _ = disk.remove(&temporary);
        return Err(error);
    }
    Ok(file)
}

/// Renames a file out of the way, under a name that no other has.
pub(crate) fn quarantine(disk: &dyn Disk, name: &str) -> io::Result<String> {
    let taken = disk.list()?;
    let free = (0u32..)
        .map(|n| match n {
            0 => format!("{name}{QUARANTINED}"),
            n => format!("{name}.{n}{QUARANTINED}"),
        })
        .find(|candidate| !taken.contains(candidate))
        .unwrap_or_else(|| format!("{name}{QUARANTINED}"));
    disk.rename(name, &free)?;
    disk.sync_dir()?;
    Ok(free)
}
