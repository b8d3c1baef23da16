//! The components of a build: what there is, how its settings are read, how it
//! is made.

use std::fmt::Debug;

use otlp::Signal;
use serde::Serialize;
use serde::de::DeserializeOwned;
use settings::{ComponentId, Node, Problems, Validate};

use crate::extension::Extension;
use crate::processor::Processor;
use crate::receiver::{Outputs, Receiver, StartError};
use crate::tail::Driver;
use crate::tail::settings::TailSettings;

/// The kinds of components, named as the sections of a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `receivers`
    Receiver,
    /// `processors`
    Processor,
    /// `exporters`
    Exporter,
    /// `connectors`
    Connector,
    /// `extensions`
    Extension,
}

impl Kind {
    /// All kinds, in the order of a configuration.
    pub const ALL: [Kind; 5] = [
        Kind::Receiver,
        Kind::Processor,
        Kind::Exporter,
        Kind::Connector,
        Kind::Extension,
    ];

    /// The section of a configuration that holds this kind.
    pub fn section(self) -> &'static str {
        match self {
            Kind::Receiver => "receivers",
            Kind::Processor => "processors",
            Kind::Exporter => "exporters",
            Kind::Connector => "connectors",
            Kind::Extension => "extensions",
        }
    }

    /// `receiver`, `processor`, ... as in log fields.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Receiver => "receiver",
            Kind::Processor => "processor",
            Kind::Exporter => "exporter",
            Kind::Connector => "connector",
            Kind::Extension => "extension",
        }
    }
}

/// How much a component may be relied upon, in upstream's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stability {
    /// Settings may change.
    Alpha,
    /// Settings are settled.
    Beta,
    /// Settled and long in use.
    Stable,
}

impl Stability {
    /// As `pharos components` prints it.
    pub fn name(self) -> &'static str {
        match self {
            Stability::Alpha => "alpha",
            Stability::Beta => "beta",
            Stability::Stable => "stable",
        }
    }
}

/// Settings of a receiver, and how to make it from them.
pub trait ReceiverConfig: Settings {
    /// Makes the receiver.
    ///
    /// # Errors
    /// When the settings turn out to be unusable.
    fn build(&self, id: &ComponentId, outputs: Outputs) -> Result<Box<dyn Receiver>, StartError>;
}

/// Settings of a processor, and how to make it from them.
pub trait ProcessorConfig: Settings {
    /// Makes the processor for one pipeline.
    ///
    /// # Errors
    /// When the settings turn out to be unusable.
    fn build(&self, id: &ComponentId, signal: Signal) -> Result<Processor, StartError>;
}

/// Settings of an exporter, and how to make it from them.
pub trait ExporterConfig: Settings {
    /// Makes the exporter for one signal.
    ///
    /// # Errors
    /// When the settings turn out to be unusable.
    fn build(
        &self,
        id: &ComponentId,
        signal: Signal,
        host: &crate::Host,
    ) -> Result<Driver, StartError>;

    /// `sending_queue`, `retry_on_failure`, `timeout`.
    fn tail(&self) -> TailSettings;
}

/// Settings of an extension, and how to make it from them.
pub trait ExtensionConfig: Settings {
    /// Makes the extension.
    ///
    /// # Errors
    /// When the settings turn out to be unusable.
    fn build(&self, id: &ComponentId) -> Result<Box<dyn Extension>, StartError>;
}

/// What all settings can do. Implemented for every type that qualifies.
pub trait Settings: Debug + Send + Sync {
    /// The settings with all defaults filled in, in the order of their fields.
    /// Secrets are redacted unless inside [`settings::unredacted`].
    ///
    /// # Errors
    /// When a map has keys that are no text.
    fn tree(&self) -> Result<Node, settings::PrintError>;
}

impl<T: Debug + Send + Sync + Serialize> Settings for T {
    fn tree(&self) -> Result<Node, settings::PrintError> {
        settings::to_tree(self)
    }
}

/// A component of one kind that this build has.
pub struct Factory<C: ?Sized> {
    /// Type name, as in a component id.
    pub name: &'static str,
    /// Older names that still work, with a warning.
    pub aliases: &'static [&'static str],
    /// Signals it can handle. Empty for extensions.
    pub signals: &'static [Signal],
    /// How much it may be relied upon.
    pub stability: Stability,
    /// Reads and validates its settings.
    pub decode: fn(&Node, &str, &mut Problems) -> Option<Box<C>>,
}

macro_rules! factory_constructor {
    ($trait:ident, $name:ident) => {
        /// A factory that reads settings of type `T`.
        pub fn $name<T>(
            name: &'static str,
            aliases: &'static [&'static str],
            signals: &'static [Signal],
            stability: Stability,
        ) -> Factory<dyn $trait>
        where
            T: $trait + Serialize + DeserializeOwned + Validate + 'static,
        {
            Factory {
                name,
                aliases,
                signals,
                stability,
                decode: |node, path, problems| {
                    settings::decode_valid::<T>(node, path, problems)
                        .map(|settings| Box::new(settings) as Box<dyn $trait>)
                },
            }
        }
    };
}

factory_constructor!(ReceiverConfig, receiver);
factory_constructor!(ProcessorConfig, processor);
factory_constructor!(ExporterConfig, exporter);
factory_constructor!(ExtensionConfig, extension);

/// The components of a build.
#[derive(Default)]
pub struct Registry {
    /// Receivers.
    pub receivers: Vec<Factory<dyn ReceiverConfig>>,
    /// Processors.
    pub processors: Vec<Factory<dyn ProcessorConfig>>,
    /// Exporters.
    pub exporters: Vec<Factory<dyn ExporterConfig>>,
    /// Extensions.
    pub extensions: Vec<Factory<dyn ExtensionConfig>>,
}

impl Registry {
    /// A build without components.
    pub fn new() -> Registry {
        Registry::default()
    }

    /// Adds a receiver.
    #[must_use]
    pub fn receiver(mut self, factory: Factory<dyn ReceiverConfig>) -> Registry {
        self.receivers.push(factory);
        self
    }

    /// Adds a processor.
    #[must_use]
    pub fn processor(mut self, factory: Factory<dyn ProcessorConfig>) -> Registry {
        self.processors.push(factory);
        self
    }

    /// Adds an exporter.
    #[must_use]
    pub fn exporter(mut self, factory: Factory<dyn ExporterConfig>) -> Registry {
        self.exporters.push(factory);
        self
    }

    /// Adds an extension.
    #[must_use]
    pub fn extension(mut self, factory: Factory<dyn ExtensionConfig>) -> Registry {
        self.extensions.push(factory);
        self
    }
}

impl<C: ?Sized> Factory<C> {
    /// Whether `kind` is the name or an old name of this component.
    pub fn is_called(&self, kind: &str) -> bool {
        self.name == kind || self.aliases.contains(&kind)
    }
}
