//! Which queues there are: in the directories of the `file_storage` extensions of
//! the configuration, or below the directory that is named.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use pipeline::durable::unescape;
use serde::Serialize;
use settings::Node;

use crate::command_line::QueueSource;
use crate::commands::{Failure, load};
use crate::configuration::Configuration;

/// The configuration that is taken when none is named.
const DEFAULT_CONFIG: &str = "otel-config.yaml";
/// The extension whose directories have queues.
const FILE_STORAGE: &str = "file_storage";

/// What a log is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// The sending queue of a pipeline.
    Queue,
    /// What an exporter that was removed from a pipeline had still to send.
    SetAside,
}

/// One log.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) kind: Kind,
    /// What it is called on the command line: the pipeline's id, else the path
    /// below the directory of the storage.
    pub(super) name: String,
    /// Id of the pipeline, if it belongs to one.
    pub(super) pipeline: Option<String>,
    pub(super) directory: PathBuf,
    /// The directory of the storage that it is in.
    storage: PathBuf,
}

impl Place {
    pub(super) fn failure(&self, why: impl Display) -> Failure {
        let directory = self.directory.display();
        Failure::new(format!("queue {} ({directory}): {why}", self.name))
    }
}

/// Ids of exporters by the directory of their storage and the pipeline.
type Exporters = BTreeMap<(PathBuf, String), Vec<String>>;

/// All logs that were found.
pub(super) struct Places {
    pub(super) all: Vec<Place>,
    /// The exporters that have their queue in a storage, by its directory and the
    /// pipeline, if a configuration says them.
    exporters: Option<Exporters>,
    /// Where was looked, for messages.
    searched: Vec<PathBuf>,
}

impl Places {
    /// Finds them. None at all is no error: nothing was ever queued.
    pub(super) fn find(source: &QueueSource) -> Result<Places, Failure> {
        let mut places = match &source.directory {
            Some(directory) => Places::below(directory)?,
            None => Places::configured(source)?,
        };
        places
            .all
            .sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
        Ok(places)
    }

    fn below(directory: &Path) -> Result<Places, Failure> {
        let mut places = Places {
            all: Vec::new(),
            exporters: None,
            searched: vec![directory.to_owned()],
        };
        if is_log(directory)? {
            places.all.push(named_by_its_path(directory));
        } else {
            collect(directory, &mut places.all)?;
        }
        Ok(places)
    }

    fn configured(source: &QueueSource) -> Result<Places, Failure> {
        if source.config.is_empty() && !Path::new(DEFAULT_CONFIG).exists() {
            return Err(Failure::new(format!(
                "no queue: name the directory of a file_storage extension with --directory DIR, or the configuration \
                 that has one with --config FILE (there is no {DEFAULT_CONFIG} here)"
            )));
        }
        let (configuration, _warnings) = load(&source.config.clone().or(DEFAULT_CONFIG));
        let configuration = configuration?;
        let mut storages: BTreeMap<String, PathBuf> = BTreeMap::new();
        let extensions = configuration.extensions.iter();
        for (id, extension) in extensions.filter(|(id, _)| id.kind() == FILE_STORAGE) {
            // read by name, so that this command needs no extension to be compiled in
            let settings = extension.config.tree().map_err(Failure::new)?;
            let directory = settings.get("directory").and_then(Node::as_str);
            storages.insert(id.to_string(), directory.unwrap_or_default().into());
        }
        if storages.is_empty() {
            return Err(Failure::new(
                "no queue: the configuration has no file_storage extension; name its directory with --directory DIR",
            ));
        }
        let mut searched: Vec<PathBuf> = storages.values().cloned().collect();
        searched.sort_unstable();
        searched.dedup();
        let mut all = Vec::new();
        for directory in &searched {
            collect(directory, &mut all)?;
        }
        Ok(Places {
            all,
            exporters: Some(exporters(&configuration, &storages)),
            searched,
        })
    }

    /// Whether the configuration has this exporter in the pipeline of this log;
    /// none if there is no configuration to ask.
    pub(super) fn has_exporter(&self, place: &Place, exporter: &str) -> Option<bool> {
        let exporters = self.exporters.as_ref()?;
        let has = |ids: &Vec<String>| ids.iter().any(|id| id == exporter);
        Some(match &place.pipeline {
            Some(pipeline) => {
                let key = (place.storage.clone(), pipeline.clone());
                exporters.get(&key).is_some_and(has)
            }
            None => exporters.values().any(has),
        })
    }

    /// Those that are meant: all, or the one of that name.
    pub(super) fn chosen(&self, name: Option<&str>) -> Result<Vec<&Place>, Failure> {
        match name {
            None => Ok(self.all.iter().collect()),
            Some(_) => self.only(name).map(|place| vec![place]),
        }
    }

    /// The one that is meant.
    pub(super) fn only(&self, name: Option<&str>) -> Result<&Place, Failure> {
        let meant = |place: &&Place| {
            name.is_none_or(|name| place.name == name || place.directory == Path::new(name))
        };
        let found: Vec<&Place> = self.all.iter().filter(meant).collect();
        match (&found[..], name) {
            ([one], _) => Ok(one),
            ([], None) => Err(Failure::new(format!(
                "there is no queue in {}",
                self.searched()
            ))),
            ([], Some(name)) => Err(Failure::new(format!(
                "there is no queue \"{name}\" in {}: {}",
                self.searched(),
                self.known()
            ))),
            (_, None) => Err(Failure::new(format!(
                "there are several queues, name one: {}",
                self.known()
            ))),
            (several, Some(name)) => {
                let directories = several.iter().map(|p| p.directory.display().to_string());
                Err(Failure::new(format!(
                    "there are several queues \"{name}\", name one by its directory: {}",
                    directories.collect::<Vec<_>>().join(", ")
                )))
            }
        }
    }

    pub(super) fn searched(&self) -> String {
        let directories = self.searched.iter().map(|d| d.display().to_string());
        directories.collect::<Vec<_>>().join(", ")
    }

    fn known(&self) -> String {
        if self.all.is_empty() {
            return "it has none".to_owned();
        }
        let names: Vec<&str> = self.all.iter().map(|place| place.name.as_str()).collect();
        names.join(", ")
    }
}

/// The exporters that have their queue in each storage, by pipeline.
fn exporters(configuration: &Configuration, storages: &BTreeMap<String, PathBuf>) -> Exporters {
    let mut found = Exporters::new();
    for (pipeline, settings) in &configuration.service.pipelines {
        for id in &settings.exporters {
            let exporter = configuration.exporters.get(id);
            let tail = exporter.map(|exporter| exporter.config.tail());
            let storage = tail.as_ref().and_then(|tail| tail.storage());
            if let Some(directory) = storage.and_then(|storage| storages.get(storage)) {
                let key = (directory.clone(), pipeline.to_string());
                found.entry(key).or_default().push(id.to_string());
            }
        }
    }
    found
}

/// The logs in the directory of a storage.
fn collect(storage: &Path, all: &mut Vec<Place>) -> Result<(), Failure> {
    // a directory that cannot be read must not pass for one without queues
    if let Err(error) = fs::read_dir(storage) {
        return Err(unreadable(storage, &error));
    }
    for directory in directories(&storage.join("queue"))? {
        let name = last(&directory);
        let pipeline = unescape(&name);
        all.push(Place {
            kind: Kind::Queue,
            name: pipeline.clone().unwrap_or_else(|| format!("queue/{name}")),
            pipeline,
            directory,
            storage: storage.to_owned(),
        });
    }
    for pipeline in directories(&storage.join("set_aside"))? {
        let name = last(&pipeline);
        for directory in directories(&pipeline)? {
            all.push(Place {
                kind: Kind::SetAside,
                name: format!("set_aside/{name}/{}", last(&directory)),
                pipeline: unescape(&name),
                directory,
                storage: storage.to_owned(),
            });
        }
    }
    let mut kept = Vec::new();
    for place in std::mem::take(all) {
        if is_log(&place.directory)? {
            kept.push(place);
        }
    }
    *all = kept;
    Ok(())
}

/// A log whose own directory was named.
fn named_by_its_path(directory: &Path) -> Place {
    let above = directory.parent();
    let above = |levels: usize| {
        above
            .and_then(|path| path.ancestors().nth(levels))
            .map(last)
    };
    let name = last(directory);
    let (kind, pipeline) = match (above(0), above(1)) {
        (Some(parent), Some(storage)) if storage == "set_aside" => {
            (Kind::SetAside, unescape(&parent))
        }
        _ => (Kind::Queue, unescape(&name)),
    };
    let shown = match (&kind, &pipeline) {
        (Kind::Queue, Some(pipeline)) => pipeline.clone(),
        _ => directory.display().to_string(),
    };
    Place {
        kind,
        name: shown,
        pipeline,
        directory: directory.to_owned(),
        // nobody asks whose it is: there is no configuration
        storage: PathBuf::new(),
    }
}

/// The directories in one that may be missing, but for those that are being made.
fn directories(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(path, &error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| unreadable(path, &error))?.path();
        if path.is_dir() && !last(&path).ends_with("~tmp") {
            found.push(path);
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// Whether a directory has the files of a log.
fn is_log(directory: &Path) -> Result<bool, Failure> {
    let entries = fs::read_dir(directory).map_err(|error| unreadable(directory, &error))?;
    let mut names = entries.flatten().map(|entry| entry.file_name());
    Ok(names.any(|name| name == "cursors" || Path::new(&name).extension() == Some("wal".as_ref())))
}

fn last(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    let advice = match error.kind() {
        ErrorKind::PermissionDenied => "; run this as the user of the collector",
        _ => "",
    };
    Failure::new(format!("cannot read {}: {error}{advice}", path.display()))
}
