//! Deletes bars from the table `bars`.

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Row};

use super::row_reader::DropCancellation;
use crate::data::import::{check_cancelled, check_commit};
use crate::data::series::new_revision;
use crate::data::span::TimeRange;
use crate::db::postgres::{Failure, Pool, SqlParameter, Timestamp};
use crate::market::Timeframe;
use crate::observer::ProgressObserver;

/// What to delete, and where from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deletion<'a> {
    /// The schema as an SQL identifier.
    pub schema: &'a str,
    pub symbol: &'a str,
    /// All timeframes if there is none.
    pub timeframe: Option<Timeframe>,
    pub range: TimeRange,
}

/// Deletes bars in one transaction. Returns their number. Imports into these series wait until it ends, and it waits for them.
///
/// `committing` is the number of bars of an earlier attempt whose commit was not answered. If nothing is left of them, it was
/// committed.
pub(super) async fn delete(
    pool: &Pool,
    job: &Deletion<'_>,
    observer: &(dyn ProgressObserver + Send + Sync),
    cancellation: &mut DropCancellation,
    committing: &mut u64,
) -> Result<u64, Failure> {
    check_cancelled(observer)?;
    let mut connection = pool.get().await?;
    let result = async {
        let transaction = pool.begin(&mut connection).await?;
        let canceller = pool.canceller(transaction.client()).await?;
        let write = job.write(transaction.client(), observer);
        let deleted = cancellation.guard(pool, &canceller, write).await?;
        if deleted == 0 {
            return Ok(*committing);
        }
        check_commit(observer)?;
        *committing = deleted;
        transaction.commit().await?;
        Ok(deleted)
    }
    .await;
    cancellation.release(connection);
    result
}

impl Deletion<'_> {
    /// Locks the series and deletes their bars. Returns the number of bars.
    async fn write(
        &self,
        client: &Client,
        observer: &(dyn ProgressObserver + Send + Sync),
    ) -> Result<u64, Failure> {
        // Always in the same order, so that two deletions do not wait for each other.
        let lock = format!(
            "SELECT timeframe FROM {}.bar_series WHERE asset_symbol = $1 AND ($2 IS NULL OR timeframe = $2)
             ORDER BY timeframe FOR UPDATE",
            self.schema
        );
        let timeframe = self.timeframe.map(Timeframe::as_str);
        let values: [SqlParameter; 2] = [(&self.symbol, Type::TEXT), (&timeframe, Type::TEXT)];
        let read = |row: &Row| row.try_get(0);
        let locked: Vec<String> =
            client.query_typed(&lock, &values).await?.iter().map(read).collect::<Result<_, _>>()?;
        let mut deleted = 0;
        for timeframe in &locked {
            check_cancelled(observer)?;
            deleted += self.delete_from_series(client, timeframe).await?;
        }
        Ok(deleted)
    }

    /// Deletes the bars of a series, and the series if no bars are left. Returns the number of bars.
    async fn delete_from_series(&self, client: &Client, timeframe: &str) -> Result<u64, Failure> {
        let Self { schema, symbol, range, .. } = *self;
        let delete = format!(
            "DELETE FROM {schema}.bars WHERE asset_symbol = $1 AND timeframe = $2 AND ts >= $3 AND ts <= $4"
        );
        let (from, to) = (Timestamp(range.start), Timestamp(range.end));
        let values: [SqlParameter; 4] = [
            (&symbol, Type::TEXT),
            (&timeframe, Type::TEXT),
            (&from, Type::TIMESTAMPTZ),
            (&to, Type::TIMESTAMPTZ),
        ];
        let deleted = client.execute_typed(&delete, &values).await?;
        if deleted == 0 {
            return Ok(0);
        }
        let update = format!(
            "UPDATE {schema}.bar_series AS held
             SET bars = bars - $3, first = kept.first, last = kept.last, revision = $4
             FROM (SELECT min(ts) AS first, max(ts) AS last FROM {schema}.bars
                   WHERE asset_symbol = $1 AND timeframe = $2) AS kept
             WHERE asset_symbol = $1 AND timeframe = $2 AND kept.first IS NOT NULL"
        );
        let removed = i64::try_from(deleted).unwrap_or(i64::MAX);
        let values: [SqlParameter; 4] = [
            (&symbol, Type::TEXT),
            (&timeframe, Type::TEXT),
            (&removed, Type::INT8),
            (&new_revision(), Type::INT8),
        ];
        if client.execute_typed(&update, &values).await? == 0 {
            let drop = format!(
                "DELETE FROM {schema}.bar_series WHERE asset_symbol = $1 AND timeframe = $2"
            );
            let values: [SqlParameter; 2] = [(&symbol, Type::TEXT), (&timeframe, Type::TEXT)];
            client.execute_typed(&drop, &values).await?;
        }
        Ok(deleted)
    }
}
