//! What holds for any event.
