//! Tests that see the inside: they drive the engine without its thread, so that
//! a seed replays.

mod aside;
mod damage;
mod house;
mod inspect;
mod model;
mod rules;
