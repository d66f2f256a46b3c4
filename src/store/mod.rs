//! Where runs are kept.

pub mod record;
