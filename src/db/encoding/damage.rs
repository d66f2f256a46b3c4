//! Stored data that cannot be right.

/// What is wrong with data that was read.
#[derive(Debug)]
pub struct Damage(pub String);

/// Creates a [`Damage`].
pub fn damaged(what: impl Into<String>) -> Damage {
    Damage(what.into())
}
