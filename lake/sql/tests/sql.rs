//! All tests of the crate, over real tables.
