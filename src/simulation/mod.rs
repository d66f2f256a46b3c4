//! Signals to orders: the one simulation of the crate.

pub mod options;
pub mod orders;

pub use options::Options;
pub use orders::Orders;
