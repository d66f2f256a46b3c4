//! The operands of kernels.

/// One number per bar, or the same number on every bar.
#[derive(Debug, Clone, Copy)]
pub enum Operand<'a> {
    /// One number per bar.
    Column(&'a [f64]),
    /// The same number on every bar.
    Constant(f64),
}
