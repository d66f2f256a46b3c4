//! A thread that owns a connection: jobs come by a channel, answers go back by another.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::{oneshot, watch};

use crate::error::{Error, Result};
use crate::store::errors;

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// How long a job waits for the lock of another process, milliseconds, from when it was handed in. Were it from when its turn comes, a
/// lock that is never let go of would keep the jobs behind the first waiting one after the other.
const BUSY: u64 = 10_000;

/// How long a job waits in any case, once its turn has come.
const LEAST_BUSY: Duration = Duration::from_millis(50);

/// A thread with a connection to the database.
#[derive(Debug)]
pub struct Worker {
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
    /// How long a job waits for the lock of another process, milliseconds.
    patience: AtomicU64,
    /// Closed when the thread has closed its connection.
    ended: watch::Receiver<()>,
}

impl Worker {
    /// Starts a thread, which opens the connection itself, for that blocks.
    ///
    /// # Errors
    /// Those of `open`; `STORAGE` where no thread can be started.
    pub async fn start<T: Send + 'static>(
        name: &str,
        open: impl FnOnce() -> Result<(Connection, T)> + Send + 'static,
    ) -> Result<(Self, T)> {
        let (jobs, inbox) = mpsc::channel::<Job>();
        let (opened, answer) = oneshot::channel();
        let (alive, ended) = watch::channel(());
        let work = move || {
            let _alive = alive;
            let result = catch_unwind(AssertUnwindSafe(open)).unwrap_or_else(|_| Err(gave_up()));
            let (mut connection, made) = match result {
                Ok(opened) => opened,
                Err(error) => return drop(opened.send(Err(error))),
            };
            if opened.send(Ok(made)).is_err() {
                return;
            }
            for job in inbox {
                // A job that panics has dropped its answer and, on the way, rolled its transaction back.
                let _ = catch_unwind(AssertUnwindSafe(|| job(&mut connection)));
            }
        };
        thread::Builder::new().name(name.to_owned()).spawn(work).map_err(|error| {
            Error::storage(format!("cannot start a thread for the store: {error}"))
        })?;
        let made = answer.await.map_err(|_| gave_up())??;
        let jobs = Mutex::new(Some(jobs));
        Ok((Self { jobs, patience: AtomicU64::new(BUSY), ended }, made))
    }

    /// Runs a job on the thread, after those that were handed in before.
    ///
    /// # Errors
    /// Those of the job; `CLOSED` after [`Self::close`].
    pub async fn call<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (tell, answer) = oneshot::channel();
        #[expect(clippy::disallowed_methods, reason = "waiting for another process has an end")]
        let start = Instant::now();
        let patience = Duration::from_millis(self.patience.load(Ordering::Relaxed));
        // Nobody may be listening any more; the job is done all the same.
        let job: Job = Box::new(move |connection| {
            let left = patience.saturating_sub(start.elapsed()).max(LEAST_BUSY);
            // It only fails for a connection in a state of which the job will tell.
            let _ = connection.busy_timeout(left);
            drop(tell.send(job(connection)));
        });
        let taken = {
            let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
            jobs.as_ref().is_some_and(|jobs| jobs.send(job).is_ok())
        };
        if !taken {
            return Err(errors::closed());
        }
        answer.await.unwrap_or_else(|_| Err(gave_up()))
    }

    /// Changes how long jobs wait for the lock of another process.
    #[cfg(test)]
    pub fn be_patient(&self, milliseconds: u64) {
        self.patience.store(milliseconds, Ordering::Relaxed);
    }

    /// Lets the thread end the jobs in hand and close its connection, and waits for that.
    pub async fn close(&self) {
        drop(self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take());
        // Nothing is ever sent: the channel only closes.
        while self.ended.clone().changed().await.is_ok() {}
    }
}

fn gave_up() -> Error {
    Error::internal("a job of the store panicked")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    #[tokio::test]
    async fn a_job_that_panics_fails_alone_and_is_rolled_back() {
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
