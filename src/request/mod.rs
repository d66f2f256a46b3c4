//! Reads untyped input and collects every problem: missing, unknown and mistyped fields are reported together.
//!
//! The conversions of a foreign-function layer do not validate: 1.7 becomes 1, and unknown keys vanish. Requests
//! therefore cross it as [`Input`] trees and are checked here, for JavaScript and JSON alike.

mod field_synonyms;
mod fields;
mod input;
mod issues;
mod range;

#[cfg(test)]
pub use field_synonyms::FIELDS as FIELD_SYNONYMS;
pub use fields::{Fields, NumberOrChoice};
pub use input::{Input, MixedArray, json_number};
pub use issues::Issues;
pub use range::Range;
