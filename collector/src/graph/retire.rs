//! Ends components without losing what they hold.

use std::sync::{Arc, Weak};
use std::time::Duration;

use pipeline::Consumer;
use pipeline::tail::TailReport;
use settings::ComponentId;
use tokio::time::Instant;

use super::nodes::{Branch, ExtensionNode, ReceiverNode};
use super::{BranchId, Graph};

/// How often is looked whether a branch is still in somebody's hands.
const LOOK: Duration = Duration::from_millis(20);

/// Components that are no longer wanted.
pub(crate) struct Retired {
    extensions: Vec<(ComponentId, ExtensionNode)>,
    branches: Vec<(BranchId, Branch)>,
    receivers: Vec<(ComponentId, ReceiverNode)>,
}

impl From<Graph> for Retired {
    fn from(graph: Graph) -> Retired {
        Retired {
            extensions: graph.extensions,
            branches: graph.branches.into_iter().collect(),
            receivers: graph.receivers.into_iter().collect(),
        }
    }
}

impl Retired {
    /// Whether there is nothing to stop.
    pub(crate) fn is_empty(&self) -> bool {
        self.extensions.is_empty() && self.branches.is_empty() && self.receivers.is_empty()
    }

    /// Makes way for successors: their health counts, and their addresses are free.
    pub(super) fn leave(&self) {
        let extensions = self.extensions.iter().map(|(_, node)| &node.host);
        let branches = self.branches.iter().map(|(_, node)| &node.host);
        let receivers = self.receivers.iter().map(|(_, node)| &node.host);
        extensions
            .chain(branches)
            .chain(receivers)
            .for_each(pipeline::Host::leave);
    }

    /// Stops receivers, lets exporters deliver what they hold, stops extensions;
    /// all of it within `time`.
    pub(crate) async fn stop(self, time: Duration) {
        let deadline = Instant::now() + time;
        // Half of the time is for the clients, the rest for what they sent.
        let half = deadline - time / 2;
        stop_receivers(self.receivers, half).await;
        let stopping = self
            .branches
            .into_iter()
            .map(|(_, branch)| stop_branch(branch, half, deadline));
        for report in futures::future::join_all(stopping).await {
            tell(&report);
        }
        for (_, node) in self.extensions.into_iter().rev() {
            node.extension.stop().await;
        }
    }
}

async fn stop_receivers(receivers: Vec<(ComponentId, ReceiverNode)>, deadline: Instant) {
    for (_, node) in &receivers {
        node.running.stop.cancel();
    }
    for (id, node) in receivers {
        match tokio::time::timeout_at(deadline, node.running.done).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => {
                tracing::error!(otelcol.component.id = %id, error, "Receiver failed while stopping")
            }
            Ok(Err(panic)) => {
                tracing::error!(otelcol.component.id = %id, error = %panic, "Receiver failed while stopping")
            }
            Err(_) => {
                tracing::warn!(otelcol.component.id = %id, "Clients are still being answered; going on without them")
            }
        }
    }
}

/// A batch that was admitted before a reload is still on its way here: the
/// queue is closed when nobody can hand over to it any more, or by `patience`.
async fn stop_branch(branch: Branch, patience: Instant, deadline: Instant) -> TailReport {
    let consumer = Arc::downgrade(&branch.consumer);
    drop(branch.consumer);
    let _ = tokio::time::timeout_at(patience, let_go(consumer)).await;
    branch.tail.stop(deadline).await
}

async fn let_go(consumer: Weak<dyn Consumer>) {
    while consumer.strong_count() > 0 {
        tokio::time::sleep(LOOK).await;
    }
}

/// What an exporter did with all it got. Anything unaccounted is a defect.
fn tell(report: &TailReport) {
    let dropped: u64 = report.dropped.iter().map(|(_, items)| items).sum();
    tracing::info!(
        otelcol.component.id = report.exporter,
        otelcol.component.kind = "exporter",
        otelcol.signal = report.signal.name(),
        accepted = report.accepted,
        sent = report.sent,
        dropped,
        unaccounted = report.unaccounted(),
        "Exporter stopped"
    );
    for (reason, items) in &report.dropped {
        tracing::warn!(
            otelcol.component.id = report.exporter,
            otelcol.component.kind = "exporter",
            otelcol.signal = report.signal.name(),
            reason,
            dropped_items = items,
            "Data were given up since the start"
        );
    }
}
