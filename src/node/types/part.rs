//! Parts of results that a request can leave out.

use serde::{Serialize, Serializer};

/// A part of a result; absent if it was not asked for.
#[derive(Debug, Default)]
pub struct Part<T>(Option<T>);

impl<T> Part<T> {
    /// Wraps a part.
    pub(super) fn new(is_wanted: bool, value: T) -> Self {
        Self(is_wanted.then_some(value))
    }

    /// Returns whether the part was not asked for. The field must not be serialized then.
    pub(super) fn is_absent(&self) -> bool {
        self.0.is_none()
    }

    /// Returns the part to change.
    pub(super) fn get_mut(&mut self) -> Option<&mut T> {
        self.0.as_mut()
    }

    /// Returns the part.
    pub(super) fn get(&self) -> Option<&T> {
        self.0.as_ref()
    }
}

impl<T: Default> Part<T> {
    /// Moves the part out; the default if it is absent.
    pub(super) fn take(&mut self) -> T {
        self.0.as_mut().map(std::mem::take).unwrap_or_default()
    }
}

impl<T: Serialize> Serialize for Part<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}
