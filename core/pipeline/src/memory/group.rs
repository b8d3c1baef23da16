//! Control groups, versions 1 and 2: whose limit the process meets first.

use std::fs;
use std::path::{Path, PathBuf};

/// A control group with a memory limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    directory: PathBuf,
    version: Version,
    limit: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

impl Version {
    /// Files with limits. Above `memory.high` a group is throttled and reclaimed
    /// from, which is as good as its end for a collector.
    fn limits(self) -> &'static [&'static str] {
        match self {
            Version::One => &["memory.limit_in_bytes"],
            Version::Two => &["memory.max", "memory.high"],
        }
    }

    fn usage(self) -> &'static str {
        match self {
            Version::One => "memory.usage_in_bytes",
            Version::Two => "memory.current",
        }
    }

    /// Lines of `memory.stat` about cached files, which the kernel takes back
    /// before it kills anybody.
    fn cached(self) -> [&'static str; 2] {
        match self {
            Version::One => ["total_inactive_file", "total_active_file"],
            Version::Two => ["inactive_file", "active_file"],
        }
    }
}

/// Where a hierarchy of groups is mounted, and which group is its root there.
#[derive(Debug)]
struct Mount {
    version: Version,
    root: PathBuf,
    at: PathBuf,
}

impl Group {
    /// The limit in bytes.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Bytes that are charged to the group and cannot simply be taken back: of
    /// all its processes, the kernel's own for them (sockets) included, without
    /// cached files.
    pub fn held(&self) -> Option<usize> {
        let usage = number(&self.directory.join(self.version.usage()))?;
        let stat = fs::read_to_string(self.directory.join("memory.stat")).unwrap_or_default();
        let cached: usize = stat
            .lines()
            .filter_map(|line| line.split_once(' '))
            .filter(|(key, _)| self.version.cached().contains(key))
            .filter_map(|(_, value)| value.trim().parse::<usize>().ok())
            .sum();
        Some(usage.saturating_sub(cached))
    }

    /// The tightest of the group of the process with this `/proc` directory and
    /// the groups around it, in both versions; they are mixed on many machines.
    pub(super) fn tightest(process: &Path) -> Option<Group> {
        let groups = fs::read_to_string(process.join("cgroup")).ok()?;
        let mounts = fs::read_to_string(process.join("mountinfo")).ok()?;
        mounts
            .lines()
            .filter_map(mount)
            .filter_map(|mount| {
                let own = own_group(&groups, mount.version)?;
                tightest_of(&mount, &own)
            })
            .min_by_key(Group::limit)
    }
}

/// The path of the process's group in `/proc/self/cgroup`.
fn own_group(groups: &str, version: Version) -> Option<PathBuf> {
    groups.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let controllers = parts.next()?;
        let matches = match version {
            Version::One => controllers.split(',').any(|name| name == "memory"),
            Version::Two => controllers.is_empty(),
        };
        matches.then(|| parts.next().map(PathBuf::from)).flatten()
    })
}

/// A line of `/proc/self/mountinfo` about groups that can limit memory:
/// `36 25 0:31 /root /mount/point rw - cgroup cgroup rw,memory`.
fn mount(line: &str) -> Option<Mount> {
    let (place, kind) = line.split_once(" - ")?;
    let mut kind = kind.split(' ');
    let version = match kind.next()? {
        "cgroup2" => Version::Two,
        "cgroup"
            if kind
                .nth(1)?
                .split(',')
                .any(|controller| controller == "memory") =>
        {
            Version::One
        }
        _ => return None,
    };
    let mut place = place.split(' ').skip(3);
    Some(Mount {
        version,
        root: PathBuf::from(place.next()?),
        at: PathBuf::from(place.next()?),
    })
}

/// From the process's own group up to the root of the mount. Where the group is
/// not below that root (a container that sees only its own), the root is its own.
fn tightest_of(mount: &Mount, own: &Path) -> Option<Group> {
    let below = own.strip_prefix(&mount.root).unwrap_or(Path::new(""));
    let below = below.strip_prefix("/").unwrap_or(below);
    let directory = mount.at.join(below);
    directory
        .ancestors()
        .take_while(|directory| directory.starts_with(&mount.at))
        .filter_map(|directory| {
            let limits = mount.version.limits().iter();
            let limit = limits
                .filter_map(|file| number(&directory.join(file)))
                .min()?;
            Some(Group {
                directory: directory.to_owned(),
                version: mount.version,
                limit,
            })
        })
        .min_by_key(Group::limit)
}

/// The number in a file; `max` is none.
fn number(path: &Path) -> Option<usize> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A `/proc/self` and groups in a directory of their own.
    struct Fake(tempfile::TempDir);

    impl Fake {
        fn new(cgroup: &str, mountinfo: &str) -> Fake {
            let fake = Fake(tempfile::tempdir().expect("a directory"));
            let at = fake.0.path().display().to_string();
            fake.write("cgroup", cgroup);
            fake.write("mountinfo", &mountinfo.replace("AT", &at));
            fake
        }

        fn write(&self, path: &str, text: &str) {
            let path = self.0.path().join(path);
            fs::create_dir_all(path.parent().expect("inside")).expect("made");
            fs::write(path, text).expect("written");
        }

        fn tightest(&self) -> Option<Group> {
            Group::tightest(self.0.path())
        }
    }

    const MIXED: &str = "30 25 0:26 / AT/memory rw,nosuid - cgroup cgroup rw,memory\n\
                         31 25 0:27 / AT/cpu rw,nosuid - cgroup cgroup rw,cpu\n\
                         32 25 0:28 / AT/unified rw,nosuid - cgroup2 cgroup2 rw\n";

    #[test]
    fn version_1_meets_the_tightest_group_on_the_way_up() {
        let fake = Fake::new("4:memory:/pod/one\n5:cpu:/\n0::/\n", MIXED);
        assert_eq!(fake.tightest(), None, "no limit anywhere");
        fake.write("memory/pod/one/memory.limit_in_bytes", "500\n");
        fake.write("memory/pod/memory.limit_in_bytes", "300\n");
        fake.write("memory/memory.limit_in_bytes", "9223372036854771712\n");
        fake.write("memory/pod/memory.usage_in_bytes", "250\n");
        fake.write(
            "memory/pod/memory.stat",
            "cache 90\ninactive_file 1\ntotal_inactive_file 60\ntotal_active_file 30\n",
        );
        let group = fake.tightest().expect("limited");
        assert_eq!((group.limit(), group.held()), (300, Some(160)));
    }

    #[test]
    fn version_2_counts_max_and_high_and_max_is_no_limit() {
        let fake = Fake::new("4:memory:/\n0::/pod/one\n", MIXED);
        fake.write("unified/pod/one/memory.max", "max\n");
        fake.write("unified/pod/memory.max", "700\n");
        fake.write("unified/pod/memory.high", "600\n");
        fake.write("unified/pod/memory.current", "50\n");
        let group = fake.tightest().expect("limited");
        assert_eq!((group.limit(), group.held()), (600, Some(50)));
    }

    #[test]
    fn a_container_that_sees_only_its_own_group_finds_it_at_the_mount() {
        let mounts = "30 25 0:26 /docker/abc AT/memory ro - cgroup cgroup rw,memory\n";
        for own in ["/docker/abc", "/elsewhere"] {
            let fake = Fake::new(&format!("4:memory:{own}\n"), mounts);
            fake.write("memory/memory.limit_in_bytes", "400\n");
            assert_eq!(fake.tightest().map(|group| group.limit()), Some(400));
        }
        let fake = Fake::new("4:memory:/docker/abc/inner\n", mounts);
        fake.write("memory/inner/memory.limit_in_bytes", "200\n");
        fake.write("memory/memory.limit_in_bytes", "400\n");
        assert_eq!(fake.tightest().map(|group| group.limit()), Some(200));
    }
}
