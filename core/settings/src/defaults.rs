//! The defaults of a type as a tree, to fill in what a user left out of a
//! nested block. serde alone would fill in the defaults of the block's own
//! type: `sending_queue: {queue_size: 5}` would lose what the exporter's
//! `Default` says about the rest of its queue.

mod record;

use crate::node::Node;
use crate::secret::unredacted;
use record::Recorder;
use serde::Serialize;

/// A value and, when it is a struct, its fields.
#[derive(Clone, Debug)]
pub(crate) struct Defaults {
    /// The value as a tree.
    pub(crate) node: Node,
    /// Fields by name; nothing for anything but a struct.
    pub(crate) fields: Option<Vec<(String, Defaults)>>,
}

impl Defaults {
    /// The tree of a value; `None` when it cannot be written as one.
    pub(crate) fn of(value: &impl Serialize) -> Option<Self> {
        unredacted(|| value.serialize(Recorder).ok())
    }

    /// A field of a struct.
    pub(crate) fn field(&self, name: &str) -> Option<&Self> {
        let fields = self.fields.as_ref()?;
        let found = fields.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value)
    }

    fn leaf(node: Node) -> Self {
        Self { node, fields: None }
    }
}
