//! The kinds of processors that a pipeline is made of.

use crate::batch::Size;
use crate::host::Host;
use crate::outcome::Refused;
use crate::tail::settings::BatchSettings;
use crate::transform::Transform;

/// A processor, as the graph builds it into a pipeline.
pub enum Processor {
    /// Changes records. Neighbours are fused into one walk.
    Transform(Box<dyn Transform>),
    /// Decides at the door whether a batch may enter.
    Gate(Box<dyn Gate>),
    /// Joins batches. The graph moves it into the tails behind it.
    Batch(BatchSettings),
}

/// Decides whether a batch may enter, without looking into it.
pub trait Gate: Send + Sync {
    /// Lets a batch of this size in or refuses it. Never waits.
    ///
    /// # Errors
    /// When the batch must stay outside, usually for a while.
    fn pass(&self, size: &Size) -> Result<(), Refused>;

    /// Called once before the first batch, with the surroundings of the pipeline.
    fn open(&self, _host: &Host) {}

    /// A batch that was let in is on its way now.
    fn passed(&self, _size: &Size) {}
}
