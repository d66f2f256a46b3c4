//! The future type of the crate's object-safe asynchronous traits.

use std::future::Future;
use std::pin::Pin;

use crate::error::Result;

/// What asynchronous trait methods return: a boxed future of a [`Result`]. It runs on any executor.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;
