//! Rules that the case file leaves out.
