//! `pharos print-config`: the configuration with all defaults filled in.

use super::Failure;
use crate::command_line::{self, Format, Mode, PrintConfig};

pub(super) fn run(arguments: &PrintConfig) -> Result<(), Failure> {
    let configuration = match super::load_aloud(&arguments.config) {
        Ok(configuration) => configuration,
        Err(failure) if arguments.validate => return Err(failure),
        Err(failure) => {
            command_line::warn(&failure);
            return Ok(());
        }
    };
    let listing = match arguments.mode {
        Mode::Redacted => configuration.printed(),
        Mode::Unredacted => settings::unredacted(|| configuration.printed()),
    }
    .map_err(Failure::new)?;
    let text = match arguments.format {
        Format::Yaml => settings::to_yaml(&listing),
        Format::Json => settings::to_json(&listing),
    };
    command_line::print(&text.map_err(Failure::new)?);
    Ok(())
}
