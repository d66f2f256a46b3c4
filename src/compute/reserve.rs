//! Memory whose size a caller or a file decides: an allocation that fails is an error, not the end of the process.

use crate::error::{Code, Error, Result};

/// Returns an empty vector with room for `count` items.
///
/// # Errors
/// `LIMIT_EXCEEDED` if the memory cannot be had.
pub fn with_room<T>(count: usize, what: &str) -> Result<Vec<T>> {
    let mut items = Vec::new();
    items.try_reserve_exact(count).map_err(|_| refused::<T>(count, what))?;
    Ok(items)
}

/// Makes room for `more` items behind those that are there.
///
/// # Errors
/// `LIMIT_EXCEEDED` if the memory cannot be had.
pub fn make_room<T>(items: &mut Vec<T>, more: usize, what: &str) -> Result<()> {
    let wanted = items.len().saturating_add(more);
    items.try_reserve(more).map_err(|_| refused::<T>(wanted, what))
}

/// Appends an item.
///
/// # Errors
/// `LIMIT_EXCEEDED` if the memory cannot be had.
#[inline]
pub fn push<T>(items: &mut Vec<T>, item: T, what: &str) -> Result<()> {
    if items.len() == items.capacity() {
        make_room(items, 1, what)?;
    }
    items.push(item);
    Ok(())
}

/// Returns zeros.
///
/// # Errors
/// `LIMIT_EXCEEDED` if the memory cannot be had.
pub fn zeros(count: usize, what: &str) -> Result<Vec<u8>> {
    let mut bytes = with_room(count, what)?;
    bytes.resize(count, 0);
    Ok(bytes)
}

/// Returns the error of an allocation that failed; `what` names the items: `rows`, `bytes of a page`.
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
    fn memory_that_cannot_be_had_is_an_error() {
        let error = with_room::<f64>(usize::MAX / 16, "rows").unwrap_err();
        assert_eq!(error.code, Code::LimitExceeded);
        assert!(error.message.starts_with("not enough memory for"), "{}", error.message);
        let mut items = vec![1_u8];
        assert_eq!(
            make_room(&mut items, isize::MAX as usize, "bytes").unwrap_err().code,
            Code::LimitExceeded
        );
        push(&mut items, 2, "bytes").unwrap();
        assert_eq!(items, [1, 2]);
        assert_eq!(zeros(3, "bytes").unwrap(), [0, 0, 0]);
    }
}
