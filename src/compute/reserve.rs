//! Fallible allocation, for sizes that a caller or a file decides. A failure is an error and does not end the process.

use crate::error::{Code, Error, Result};

/// Creates an empty vector with capacity for `count` items.
///
/// # Errors
/// `LIMIT_EXCEEDED` if the memory cannot be allocated.
pub fn with_capacity<T>(count: usize, what: &str) -> Result<Vec<T>> {
    let mut items = Vec::new();
    items.try_reserve_exact(count).map_err(|_| refused::<T>(count, what))?;
    Ok(items)
}

/// Reserves capacity for `more` additional items.
///
/// # Errors
/// `LIMIT_EXCEEDED` if the memory cannot be allocated.
pub fn additional<T>(items: &mut Vec<T>, more: usize, what: &str) -> Result<()> {
    let wanted = items.len().saturating_add(more);
    items.try_reserve(more).map_err(|_| refused::<T>(wanted, what))
}

/// Removes all items and makes room for `count` others.
///
/// # Errors
/// `LIMIT_EXCEEDED` if the memory cannot be allocated.
pub fn cleared<T>(items: &mut Vec<T>, count: usize, what: &str) -> Result<()> {
    items.clear();
    additional(items, count, what)
}

/// Appends an item.
///
/// # Errors
/// `LIMIT_EXCEEDED` if the memory cannot be allocated.
#[inline]
pub fn push<T>(items: &mut Vec<T>, item: T, what: &str) -> Result<()> {
    if items.len() == items.capacity() {
        additional(items, 1, what)?;
    }
    items.push(item);
    Ok(())
}

/// Creates a vector of zeros.
///
/// # Errors
/// `LIMIT_EXCEEDED` if the memory cannot be allocated.
pub fn zeros(count: usize, what: &str) -> Result<Vec<u8>> {
    let mut bytes = with_capacity(count, what)?;
    bytes.resize(count, 0);
    Ok(bytes)
}

/// Returns the error of a failed allocation. `what` names the items: `rows`, `bytes of a page`.
pub fn refused<T>(count: usize, what: &str) -> Error {
    #[expect(clippy::cast_precision_loss, reason = "shown to people")]
    let megabytes = count as f64 * size_of::<T>() as f64 / 1e6;
    Error::new(
        Code::LimitExceeded,
        format!("not enough memory for {count} {what} ({megabytes:.1} MB)"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_allocation_is_an_error() {
        let error = with_capacity::<f64>(usize::MAX / 16, "rows").unwrap_err();
        assert_eq!(error.code, Code::LimitExceeded);
        assert!(error.message.starts_with("not enough memory for"), "{}", error.message);
        let mut items = vec![1_u8];
        assert_eq!(
            additional(&mut items, isize::MAX as usize, "bytes").unwrap_err().code,
            Code::LimitExceeded
        );
        push(&mut items, 2, "bytes").unwrap();
        assert_eq!(items, [1, 2]);
        assert_eq!(zeros(3, "bytes").unwrap(), [0, 0, 0]);
    }
}
