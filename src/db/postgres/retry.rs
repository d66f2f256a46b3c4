//! Retries of work that failed for a transient reason.

use std::time::Duration;

use super::failure::Failure;
use super::pool::Pool;
use crate::error::Result;

/// The pauses between attempts, milliseconds: about ten seconds, enough for a server to restart.
const PAUSES: [u64; 7] = [50, 150, 400, 1000, 2000, 3000, 4000];

/// The attempts at one piece of work.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    failed: usize,
}

impl Attempts {
    /// Returns whether an earlier attempt failed. Its work may still have been committed.
    pub fn is_retry(&self) -> bool {
        self.failed > 0
    }

    /// Waits before the next attempt.
    ///
    /// # Errors
    /// The described failure if it is not transient or if this was the last attempt.
    pub async fn wait_after(&mut self, failure: Failure, pool: &Pool) -> Result<()> {
        if failure.is_missing_table() {
            pool.report_missing_table();
        }
        let Some(pause) = PAUSES.get(self.failed).filter(|_| failure.is_transient()) else {
            return Err(pool.describe(failure));
        };
        self.failed += 1;
        tracing::debug!(attempt = self.failed, error = %pool.describe(failure), "retrying");
        tokio::time::sleep(Duration::from_millis(*pause)).await;
        Ok(())
    }
}

/// Retries work until it succeeds or fails for good. `$is_retry` binds whether an earlier attempt failed.
///
/// A macro, because a function would need an asynchronous closure whose future is `Send`, which bounds cannot express yet.
macro_rules! retry {
    ($pool:expr, $is_retry:pat => $work:expr) => {{
        let mut attempts = $crate::db::postgres::Attempts::default();
        loop {
            let $is_retry = attempts.is_retry();
            match $work.await {
                Ok(value) => break Ok(value),
                Err(failure) => {
                    if let Err(error) = attempts.wait_after(failure, $pool).await {
                        break Err(error);
                    }
                }
            }
        }
    }};
}
pub(crate) use retry;
