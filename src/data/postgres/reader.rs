//! Rows in chunks: the server waits with the next chunk until this one is taken in, and stops when nobody wants more.
//!
//! Binary rows of a portal and not `COPY … TO STDOUT`: that takes no parameters, so that symbols would have to be spliced
//! into its text, and it is no faster (see docs/postgresql.md).

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt;
use tokio::sync::oneshot;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Row, RowStream};

use super::Loaded;
use crate::error::{Error, Result};
use crate::observer::ProgressObserver;
use crate::store::postgres::runs::Parameter;
use crate::store::postgres::{Canceller, Failure, Pool};

/// Does work with a reader, which stops when nobody waits for the answer any more.
pub(super) async fn read<W>(
    pool: &Arc<Pool>,
    chunk: u32,
    observer: Arc<dyn ProgressObserver + Send + Sync>,
    work: impl FnOnce(Arc<Pool>, Reader) -> W + Send + 'static,
) -> Result<Loaded>
where
    W: Future<Output = Result<Loaded>> + Send + 'static,
{
    let chunk = i32::try_from(chunk).unwrap_or(i32::MAX).max(1);
    ask(pool, move |pool, unheard| work(pool, Reader { chunk, observer, unheard })).await
}

/// Does work that is told when nobody waits for the answer any more.
pub(super) async fn ask<T, W>(
    pool: &Arc<Pool>,
    work: impl FnOnce(Arc<Pool>, Unheard) -> W + Send + 'static,
) -> Result<T>
where
    T: Send + 'static,
    W: Future<Output = Result<T>> + Send + 'static,
{
    let (heard, unheard) = oneshot::channel();
    let answer = pool.work(move |pool| work(pool, Unheard(unheard))).await;
    drop(heard);
    answer
}

/// Tells when nobody waits for an answer any more.
pub(super) struct Unheard(oneshot::Receiver<Infallible>);

impl Unheard {
    /// Awaits what a connection is asked for; where nobody waits any more, the server stops.
    pub async fn or<T>(
        &mut self,
        pool: &Pool,
        canceller: &Canceller,
        answer: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let mut answer = pin!(answer);
        tokio::select! {
            answer = &mut answer => answer,
            _ = &mut self.0 => {
                pool.cancel(canceller).await;
                // The server's answer is awaited, so that the next user of the connection finds it at rest.
                let _ = tokio::time::timeout(Duration::from_secs(10), answer).await;
                Err(Error::cancelled().into())
            }
        }
    }
}

/// Reads rows for somebody who may go away.
pub(super) struct Reader {
    /// Rows of a chunk.
    pub chunk: i32,
    /// Who may stop the reading.
    pub observer: Arc<dyn ProgressObserver + Send + Sync>,
    /// Whether anybody waits for the rows.
    pub unheard: Unheard,
}

/// What takes the rows in.
pub(super) type Sink<'a> = &'a mut (dyn FnMut(&Row) -> Result<(), Failure> + Send);

impl Reader {
    /// Reads all rows of a query, which are those of one moment.
    pub async fn read(
        &mut self,
        pool: &Pool,
        sql: &str,
        parameters: &[Parameter<'_>],
        sink: Sink<'_>,
    ) -> Result<(), Failure> {
        let mut connection = pool.get().await?;
        let transaction = pool.begin(&mut connection).await?;
        let canceller = pool.canceller(transaction.client()).await?;
        let types: Vec<Type> = parameters.iter().map(|(_, kind)| kind.clone()).collect();
        let values: Vec<&(dyn ToSql + Sync)> = parameters.iter().map(|(value, _)| *value).collect();
        let statement = transaction.prepare_typed(sql, &types).await?;
        let portal = transaction.bind(&statement, &values).await?;
        // The server prepares one chunk while another is taken in, and no more than that.
        let mut next = transaction.query_portal_raw(&portal, self.chunk).await?;
        loop {
            let after = transaction.query_portal_raw(&portal, self.chunk).await?;
            if !self.chunk(pool, &canceller, std::mem::replace(&mut next, after), sink).await? {
                break;
            }
        }
        drop(next);
        // Before the transaction ends, since a pooler gives the session to others then.
        drop((portal, statement));
        transaction.commit().await?;
        Ok(())
    }

    /// Takes one chunk in; returns whether there may be more.
    async fn chunk(
        &mut self,
        pool: &Pool,
        canceller: &Canceller,
        rows: RowStream,
        sink: Sink<'_>,
    ) -> Result<bool, Failure> {
        if self.observer.is_cancelled() {
            return Err(Error::cancelled().into());
        }
        let limit = self.chunk;
        let read = async {
            let mut rows = pin!(rows);
            let mut count = 0;
            while let Some(row) = rows.try_next().await? {
                sink(&row)?;
                count += 1;
            }
            Ok(count == limit)
        };
        self.unheard.or(pool, canceller, read).await
    }
}
