//! Reads rows in chunks, with backpressure and cancellation.
//!
//! Rows come in binary through a portal. `COPY … TO STDOUT` takes no parameters, so symbols would have to be spliced into its
//! text, and it is not faster (see docs/postgresql.md).

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::Object;
use futures_util::TryStreamExt;
use tokio::sync::oneshot;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Row, RowStream};

use crate::data::import::check_cancelled;
use crate::db::postgres::{Canceller, Failure, Pool, SqlParameter};
use crate::error::{Error, Result};
use crate::observer::ProgressObserver;

/// How long a cancelled statement may take to end.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(10);

/// Runs work with a reader. The reader stops when the caller drops the future.
pub(super) async fn run_with_reader<T, W>(
    pool: &Arc<Pool>,
    chunk_rows: u32,
    observer: Arc<dyn ProgressObserver + Send + Sync>,
    work: impl FnOnce(Arc<Pool>, RowReader) -> W + Send + 'static,
) -> Result<T>
where
    T: Send + 'static,
    W: Future<Output = Result<T>> + Send + 'static,
{
    let chunk_rows = i32::try_from(chunk_rows).unwrap_or(i32::MAX).max(1);
    run_cancellable(pool, move |pool, cancellation| {
        work(pool, RowReader { chunk_rows, observer, cancellation })
    })
    .await
}

/// Runs work that notices when the caller drops the future.
pub(super) async fn run_cancellable<T, W>(
    pool: &Arc<Pool>,
    work: impl FnOnce(Arc<Pool>, DropCancellation) -> W + Send + 'static,
) -> Result<T>
where
    T: Send + 'static,
    W: Future<Output = Result<T>> + Send + 'static,
{
    let (caller, dropped) = oneshot::channel();
    let result =
        pool.run(move |pool| work(pool, DropCancellation { dropped, has_cancelled: false })).await;
    drop(caller);
    result
}

/// Cancels statements when the caller drops its future.
pub(super) struct DropCancellation {
    /// Closes when the caller drops its future; nothing is ever sent.
    dropped: oneshot::Receiver<Infallible>,
    /// Whether a statement was cancelled.
    has_cancelled: bool,
}

impl DropCancellation {
    /// Returns a connection to the pool, or closes it if a statement on it was cancelled.
    pub fn release(&self, connection: Object) {
        if self.has_cancelled {
            Pool::discard(connection);
        }
    }

    /// Awaits a statement. If the caller drops its future, the server cancels the statement.
    pub async fn guard<T>(
        &mut self,
        pool: &Pool,
        canceller: &Canceller,
        statement: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let mut statement = pin!(statement);
        tokio::select! {
            result = &mut statement => result,
            _ = &mut self.dropped => {
                self.has_cancelled = true;
                pool.cancel(canceller).await;
                let _ = tokio::time::timeout(CANCEL_TIMEOUT, statement).await;
                Err(Error::cancelled().into())
            }
        }
    }
}

/// Reads rows until the observer or the caller cancels.
pub(super) struct RowReader {
    chunk_rows: i32,
    observer: Arc<dyn ProgressObserver + Send + Sync>,
    /// Cancels statements of the reader.
    pub cancellation: DropCancellation,
}

/// Receives each row.
pub(super) type OnRow<'a> = &'a mut (dyn FnMut(&Row) -> Result<(), Failure> + Send);

impl RowReader {
    /// Reads all rows of a query, from one snapshot.
    pub async fn read(
        &mut self,
        pool: &Pool,
        sql: &str,
        parameters: &[SqlParameter<'_>],
        on_row: OnRow<'_>,
    ) -> Result<(), Failure> {
        let mut connection = pool.get().await?;
        let result = self.read_on(&mut connection, pool, sql, parameters, on_row).await;
        self.cancellation.release(connection);
        result
    }

    async fn read_on(
        &mut self,
        connection: &mut Object,
        pool: &Pool,
        sql: &str,
        parameters: &[SqlParameter<'_>],
        on_row: OnRow<'_>,
    ) -> Result<(), Failure> {
        let transaction = pool.begin(connection).await?;
        let canceller = pool.canceller(transaction.client()).await?;
        let types: Vec<Type> = parameters.iter().map(|(_, sql_type)| sql_type.clone()).collect();
        let values: Vec<&(dyn ToSql + Sync)> = parameters.iter().map(|(value, _)| *value).collect();
        let statement = transaction.prepare_typed(sql, &types).await?;
        let portal = transaction.bind(&statement, &values).await?;
        // The server prepares one chunk, and no more, while another is read.
        let mut next = transaction.query_portal_raw(&portal, self.chunk_rows).await?;
        loop {
            let after = transaction.query_portal_raw(&portal, self.chunk_rows).await?;
            let chunk = std::mem::replace(&mut next, after);
            if !self.read_chunk(pool, &canceller, chunk, on_row).await? {
                break;
            }
        }
        drop(next);
        // Before the transaction ends, since a pooler may then give the session to another client.
        drop((portal, statement));
        transaction.commit().await?;
        Ok(())
    }

    /// Reads one chunk. Returns whether there may be more.
    async fn read_chunk(
        &mut self,
        pool: &Pool,
        canceller: &Canceller,
        rows: RowStream,
        on_row: OnRow<'_>,
    ) -> Result<bool, Failure> {
        check_cancelled(&*self.observer)?;
        let chunk_rows = self.chunk_rows;
        let read = async {
            let mut rows = pin!(rows);
            let mut count = 0;
            while let Some(row) = rows.try_next().await? {
                on_row(&row)?;
                count += 1;
            }
            Ok(count == chunk_rows)
        };
        self.cancellation.guard(pool, canceller, read).await
    }
}
