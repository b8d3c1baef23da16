//! Broken, cut and missing files: everything else survives, damage is counted.
