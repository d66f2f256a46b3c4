//! Imports bars into the table `bars`.

use tokio_postgres::Client;
use tokio_postgres::types::Type;

use super::row_reader::DropCancellation;
use crate::data::import::{MergeSummary, check_cancelled, check_commit, first_and_last};
use crate::data::series::new_revision;
use crate::db::postgres::{CopyWriter, Failure, Pool, SqlParameter, Timestamp};
use crate::market::intervals::{share_interval, stored_and_new};
use crate::market::{Bars, Timeframe};
use crate::observer::ProgressObserver;

/// How many bars are deleted at once.
const DELETE_BATCH: usize = 10_000;

/// How many rows are written between two calls of the observer.
const OBSERVER_INTERVAL: usize = 1024;

/// What to import, and where to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Import<'a> {
    /// The schema as an SQL identifier.
    pub schema: &'a str,
    pub symbol: &'a str,
    pub timeframe: Timeframe,
    pub bars: &'a Bars,
}

/// Merges bars into a series in one transaction. Concurrent imports into one series wait for each other.
pub(super) async fn import(
    pool: &Pool,
    job: &Import<'_>,
    observer: &(dyn ProgressObserver + Send + Sync),
    cancellation: &mut DropCancellation,
) -> Result<MergeSummary, Failure> {
    let range = first_and_last(job.symbol, job.timeframe, job.bars)?;
    check_cancelled(observer)?;
    let mut connection = pool.get().await?;
    let result = async {
        let transaction = pool.begin(&mut connection).await?;
        let canceller = pool.canceller(transaction.client()).await?;
        let write = job.write(transaction.client(), range, observer);
        let summary = cancellation.guard(pool, &canceller, write).await?;
        check_commit(observer)?;
        transaction.commit().await?;
        Ok(summary)
    }
    .await;
    cancellation.release(connection);
    result
}

impl Import<'_> {
    /// Writes the series and its bars.
    async fn write(
        &self,
        client: &Client,
        (first, last): (i64, i64),
        observer: &(dyn ProgressObserver + Send + Sync),
    ) -> Result<MergeSummary, Failure> {
        let Self { schema, symbol, timeframe, .. } = *self;
        // The row of the series is locked from here on.
        let upsert = format!(
            "INSERT INTO {schema}.bar_series AS held (asset_symbol, timeframe, bars, first, last, revision)
             VALUES ($1, $2, 0, $3, $4, $5)
             ON CONFLICT (asset_symbol, timeframe) DO UPDATE SET revision = excluded.revision,
               first = least(held.first, excluded.first), last = greatest(held.last, excluded.last)
             RETURNING bars"
        );
        let (from, to) = (Timestamp(first), Timestamp(last));
        let values: [SqlParameter; 5] = [
            (&symbol, Type::TEXT),
            (&timeframe.as_str(), Type::TEXT),
            (&from, Type::TIMESTAMPTZ),
            (&to, Type::TIMESTAMPTZ),
            (&new_revision(), Type::INT8),
        ];
        let stored: i64 = client.query_typed_one(&upsert, &values).await?.try_get(0)?;
        let shared =
            if stored > 0 { self.shared_intervals(client, first, last).await? } else { Vec::new() };
        let replaced = if stored > 0 { self.delete_replaced(client, observer).await? } else { 0 };
        let imported = self.copy(client, observer).await?;
        if stored > 0 {
            // Pairs that were stored before do not concern this import.
            let is_new = |pair: &(i64, i64)| !shared.contains(pair);
            let pairs = self.shared_intervals(client, first, last).await?;
            if let Some((earlier, later)) = pairs.into_iter().find(is_new) {
                let is_new = self.bars.timestamps().binary_search(&later).is_ok();
                return Err(stored_and_new(earlier, later, is_new, timeframe).into());
            }
        }
        let count = format!(
            "UPDATE {schema}.bar_series SET bars = bars + $3 WHERE asset_symbol = $1 AND timeframe = $2"
        );
        let added = i64::try_from(imported).unwrap_or(i64::MAX)
            - i64::try_from(replaced).unwrap_or(i64::MAX);
        let values: [SqlParameter; 3] =
            [(&symbol, Type::TEXT), (&timeframe.as_str(), Type::TEXT), (&added, Type::INT8)];
        client.execute_typed(&count, &values).await?;
        Ok(MergeSummary { imported, replaced, first, last })
    }

    /// Copies the bars. Returns their number.
    async fn copy(
        &self,
        client: &Client,
        observer: &(dyn ProgressObserver + Send + Sync),
    ) -> Result<u64, Failure> {
        let Self { schema, symbol, timeframe, bars } = *self;
        let copy = format!(
            "COPY {schema}.bars (asset_symbol, timeframe, ts, open, high, low, close, volume) FROM STDIN (FORMAT binary)"
        );
        let mut rows = CopyWriter::new(client.copy_in(&copy).await?);
        let prices = [bars.open(), bars.high(), bars.low(), bars.close()];
        for (at, time) in bars.timestamps().iter().enumerate() {
            if at.is_multiple_of(OBSERVER_INTERVAL) {
                check_cancelled(observer)?;
                observer.on_bar(at, 0);
            }
            rows.row(8).await?;
            rows.text(symbol)?;
            rows.text(timeframe.as_str())?;
            rows.timestamp(*time);
            for column in prices {
                rows.float(column.get(at).copied().unwrap_or(f64::NAN));
            }
            match bars.volume().and_then(|volume| volume.get(at)) {
                Some(volume) if !volume.is_nan() => rows.float(*volume),
                _ => rows.null(),
            }
        }
        let imported = rows.finish().await?;
        observer.on_bar(bars.len(), 0);
        Ok(imported)
    }

    /// Returns consecutive bars that lie in one interval, within and next to a range.
    async fn shared_intervals(
        &self,
        client: &Client,
        first: i64,
        last: i64,
    ) -> Result<Vec<(i64, i64)>, Failure> {
        let length = self.timeframe.milliseconds();
        let query = format!(
            "SELECT earlier, later FROM (
               SELECT lag(ts) OVER (ORDER BY ts) AS earlier, ts AS later FROM {}.bars
               WHERE asset_symbol = $1 AND timeframe = $2 AND ts BETWEEN $3 AND $4
             ) AS pairs WHERE later - earlier < make_interval(secs => $5) ORDER BY later",
            self.schema
        );
        #[expect(clippy::cast_precision_loss, reason = "the length of a timeframe is exact")]
        let seconds = length as f64 / 1000.0;
        let (from, to) =
            (Timestamp(first.saturating_sub(length)), Timestamp(last.saturating_add(length)));
        let values: [SqlParameter; 5] = [
            (&self.symbol, Type::TEXT),
            (&self.timeframe.as_str(), Type::TEXT),
            (&from, Type::TIMESTAMPTZ),
            (&to, Type::TIMESTAMPTZ),
            (&seconds, Type::FLOAT8),
        ];
        let mut pairs = Vec::new();
        for row in client.query_typed(&query, &values).await? {
            let pair = (row.try_get::<_, Timestamp>(0)?.0, row.try_get::<_, Timestamp>(1)?.0);
            if share_interval(pair.0, pair.1, self.timeframe) {
                pairs.push(pair);
            }
        }
        Ok(pairs)
    }

    /// Deletes the stored bars with the opening times of the new ones. Returns their number.
    async fn delete_replaced(
        &self,
        client: &Client,
        observer: &(dyn ProgressObserver + Send + Sync),
    ) -> Result<u64, Failure> {
        let delete = format!(
            "DELETE FROM {}.bars WHERE asset_symbol = $1 AND timeframe = $2 AND ts BETWEEN $3 AND $4 AND ts = ANY ($5)",
            self.schema
        );
        let mut deleted = 0;
        for batch in self.bars.timestamps().chunks(DELETE_BATCH) {
            check_cancelled(observer)?;
            let times: Vec<Timestamp> = batch.iter().copied().map(Timestamp).collect();
            let values: [SqlParameter; 5] = [
                (&self.symbol, Type::TEXT),
                (&self.timeframe.as_str(), Type::TEXT),
                (&times.first(), Type::TIMESTAMPTZ),
                (&times.last(), Type::TIMESTAMPTZ),
                (&times, Type::TIMESTAMPTZ_ARRAY),
            ];
            deleted += client.execute_typed(&delete, &values).await?;
        }
        Ok(deleted)
    }
}
