//! What a statement would read.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use deltalake::datafusion::datasource::physical_plan::FileScanConfig;
use deltalake::datafusion::datasource::source::DataSourceExec;
use deltalake::datafusion::physical_plan::{ExecutionPlan, displayable};
use deltalake::logstore::object_store::path::Path;

use crate::open::Opened;
use crate::parquet::folders;
use crate::source::Form;

/// Partitions that are named before they are only counted.
const NAMED: usize = 5;

/// The plan of a statement, and what of each table it reads.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// One for each table of the statement.
    pub tables: Vec<Scanned>,
    /// Steps of the plan, the last one first.
    pub plan: String,
}

/// What is read of one table, after partitions and files were left out that cannot hold what is
/// asked for. Row groups and pages are left out later, as the files are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scanned {
    /// Its name.
    pub table: String,
    /// What it is made of.
    pub form: Form,
    /// Version of a Delta table.
    pub version: Option<u64>,
    /// Files that are read.
    pub files: usize,
    /// Files that the table has.
    pub all_files: usize,
    /// Size of the files that are read.
    pub bytes: u64,
    /// Size of all files.
    pub all_bytes: u64,
    /// Partitions that are read, such as `date=2026-11-20`.
    pub partitions: Vec<String>,
    /// Partitions that the table has.
    pub all_partitions: usize,
}

impl Scanned {
    /// Files that need not be read.
    pub fn pruned(&self) -> usize {
        self.all_files - self.files
    }
}

/// Which files of `tables` the plan reads.
pub(crate) fn explain(plan: &Arc<dyn ExecutionPlan>, tables: &[Opened]) -> Explanation {
    let mut read = BTreeSet::new();
    files_of(plan, &mut read);
    Explanation {
        tables: tables.iter().map(|table| scanned(table, &read)).collect(),
        plan: displayable(plan.as_ref()).indent(false).to_string(),
    }
}

fn files_of(plan: &Arc<dyn ExecutionPlan>, read: &mut BTreeSet<Path>) {
    if let Some(source) = plan.downcast_ref::<DataSourceExec>()
        && let Some(files) = source.data_source().downcast_ref::<FileScanConfig>()
    {
        let files = files.file_groups.iter().flat_map(|group| group.iter());
        read.extend(files.map(|file| file.object_meta.location.clone()));
    }
    for child in plan.children() {
        files_of(child, read);
    }
}

fn scanned(table: &Opened, read: &BTreeSet<Path>) -> Scanned {
    let root = table.root();
    let sizes: BTreeMap<&str, u64> = table
        .files
        .iter()
        .map(|file| (&*file.path, file.bytes))
        .collect();
    let paths: Vec<String> = read
        .iter()
        .filter_map(|path| {
            Some(
                path.prefix_match(&root)?
                    .map(|part| part.as_ref().to_owned())
                    .collect::<Vec<_>>()
                    .join("/"),
            )
        })
        .collect();
    let partitions: BTreeSet<String> = paths.iter().map(|path| partition(path)).collect();
    let all_partitions: BTreeSet<String> = sizes.keys().map(|path| partition(path)).collect();
    Scanned {
        table: table.info.name.clone(),
        form: table.info.form,
        version: table.version,
        files: paths.len(),
        all_files: sizes.len().max(paths.len()),
        bytes: paths.iter().filter_map(|path| sizes.get(&**path)).sum(),
        all_bytes: sizes.values().sum(),
        partitions: partitions.into_iter().collect(),
        all_partitions: all_partitions.len(),
    }
}

/// `date=2026-11-20`, or nothing for a file outside of all partitions.
fn partition(path: &str) -> String {
    folders(path)
        .map(|(name, value)| format!("{name}={value}"))
        .collect::<Vec<_>>()
        .join("/")
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for table in &self.tables {
            writeln!(f, "{table}")?;
        }
        if !self.tables.is_empty() {
            writeln!(f)?;
        }
        f.write_str(&self.plan)
    }
}

impl fmt::Display for Scanned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}", self.table, self.form.name())?;
        if let Some(version) = self.version {
            write!(f, ", version {version}")?;
        }
        write!(
            f,
            "): files scanned {} of {} ({} pruned)",
            self.files,
            self.all_files,
            self.pruned()
        )?;
        write!(f, ", {} of {}", Size(self.bytes), Size(self.all_bytes))?;
        let named: Vec<&str> = self
            .partitions
            .iter()
            .map(String::as_str)
            .filter(|name| !name.is_empty())
            .collect();
        if self.all_partitions > 1 || !named.is_empty() {
            write!(
                f,
                ", partitions {} of {}",
                self.partitions.len(),
                self.all_partitions
            )?;
        }
        if !named.is_empty() {
            let more = if named.len() > NAMED { ", ..." } else { "" };
            write!(f, " ({}{more})", named[..named.len().min(NAMED)].join(", "))?;
        }
        Ok(())
    }
}

/// Bytes for a person.
struct Size(u64);

impl fmt::Display for Size {
    #[expect(clippy::cast_precision_loss, reason = "one digit behind the point")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            bytes if bytes < 1 << 10 => write!(f, "{bytes} B"),
            bytes if bytes < 1 << 20 => write!(f, "{:.1} KiB", bytes as f64 / 1024.0),
            bytes if bytes < 1 << 30 => write!(f, "{:.1} MiB", bytes as f64 / 1_048_576.0),
            bytes => write!(f, "{:.1} GiB", bytes as f64 / 1_073_741_824.0),
        }
    }
}
