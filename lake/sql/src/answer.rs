//! The rows of a statement, as they come.

use deltalake::arrow::array::RecordBatch;
use deltalake::arrow::datatypes::SchemaRef;
use deltalake::datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;

use crate::error::{QueryError, Scope};

/// Rows that arrive batch by batch. Dropping it stops the query.
pub struct Answer {
    stream: SendableRecordBatchStream,
    scope: Scope,
}

impl Answer {
    pub(crate) fn new(stream: SendableRecordBatchStream, scope: Scope) -> Answer {
        Answer { stream, scope }
    }

    /// Names and types of the columns.
    pub fn schema(&self) -> SchemaRef {
        self.stream.schema()
    }

    /// The next rows; `None` after the last.
    ///
    /// # Errors
    /// When a file cannot be read, when memory runs out, when a value cannot be computed.
    pub async fn next(&mut self) -> Result<Option<RecordBatch>, QueryError> {
        self.stream
            .next()
            .await
            .transpose()
            .map_err(|error| self.scope.explain(&error))
    }
}
