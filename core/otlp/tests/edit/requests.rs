//! The requests of the three signals in one form, for the model.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest as Logs;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest as Metrics;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest as Traces;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{Metric, ResourceMetrics, ScopeMetrics};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;

use super::model::{Block, Place, Record, Request, Scope};

/// A request that can be taken apart and put together.
pub(super) trait Neutral: Message + Default {
    type Record: Record + Clone + Message;
    fn into_neutral(self) -> Request<Self::Record>;
    fn from_neutral(request: Request<Self::Record>) -> Self;
}

macro_rules! neutral {
    ($request:ident { $blocks:ident }, $block:ident { $scopes:ident }, $scope:ident { $records:ident }, $record:ident) => {
        impl Neutral for $request {
            type Record = $record;

            fn into_neutral(self) -> Request<$record> {
                let scope = |scope: $scope| Scope {
                    scope: scope.scope,
                    url: scope.schema_url,
                    records: scope.$records,
                };
                let block = |block: $block| Block {
                    resource: block.resource,
                    url: block.schema_url,
                    scopes: block.$scopes.into_iter().map(scope).collect(),
                };
                Request {
                    blocks: self.$blocks.into_iter().map(block).collect(),
                }
            }

            fn from_neutral(request: Request<$record>) -> Self {
                let scope = |scope: Scope<$record>| $scope {
                    scope: scope.scope,
                    schema_url: scope.url,
                    $records: scope.records,
                };
                let block = |block: Block<$record>| $block {
                    resource: block.resource,
                    schema_url: block.url,
                    $scopes: block.scopes.into_iter().map(scope).collect(),
                };
                $request {
                    $blocks: request.blocks.into_iter().map(block).collect(),
                }
            }
        }
    };
}

neutral! { Logs { resource_logs }, ResourceLogs { scope_logs }, ScopeLogs { log_records }, LogRecord }
neutral! { Traces { resource_spans }, ResourceSpans { scope_spans }, ScopeSpans { spans }, Span }
neutral! { Metrics { resource_metrics }, ResourceMetrics { scope_metrics }, ScopeMetrics { metrics }, Metric }

impl<R: Message> Request<R> {
    /// What a regroup leaves open: whether an empty resource or scope is written;
    /// in chains also whether equal ones meet although nothing moved, and, after
    /// drops further on, which group came first.
    pub(super) fn settle(&mut self) {
        let blocks = std::mem::take(&mut self.blocks);
        for block in blocks {
            let resource = block.resource.unwrap_or_default();
            for scope in block.scopes {
                let place = Place {
                    resource: resource.clone(),
                    resource_url: block.url.clone(),
                    scope: scope.scope.unwrap_or_default(),
                    scope_url: scope.url,
                };
                scope
                    .records
                    .into_iter()
                    .for_each(|record| self.put(place.clone(), record));
            }
        }
        for block in &mut self.blocks {
            block.scopes.sort_by_key(|scope| first(&scope.records));
        }
        self.blocks.sort_by_key(|block| {
            let scope = block.scopes.first().map(|scope| first(&scope.records));
            (format!("{:?}", block.resource), block.url.clone(), scope)
        });
    }
}

fn first<R: Message>(records: &[R]) -> Vec<u8> {
    records
        .first()
        .map_or_else(Vec::new, Message::encode_to_vec)
}
