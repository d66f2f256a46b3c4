//! The kernels: loops that take columns or constants and return a column or bits. None reads a later bar.

pub mod compare;
pub mod crossing;
pub mod elementwise;
pub mod higher_timeframe;
pub mod history;
pub mod operand;
pub mod scalar;
pub mod time_field;
