//! Semantic analysis: resolves names and verifies types and argument counts. All errors are reported together.
//!
//! A number or condition is either a constant (known once the parameters are) or a series (one value per bar). In arithmetic
//! and comparisons a constant stands for a series of equal values. Functions that look back require a series, and lengths
//! require a whole constant.

mod argument;
mod checked;
mod checker;
mod indicator_call;
mod scope;
mod value_type;

pub use checked::CheckedExpression;
pub(super) use checked::CheckedNode;
pub use checker::check;
pub use indicator_call::usage;
pub use scope::{ParameterDeclaration, Scope};
pub use value_type::ValueType;
