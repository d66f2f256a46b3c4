//! The operands of kernels.

/// One number per bar, or the same number on every bar.
#[derive(Debug, Clone, Copy)]
pub enum Operand<'a> {
    /// One number per bar.
    Column(&'a [f64]),
    /// The same number on every bar.
    Constant(f64),
}

/// One number per bar, computed when it is read: center + factor × width.
#[derive(Debug, Clone, Copy)]
pub struct Band<'a> {
    /// The column that the factor does not change.
    pub center: &'a [f64],
    /// The column that it multiplies.
    pub width: &'a [f64],
    /// The factor, with its sign.
    pub factor: f64,
}
