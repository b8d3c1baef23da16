//! The sub-commands.

mod components;
mod print_config;
#[cfg(feature = "query")]
mod query;
mod queue;
mod replay;
mod validate;

use std::fmt;

use settings::{Environment, Problems, ProcessEnvironment};

use crate::command_line::{self, Command, CommandLine, ConfigArguments};
use crate::configuration::Configuration;
use crate::{life_cycle, registry};

/// Why a command failed, ready to be printed behind `Error: `.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    pub(crate) fn new(why: impl fmt::Display) -> Failure {
        Failure(why.to_string())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Runs what the command line asks for.
pub(crate) fn run(line: CommandLine) -> Result<(), Failure> {
    match line.command {
        None => life_cycle::run(line.config, line.watch),
        Some(Command::Validate(config)) => validate::run(&config),
        Some(Command::Components) => components::run(),
        Some(Command::PrintConfig(arguments)) => print_config::run(&arguments),
        Some(Command::Featuregate { id }) => featuregate(id.as_deref()),
        Some(Command::Queue(arguments)) => queue::run(&arguments),
        #[cfg(feature = "query")]
        Some(Command::Query(arguments)) => query::run(&arguments),
        Some(Command::Replay(arguments)) => replay::run(&arguments),
    }
}

fn featuregate(id: Option<&str>) -> Result<(), Failure> {
    match id {
        Some(id) => Err(Failure::new(format!(
            "feature gate \"{id}\" not found: this build has none"
        ))),
        None => Ok(()),
    }
}

/// Loads the configuration that the command line names. Warnings come beside it.
fn load(arguments: &ConfigArguments) -> (Result<Configuration, Failure>, Problems) {
    load_from(arguments, &ProcessEnvironment)
}

/// The same, with files and variables of this environment.
pub(crate) fn load_from(
    arguments: &ConfigArguments,
    environment: &dyn Environment,
) -> (Result<Configuration, Failure>, Problems) {
    let mut problems = Problems::new();
    let registry = registry::registry();
    let configuration = Configuration::load(
        &arguments.sources(),
        arguments.overrides(),
        environment,
        &registry,
        &mut problems,
    );
    (
        configuration.ok_or_else(|| Failure::new(&problems)),
        problems,
    )
}

/// Loads a configuration for a sub-command that prints warnings on stderr.
fn load_aloud(arguments: &ConfigArguments) -> Result<Configuration, Failure> {
    let (configuration, problems) = load(arguments);
    for warning in problems.warnings() {
        command_line::warn(warning);
    }
    configuration
}
