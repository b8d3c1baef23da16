//! `pharos`: an OpenTelemetry collector distribution in one binary.

mod command_line;
mod commands;
mod composition;
mod configuration;
mod extensions;
mod graph;
mod life_cycle;
mod memory;
mod registry;
mod reload;
mod telemetry;
mod upstream;

use std::process::ExitCode;

use clap::Parser;
use pipeline::Signal;
use settings::PipelineId;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Two crypto providers are linked (object_store brings ring); the process
    // must say which one rules before anything asks.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let line = match command_line::CommandLine::try_parse() {
        Ok(line) => line,
        Err(error) => return command_line::answer(&error),
    };
    match commands::run(line) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            command_line::complain(&error);
            ExitCode::FAILURE
        }
    }
}

/// The signal of a pipeline, in the terms of the data.
fn signal_of(pipeline: &PipelineId) -> Signal {
    match pipeline.signal() {
        settings::Signal::Logs => Signal::Logs,
        settings::Signal::Traces => Signal::Traces,
        settings::Signal::Metrics => Signal::Metrics,
    }
}
