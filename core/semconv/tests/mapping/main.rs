//! The mapping, both ways, over whole payloads: the worked cases of
//! `data/cases.jsonl`, cases of our own for what they leave out, and properties.

mod back;
mod cases;
mod event;
mod json;
mod normal;
mod own;
mod own_from_9;
mod properties;
mod taken;
