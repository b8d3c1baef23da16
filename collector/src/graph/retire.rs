//! Ends components without losing what they hold.

use std::sync::{Arc, Weak};
use std::time::Duration;

use futures::future::join_all;
use pipeline::Consumer;
use pipeline::tail::TailReport;
use settings::ComponentId;
use tokio::time::Instant;

use super::nodes::{Branch, ExtensionNode, QueueOnDisk, ReceiverNode, TailOnDisk};
use super::{BranchId, Graph, QueueId};

/// How often is looked whether a branch is still in somebody's hands.
const LOOK: Duration = Duration::from_millis(20);

/// How long an attempt under way may take while the senders of a pipeline wait
/// for the successor of its exporter.
const HANDOVER: Duration = Duration::from_secs(5);

/// Components that are no longer wanted.
pub(crate) struct Retired {
    extensions: Vec<(ComponentId, ExtensionNode)>,
    branches: Vec<(BranchId, Branch)>,
    queues: Vec<(QueueId, QueueOnDisk)>,
    receivers: Vec<(ComponentId, ReceiverNode)>,
}

impl From<Graph> for Retired {
    fn from(graph: Graph) -> Retired {
        Retired {
            extensions: graph.extensions,
            branches: graph.branches.into_iter().collect(),
            queues: graph.queues.into_iter().collect(),
            receivers: graph.receivers.into_iter().collect(),
        }
    }
}

impl Retired {
    /// Whether there is nothing to stop.
    pub(crate) fn is_empty(&self) -> bool {
        self.extensions.is_empty()
            && self.branches.is_empty()
            && self.queues.is_empty()
            && self.receivers.is_empty()
    }

    /// Makes way for successors: their health counts, and their addresses are free.
    pub(super) fn leave(&self) {
        let extensions = self.extensions.iter().map(|(_, node)| &node.host);
        let branches = self.branches.iter().map(|(_, node)| &node.host);
        let tails = self
            .queues
            .iter()
            .flat_map(|(_, queue)| queue.tails.values());
        let receivers = self.receivers.iter().map(|(_, node)| &node.host);
        extensions
            .chain(branches)
            .chain(tails.map(|node| &node.host))
            .chain(receivers)
            .for_each(pipeline::Host::leave);
    }

    /// Stops exporters whose queue is on disk: what they have not delivered stays
    /// there, and a successor may read it from then on.
    pub(crate) async fn hand_back(&mut self) {
        if self.queues.is_empty() {
            return;
        }
        for (_, node) in &self.receivers {
            node.running.stop.cancel();
        }
        let queues = std::mem::take(&mut self.queues);
        let leaving = queues.into_iter().map(async |(_, queue)| {
            let QueueOnDisk { branch, tails, .. } = queue;
            // Batches that were admitted before are still on their way here.
            let _ = tokio::time::timeout(HANDOVER, async {
                while Arc::strong_count(&branch) > 1 {
                    tokio::time::sleep(LOOK).await;
                }
            })
            .await;
            branch.pause().await;
            hand_back(tails.into_values()).await;
            branch.resume([]);
        });
        join_all(leaving).await;
    }

    /// Stops receivers, lets exporters deliver what they hold, stops extensions;
    /// all of it within `time`.
    pub(crate) async fn stop(self, time: Duration) {
        let deadline = Instant::now() + time;
        // Half of the time is for the clients, the rest for what they sent.
        let half = deadline - time / 2;
        stop_receivers(self.receivers, half).await;
        let in_memory = self
            .branches
            .into_iter()
            .map(|(_, branch)| stop_branch(branch, half, deadline));
        let tails = self.queues.into_iter().flat_map(|(_, queue)| queue.tails);
        let on_disk = tails.map(|(_, node)| node.tail.stop(deadline));
        let (in_memory, on_disk) = tokio::join!(join_all(in_memory), join_all(on_disk));
        in_memory.iter().chain(&on_disk).for_each(tell);
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

/// Stops tails for their successors on the same queues.
pub(super) async fn hand_back(tails: impl IntoIterator<Item = TailOnDisk>) {
    let deadline = Instant::now() + HANDOVER;
    let tails: Vec<TailOnDisk> = tails.into_iter().collect();
    tails.iter().for_each(|node| node.host.leave());
    let stopping = tails.into_iter().map(|node| node.tail.hand_back(deadline));
    join_all(stopping).await.iter().for_each(tell);
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
        found = report.found,
        accepted = report.accepted,
        sent = report.sent,
        dropped,
        dead_letters = report.dead_letters,
        stored = report.stored,
        again = report.again,
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
