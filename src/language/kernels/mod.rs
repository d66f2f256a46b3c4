//! The loops: each takes columns or constants and gives a column or bits. None looks at a later bar.

pub mod clock;
pub mod coarse;
pub mod compare;
pub mod cross;
pub mod elementwise;
pub mod history;
pub mod scalar;

/// A number a bar, or the same number on every bar.
#[derive(Debug, Clone, Copy)]
pub enum Operand<'a> {
    /// A number a bar.
    Column(&'a [f64]),
    /// The same number on every bar.
    Constant(f64),
}
