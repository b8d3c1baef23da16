//! `pharos validate`: silent and 0 when a configuration is good.

use super::Failure;
use crate::command_line::ConfigArguments;

pub(super) fn run(arguments: &ConfigArguments) -> Result<(), Failure> {
    let (configuration, _warnings) = super::load(arguments);
    configuration.map(drop)
}
