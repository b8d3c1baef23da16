//! Changes the attributes of resources.

mod config;

use otlp::Signal;
use otlp::edit::{Edit, Facts, ResourceDraft, Touches, Verdict};
use pipeline::registry::{self, Factory, ProcessorConfig, Stability};

use crate::attributes::actions::Actions;
pub use config::Config;

/// The factory of `resource`.
pub fn factory() -> Factory<dyn ProcessorConfig> {
    let signals = &[Signal::Logs, Signal::Traces, Signal::Metrics];
    registry::processor::<Config>("resource", &[], signals, Stability::Beta)
}

struct Resource {
    actions: Actions,
}

impl Edit for Resource {
    fn touches(&self) -> Touches {
        Touches {
            resource: true,
            ignores_facts: true,
            ..Touches::default()
        }
    }

    fn resource(&self, _: &Facts<'_>, resource: &mut ResourceDraft<'_, '_>) -> Verdict {
        self.actions.apply(&mut resource.attributes());
        Verdict::Keep
    }
}
