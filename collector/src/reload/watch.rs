//! Notices that files of a configuration have changed.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use settings::{Environment, ProcessEnvironment};

/// How often the files are looked at.
const EVERY: Duration = Duration::from_secs(1);

/// What a file holds, hashed; `None` where it cannot be read.
type Content = Option<u64>;

/// The environment of this process, with a memory of the files that were read.
#[derive(Default)]
pub(super) struct Files(RefCell<BTreeMap<PathBuf, Content>>);

impl Environment for Files {
    fn variable(&self, name: &str) -> Result<Option<String>, String> {
        ProcessEnvironment.variable(name)
    }

    fn read_file(&self, path: &Path) -> io::Result<String> {
        let text = ProcessEnvironment.read_file(path);
        let content = text.as_deref().ok().map(hash);
        self.0.borrow_mut().insert(path.to_owned(), content);
        text
    }
}

/// Watches files by their content: that works for files that are written in
/// place, replaced, or reached through links that move, as Kubernetes mounts a
/// ConfigMap.
pub(super) struct Watch {
    wanted: bool,
    known: BTreeMap<PathBuf, Content>,
    /// What was seen last, when it is not what is known.
    changing: Option<BTreeMap<PathBuf, Content>>,
}

impl Watch {
    /// A watch that notices something only if `wanted`.
    pub(super) fn new(wanted: bool) -> Watch {
        Watch {
            wanted,
            known: BTreeMap::new(),
            changing: None,
        }
    }

    /// Watches the files that were read, and no others.
    pub(super) fn look_at(&mut self, files: Files) {
        self.known = files.0.into_inner();
        self.changing = None;
    }

    /// Waits until a file has changed and is no longer being written. Dropping
    /// the future loses nothing.
    pub(super) async fn changed(&mut self) {
        if !self.wanted {
            return std::future::pending().await;
        }
        loop {
            tokio::time::sleep(EVERY).await;
            let now = self.known.keys().map(|path| (path.clone(), content(path)));
            if self.notice(now.collect()) {
                return;
            }
        }
    }

    /// Whether files are different from what is known, and the same as at the last look.
    fn notice(&mut self, now: BTreeMap<PathBuf, Content>) -> bool {
        if now == self.known {
            self.changing = None;
            return false;
        }
        let is_settled = self.changing.as_ref() == Some(&now);
        self.changing = Some(now);
        is_settled
    }
}

fn content(path: &Path) -> Content {
    let text = ProcessEnvironment.read_file(path);
    text.as_deref().ok().map(hash)
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(content: Content) -> BTreeMap<PathBuf, Content> {
        BTreeMap::from([(PathBuf::from("config.yaml"), content)])
    }

    #[test]
    fn a_change_counts_when_it_has_settled() {
        let mut watch = Watch::new(true);
        watch.look_at(Files(RefCell::new(files(Some(1)))));
        assert!(!watch.notice(files(Some(1))));
        assert!(!watch.notice(files(Some(2))), "it may be half written");
        assert!(!watch.notice(files(Some(3))), "it was");
        assert!(watch.notice(files(Some(3))));
    }

    #[test]
    fn a_file_that_is_away_for_a_moment_is_no_change() {
        let mut watch = Watch::new(true);
        watch.look_at(Files(RefCell::new(files(Some(1)))));
        assert!(!watch.notice(files(None)));
        assert!(!watch.notice(files(Some(1))));
        assert!(!watch.notice(files(None)));
        assert!(watch.notice(files(None)), "it stays away");
    }

    #[test]
    fn what_was_read_is_what_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.yaml");
        std::fs::write(&path, "a: 1").unwrap();
        let files = Files::default();
        files.read_file(&path).unwrap();
        assert!(files.read_file(&folder.path().join("none")).is_err());
        let mut watch = Watch::new(true);
        watch.look_at(files);
        let look = |watch: &Watch| -> BTreeMap<PathBuf, Content> {
            let known = watch.known.keys();
            known.map(|path| (path.clone(), content(path))).collect()
        };
        let now = look(&watch);
        assert!(!watch.notice(now.clone()) && now.len() == 2);
        std::fs::write(&path, "a: 2").unwrap();
        let now = look(&watch);
        assert!(!watch.notice(now.clone()) && watch.notice(now));
    }
}
