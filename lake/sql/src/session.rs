//! Statements: parsed, bound to the newest tables, run.

use std::sync::Arc;

use deltalake::datafusion::catalog::MemorySchemaProvider;
use deltalake::datafusion::common::{DataFusionError, TableReference};
use deltalake::datafusion::execution::SessionState;
use deltalake::datafusion::execution::memory_pool::FairSpillPool;
use deltalake::datafusion::execution::runtime_env::RuntimeEnvBuilder;
use deltalake::datafusion::logical_expr::LogicalPlan;
use deltalake::datafusion::prelude::{SQLOptions, SessionConfig, SessionContext};
use deltalake::datafusion::sql::parser::Statement;

use crate::answer::Answer;
use crate::columns::{ColumnInfo, columns};
use crate::error::{QueryError, Scope, list, near, one_line};
use crate::explain::{Explanation, explain};
use crate::json_get::json_get;
use crate::open::{Opened, Purpose, open};
use crate::source::{Source, TableInfo};

const CATALOG: &str = "pharos";
const SCHEMA: &str = "public";
const INFORMATION: &str = "information_schema";

/// Rows that are handled at once, where memory allows.
const BATCH_ROWS: usize = 8_192;
/// The least rows that are handled at once.
const LEAST_BATCH_ROWS: usize = 128;
/// Sorted temporary files that are merged at once: without a bound a merge takes all memory and
/// leaves none to those who read from it.
const MERGED_AT_ONCE: usize = 8;
/// Memory for each row of a batch: a share of a statement's memory holds several batches of wide
/// rows, or it could not even begin to sort them.
const MEMORY_PER_BATCH_ROW: usize = 32 << 10;

/// What a statement may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionSettings {
    /// Bytes for sorting, grouping and joining; what does not fit goes to temporary files.
    pub memory: usize,
    /// Parts of a statement that run at once.
    pub threads: usize,
}

/// Lakes that can be asked.
#[derive(Debug)]
pub struct Session {
    sources: Vec<Source>,
    settings: SessionSettings,
}

/// A statement that is bound to tables.
struct Prepared {
    context: SessionContext,
    plan: LogicalPlan,
    tables: Vec<Opened>,
    scope: Scope,
}

impl Session {
    /// A session over `sources`. Nothing is read before the first statement.
    pub fn new(sources: Vec<Source>, settings: SessionSettings) -> Session {
        Session { sources, settings }
    }

    /// All tables of all lakes.
    ///
    /// # Errors
    /// When a lake cannot be listed, [`QueryError::NoTables`] when there is none.
    pub async fn tables(&self) -> Result<Vec<TableInfo>, QueryError> {
        let mut tables = Vec::new();
        for source in &self.sources {
            tables.extend(source.tables().await?);
        }
        if tables.is_empty() {
            let places: Vec<&str> = self.sources.iter().map(Source::location).collect();
            return Err(QueryError::NoTables(places.join(" or ")));
        }
        Ok(tables)
    }

    /// The columns of one table.
    ///
    /// # Errors
    /// [`QueryError::UnknownTable`], or when the table cannot be read.
    pub async fn columns(&self, table: &str) -> Result<Vec<ColumnInfo>, QueryError> {
        let context = self.context()?;
        let reference = TableReference::parse_str(table);
        let info = self.resolve(&reference).await?;
        let opened = self.open(info, &context.state(), Purpose::Rows).await?;
        Ok(columns(&opened.provider.schema()))
    }

    /// Runs one statement over the newest versions of the tables that it names.
    ///
    /// # Errors
    /// Any [`QueryError`] but [`QueryError::Output`].
    pub async fn run(&self, sql: &str) -> Result<Answer, QueryError> {
        let prepared = self.prepare(sql, Purpose::Rows).await?;
        let failed = |error: DataFusionError| prepared.scope.explain(&error);
        let frame = prepared
            .context
            .execute_logical_plan(prepared.plan)
            .await
            .map_err(failed)?;
        let stream = frame.execute_stream().await.map_err(failed)?;
        Ok(Answer::new(stream, prepared.scope))
    }

    /// What a statement would read, without reading it.
    ///
    /// # Errors
    /// As [`run`](Session::run).
    pub async fn explain(&self, sql: &str) -> Result<Explanation, QueryError> {
        let prepared = self.prepare(sql, Purpose::Account).await?;
        let failed = |error: DataFusionError| prepared.scope.explain(&error);
        let frame = prepared
            .context
            .execute_logical_plan(prepared.plan)
            .await
            .map_err(failed)?;
        let plan = frame.create_physical_plan().await.map_err(failed)?;
        Ok(explain(&plan, &prepared.tables))
    }

    async fn prepare(&self, sql: &str, purpose: Purpose) -> Result<Prepared, QueryError> {
        let mut scope = Scope {
            columns: Vec::new(),
            memory: self.settings.memory,
        };
        let context = self.context()?;
        let state = context.state();
        let dialect = state.config_options().sql_parser.dialect;
        let statement = match state.sql_to_statement(sql, &dialect) {
            Err(DataFusionError::NotImplemented(_)) => {
                return Err(QueryError::Syntax(
                    "one statement at a time, please".to_owned(),
                ));
            }
            Err(DataFusionError::Plan(_)) => {
                return Err(QueryError::Syntax(
                    "syntax error: there is no statement".to_owned(),
                ));
            }
            parsed => parsed.map_err(|error| scope.explain(&error))?,
        };
        if !only_reads(&statement) {
            let verb = sql
                .split_whitespace()
                .next()
                .unwrap_or_default()
                .to_uppercase();
            return Err(QueryError::NotAQuery(format!(
                "{verb} is not SELECT, WITH, VALUES, EXPLAIN, DESCRIBE or SHOW"
            )));
        }
        let tables = self.bind(&statement, &context, purpose).await?;
        let fields = |table: &Opened| {
            table
                .provider
                .schema()
                .fields()
                .iter()
                .map(|f| f.name().clone())
                .collect::<Vec<_>>()
        };
        scope.columns = tables.iter().flat_map(fields).collect();
        let plan = state
            .statement_to_plan(statement)
            .await
            .map_err(|error| scope.explain(&error))?;
        let only_read = SQLOptions::new()
            .with_allow_ddl(false)
            .with_allow_dml(false)
            .with_allow_statements(false);
        only_read
            .verify_plan(&plan)
            .map_err(|error| QueryError::NotAQuery(one_line(&error.strip_backtrace())))?;
        Ok(Prepared {
            context,
            plan,
            tables,
            scope,
        })
    }

    /// Opens the tables that the statement names and makes them known under these names.
    async fn bind(
        &self,
        statement: &Statement,
        context: &SessionContext,
        purpose: Purpose,
    ) -> Result<Vec<Opened>, QueryError> {
        let state = context.state();
        let scope = Scope {
            columns: Vec::new(),
            memory: self.settings.memory,
        };
        let failed = |error: DataFusionError| scope.explain(&error);
        let mut wanted = Vec::new();
        for reference in state.resolve_table_references(statement).map_err(failed)? {
            if reference.schema() == Some(INFORMATION) {
                let all = self.tables().await?.into_iter();
                wanted.extend(all.map(|info| {
                    (
                        TableReference::partial(info.lake.clone(), info.name.clone()),
                        info,
                    )
                }));
            } else if reference.schema().is_some()
                || !state.table_functions().contains_key(reference.table())
            {
                let info = self.resolve(&reference).await?;
                wanted.push((reference, info));
            }
        }
        let mut tables: Vec<Opened> = Vec::new();
        for (reference, info) in wanted {
            let known = tables.iter().position(|table| table.info == info);
            let at = match known {
                Some(at) => at,
                None => {
                    tables.push(self.open(info, &state, purpose).await?);
                    tables.len() - 1
                }
            };
            make_schema(context, &reference).map_err(failed)?;
            if context.table_exist(reference.clone()).map_err(failed)? {
                continue;
            }
            // One snapshot a table, under however many names the statement has for it.
            context
                .register_table(reference, tables[at].provider.clone())
                .map_err(failed)?;
        }
        Ok(tables)
    }

    async fn open(
        &self,
        info: TableInfo,
        state: &SessionState,
        purpose: Purpose,
    ) -> Result<Opened, QueryError> {
        let source = self
            .sources
            .iter()
            .find(|source| source.name() == info.lake);
        let source = source
            .ok_or_else(|| QueryError::UnknownTable(format!("unknown lake {}", info.lake)))?;
        let log_store = source.log_store(&info.url)?;
        open(info, log_store, state, purpose).await
    }

    /// The one table that the reference means.
    async fn resolve(&self, reference: &TableReference) -> Result<TableInfo, QueryError> {
        let lake = reference.schema().filter(|schema| *schema != SCHEMA);
        let sources: Vec<&Source> = self
            .sources
            .iter()
            .filter(|source| lake.is_none_or(|lake| lake == source.name()))
            .collect();
        if let (Some(lake), true) = (lake, sources.is_empty()) {
            let lakes: Vec<String> = self
                .sources
                .iter()
                .map(|source| source.name().to_owned())
                .collect();
            return Err(QueryError::UnknownTable(format!(
                "unknown lake {lake} in {reference}; lakes: {}",
                list(&lakes)
            )));
        }
        let mut found = Vec::new();
        for source in sources {
            found.extend(source.find(reference.table()).await?);
        }
        match found.len() {
            0 => Err(self.unknown_table(reference.table()).await),
            1 => Ok(found.remove(0)),
            _ => {
                let names: Vec<String> = found
                    .iter()
                    .map(|table| {
                        TableReference::partial(&*table.lake, &*table.name).to_quoted_string()
                    })
                    .collect();
                Err(QueryError::UnknownTable(format!(
                    "table {} is in several lakes: write {}",
                    reference.table(),
                    names.join(" or ")
                )))
            }
        }
    }

    async fn unknown_table(&self, name: &str) -> QueryError {
        let tables = match self.tables().await {
            Ok(tables) => tables,
            Err(error) => return error,
        };
        let names: Vec<String> = tables.into_iter().map(|table| table.name).collect();
        let hint = match near(name, &names).first() {
            Some(near) => format!("; did you mean {near}?"),
            None => String::new(),
        };
        QueryError::UnknownTable(format!(
            "unknown table {name}{hint} (tables: {})",
            list(&names)
        ))
    }

    /// A context for one statement: nothing of an earlier one can be stale in it.
    fn context(&self) -> Result<SessionContext, QueryError> {
        let mut config = SessionConfig::new()
            .with_default_catalog_and_schema(CATALOG, SCHEMA)
            .with_information_schema(true)
            .with_target_partitions(self.settings.threads.max(1))
            .with_batch_size(
                (self.settings.memory / MEMORY_PER_BATCH_ROW).clamp(LEAST_BATCH_ROWS, BATCH_ROWS),
            )
            // Joins on partition columns, which are dictionaries, must not push lists of their
            // values into the scan: DataFusion panics on them.
            .set_usize("datafusion.optimizer.hash_join_inlist_pushdown_max_size", 0)
            .set_usize(
                "datafusion.optimizer.hash_join_inlist_pushdown_max_distinct_values",
                0,
            );
        let reserved = config.options().execution.sort_spill_reservation_bytes;
        config.options_mut().execution.sort_spill_reservation_bytes =
            reserved.min(self.settings.memory / 16);
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(FairSpillPool::new(self.settings.memory)))
            .with_max_spill_merge_fan_in(MERGED_AT_ONCE)
            .build_arc()
            .map_err(|error| QueryError::Failed(one_line(&error.strip_backtrace())))?;
        let context = SessionContext::new_with_config_rt(config, runtime);
        context.register_udf(json_get());
        Ok(context)
    }
}

/// Whether a statement asks for something, rather than change or set something.
fn only_reads(statement: &Statement) -> bool {
    use deltalake::datafusion::sql::sqlparser::ast::Statement as S;
    match statement {
        Statement::Explain(_) => true,
        Statement::Statement(statement) => matches!(
            **statement,
            S::Query(_)
                | S::Explain { .. }
                | S::ExplainTable { .. }
                | S::ShowTables { .. }
                | S::ShowColumns { .. }
                | S::ShowFunctions { .. }
                | S::ShowVariable { .. }
        ),
        _ => false,
    }
}

/// Makes sure that the schema of a qualified name exists.
fn make_schema(
    context: &SessionContext,
    reference: &TableReference,
) -> Result<(), DataFusionError> {
    let Some(schema) = reference.schema() else {
        return Ok(());
    };
    if let Some(catalog) = context.catalog(CATALOG)
        && catalog.schema(schema).is_none()
    {
        catalog.register_schema(schema, Arc::new(MemorySchemaProvider::new()))?;
    }
    Ok(())
}
