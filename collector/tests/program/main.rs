//! Drives the real program: its command line, what it says about
//! configurations, how it starts, runs and stops.

mod commands;
mod expansion;
mod kit;
mod mistakes;
mod on_disk;
mod own_telemetry;
mod queue;
mod reload;
mod running;
