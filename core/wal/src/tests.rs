//! Tests that see the inside: they drive the engine without its thread, so that
//! a seed replays.

mod damage;
mod house;
mod model;
mod rules;
