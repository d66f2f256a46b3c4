//! A thread that owns a connection. Jobs arrive through a channel, results return through another.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::{oneshot, watch};

use crate::db::errors;
use crate::error::{Error, Result};

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// How long a job waits for the lock of another process, milliseconds.
///
/// The time counts from the submission of the job, not from its start: if a lock is never released, queued jobs then fail
/// together instead of one after the other.
const BUSY_TIMEOUT: u64 = 10_000;

/// The shortest wait of a job that starts late.
const MIN_BUSY_TIMEOUT: Duration = Duration::from_millis(50);

/// A thread with its own connection.
#[derive(Debug)]
pub struct Worker {
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
    /// How long a job waits for the lock of another process, milliseconds.
    busy_timeout: AtomicU64,
    /// Closed once the thread has closed its connection.
    stopped: watch::Receiver<()>,
}

impl Worker {
    /// Starts a thread. The thread opens the connection, because opening blocks.
    ///
    /// # Errors
    /// Those of `open`; `STORAGE` if no thread can be started.
    pub async fn start<T: Send + 'static>(
        name: &str,
        open: impl FnOnce() -> Result<(Connection, T)> + Send + 'static,
    ) -> Result<(Self, T)> {
        let (jobs, queue) = mpsc::channel::<Job>();
        let (opened, result) = oneshot::channel();
        let (running, stopped) = watch::channel(());
        let work = move || {
            let _running = running;
            let outcome = catch_unwind(AssertUnwindSafe(open)).unwrap_or_else(|_| Err(panicked()));
            let (mut connection, value) = match outcome {
                Ok(opened) => opened,
                Err(error) => return drop(opened.send(Err(error))),
            };
            if opened.send(Ok(value)).is_err() {
                return;
            }
            for job in queue {
                // A panic drops the sender of the result and rolls the transaction back.
                let _ = catch_unwind(AssertUnwindSafe(|| job(&mut connection)));
            }
        };
        thread::Builder::new().name(name.to_owned()).spawn(work).map_err(|error| {
            Error::storage(format!("cannot start a thread for the store: {error}"))
        })?;
        let value = result.await.map_err(|_| panicked())??;
        let jobs = Mutex::new(Some(jobs));
        Ok((Self { jobs, busy_timeout: AtomicU64::new(BUSY_TIMEOUT), stopped }, value))
    }

    /// Runs a job on the thread, after those that were submitted before.
    ///
    /// # Errors
    /// Those of the job; `CLOSED` after [`Self::close`].
    pub async fn call<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (sender, result) = oneshot::channel();
        #[expect(clippy::disallowed_methods, reason = "the wait for another process is limited")]
        let submitted = Instant::now();
        let timeout = Duration::from_millis(self.busy_timeout.load(Ordering::Relaxed));
        // The job runs even if the caller no longer waits for its result.
        let job: Job = Box::new(move |connection| {
            let remaining = timeout.saturating_sub(submitted.elapsed()).max(MIN_BUSY_TIMEOUT);
            // If this fails, so does the job, with a better error.
            let _ = connection.busy_timeout(remaining);
            drop(sender.send(job(connection)));
        });
        let is_queued = {
            let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
            jobs.as_ref().is_some_and(|jobs| jobs.send(job).is_ok())
        };
        if !is_queued {
            return Err(errors::closed());
        }
        result.await.unwrap_or_else(|_| Err(panicked()))
    }

    /// Changes how long jobs wait for the lock of another process.
    #[cfg(test)]
    pub fn set_busy_timeout(&self, milliseconds: u64) {
        self.busy_timeout.store(milliseconds, Ordering::Relaxed);
    }

    /// Waits until the thread has finished the queued jobs and closed its connection.
    pub async fn close(&self) {
        drop(self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take());
        // Nothing is ever sent; the channel only closes.
        while self.stopped.clone().changed().await.is_ok() {}
    }
}

fn panicked() -> Error {
    Error::internal("a job of the store panicked")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    #[tokio::test]
    async fn a_panic_fails_only_its_job_and_rolls_it_back() {
        let open = || Ok((Connection::open_in_memory().unwrap(), ()));
        let (worker, ()) = Worker::start("test", open).await.unwrap();
        worker
            .call(|connection| Ok(connection.execute("CREATE TABLE t (n)", []).unwrap()))
            .await
            .unwrap();
        let job = |connection: &mut Connection| -> Result<()> {
            let transaction = connection.transaction().unwrap();
            transaction.execute("INSERT INTO t VALUES (1)", []).unwrap();
            panic!("on purpose")
        };
        assert_eq!(worker.call(job).await.unwrap_err().code, Code::Internal);
        let count = |connection: &mut Connection| {
            Ok(connection
                .query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0))
                .unwrap())
        };
        assert_eq!(worker.call(count).await.unwrap(), 0);
        worker.close().await;
        worker.close().await;
        assert_eq!(worker.call(count).await.unwrap_err().code, Code::Closed);
    }
}
