//! Sweeps as rows.

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Row};

use super::context::Context;
use super::{json, sweep_columns};
use crate::db::encoding::damaged;
use crate::db::postgres::{Failure, SqlParameter, Timestamp};
use crate::market::Interval;
use crate::store::errors::{self, SWEEP_PROCESS_DIED};
use crate::store::record::Status;
use crate::store::sweep_check::{self, RefusedSweep};
use crate::store::sweep_record::{Sweep, SweepChunk, SweepDetails, SweepEnd, SweepFilter};

type Result<T> = std::result::Result<T, Failure>;

/// The columns of a sweep; see [`read`].
const COLUMNS: &str = "id, claim, user_id, strategy_id, strategy_source, asset_symbols, timeframes, start_date, end_date,
    objective, combinations, done, best, status, error, engine_version, created_at, updated_at, completed_at";

/// The columns of its details; see [`read_details`].
const DETAIL_COLUMNS: &str = "request::text, columns, fingerprints, summary::text";

/// The condition for a sweep that a call may change: an unfinished one, or one that was marked as failed because another
/// engine considered its owner dead.
const UNFINISHED: &str = "id = $1 AND claim = $2 AND (status IN ('pending', 'running') OR (status = 'failed' AND error = $3))";

/// Writes a new sweep. In a retry, an earlier attempt may have written it.
pub(super) async fn create(
    context: &Context,
    sweep: &Sweep,
    details: &SweepDetails,
    is_retry: bool,
) -> Result<()> {
    sweep_check::check_new(sweep)?;
    let sql = format!(
        "INSERT INTO {}.sweeps (id, claim, user_id, strategy_id, strategy_source, asset_symbols, timeframes, start_date,
           end_date, objective, combinations, done, status, error, engine_version, created_at, updated_at, completed_at,
           request, columns, fingerprints, owner)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19::json, $20, $21, $22)
         ON CONFLICT (id) DO NOTHING",
        context.schema
    );
    let timeframes: Vec<&str> =
        sweep.timeframes.iter().map(|timeframe| timeframe.as_str()).collect();
    let values: [SqlParameter; 22] = [
        (&sweep.id, Type::TEXT),
        (&sweep.claim, Type::TEXT),
        (&sweep.user_id, Type::TEXT),
        (&sweep.strategy_id, Type::TEXT),
        (&sweep.strategy_source, Type::TEXT),
        (&sweep.asset_symbols, Type::TEXT_ARRAY),
        (&timeframes, Type::TEXT_ARRAY),
        (&Timestamp(sweep.start), Type::TIMESTAMPTZ),
        (&Timestamp(sweep.end), Type::TIMESTAMPTZ),
        (&sweep.objective, Type::TEXT),
        (&signed(sweep.combinations), Type::INT8),
        (&signed(sweep.done), Type::INT8),
        (&sweep.status.as_str(), Type::TEXT),
        (&sweep.error, Type::TEXT),
        (&sweep.engine_version, Type::TEXT),
        (&Timestamp(sweep.created_at), Type::TIMESTAMPTZ),
        (&Timestamp(sweep.updated_at), Type::TIMESTAMPTZ),
        (&sweep.completed_at.map(Timestamp), Type::TIMESTAMPTZ),
        (&json::to_text(&details.request)?, Type::TEXT),
        (&details.columns, Type::TEXT_ARRAY),
        (&details.fingerprints, Type::TEXT_ARRAY),
        (&context.engine_id, Type::TEXT),
    ];
    let mut connection = context.pool.get().await?;
    let statements = context.pool.statements(&mut connection).await?;
    if statements.execute_typed(&sql, &values).await? == 1 {
        return statements.commit().await;
    }
    // Claims are unique, so a sweep with the same one is this sweep.
    let row = refused_row(context, &statements, &sweep.id).await?;
    if is_retry && row.is_some_and(|row| row.claim == sweep.claim) {
        return Ok(());
    }
    Err(errors::duplicate("sweep", &sweep.id).into())
}

/// Marks a sweep as running and keeps the hashes of its bars.
pub(super) async fn begin(
    context: &Context,
    (id, claim): (&str, &str),
    fingerprints: &[String],
    at: i64,
) -> Result<()> {
    let sql = format!(
        "UPDATE {}.sweeps SET status = 'running', error = NULL, completed_at = NULL, fingerprints = $4, updated_at = $5
         WHERE {UNFINISHED}",
        context.schema
    );
    let values: [SqlParameter; 5] = [
        (&id, Type::TEXT),
        (&claim, Type::TEXT),
        (&SWEEP_PROCESS_DIED, Type::TEXT),
        (&fingerprints, Type::TEXT_ARRAY),
        (&Timestamp(at), Type::TIMESTAMPTZ),
    ];
    let mut connection = context.pool.get().await?;
    let statements = context.pool.statements(&mut connection).await?;
    if statements.execute_typed(&sql, &values).await? == 1 {
        return statements.commit().await;
    }
    let row = refused_row(context, &statements, id).await?;
    Err(sweep_check::refused(id, claim, row.as_ref()).into())
}

/// Takes a sweep over that failed or was cancelled. In a retry, an earlier attempt may have taken it over.
pub(super) async fn resume(
    context: &Context,
    (id, claim): (&str, &str),
    engine_version: &str,
    at: i64,
    is_retry: bool,
) -> Result<Option<(Sweep, SweepDetails)>> {
    let sql = format!(
        "UPDATE {}.sweeps SET status = 'running', error = NULL, completed_at = NULL, summary = NULL, best = NULL, owner = $2,
           claim = $3, engine_version = $4, updated_at = $5
         WHERE id = $1 AND status IN ('failed', 'cancelled')",
        context.schema
    );
    let values: [SqlParameter; 5] = [
        (&id, Type::TEXT),
        (&context.engine_id, Type::TEXT),
        (&claim, Type::TEXT),
        (&engine_version, Type::TEXT),
        (&Timestamp(at), Type::TIMESTAMPTZ),
    ];
    let mut connection = context.pool.get().await?;
    let transaction = context.pool.begin(&mut connection).await?;
    let resumed = transaction.execute_typed(&sql, &values).await?;
    let Some((sweep, details)) = find_with(context, transaction.client(), id).await? else {
        return Ok(None);
    };
    if resumed == 0 && !(is_retry && sweep.claim == claim) {
        return Err(sweep_check::not_resumable(id, sweep.status.as_str()).into());
    }
    transaction.commit().await?;
    Ok(Some((sweep, details)))
}

/// Writes a chunk and notes that its combinations are kept, in one transaction. In a retry, an earlier attempt may have
/// written it.
pub(super) async fn append(
    context: &Context,
    (id, claim): (&str, &str),
    chunk: &SweepChunk,
    at: i64,
    is_retry: bool,
) -> Result<()> {
    let to = chunk.from.saturating_add(chunk.count as u64);
    let sql = format!(
        "UPDATE {}.sweeps SET done = $5, status = 'running', error = NULL, completed_at = NULL, updated_at = $6
         WHERE {UNFINISHED} AND done = $4 AND combinations >= $5
         RETURNING columns",
        context.schema
    );
    let values: [SqlParameter; 6] = [
        (&id, Type::TEXT),
        (&claim, Type::TEXT),
        (&SWEEP_PROCESS_DIED, Type::TEXT),
        (&signed(chunk.from), Type::INT8),
        (&signed(to), Type::INT8),
        (&Timestamp(at), Type::TIMESTAMPTZ),
    ];
    let mut connection = context.pool.get().await?;
    let transaction = context.pool.begin(&mut connection).await?;
    let Some(row) = transaction.query_typed_opt(&sql, &values).await? else {
        let row = refused_row(context, transaction.client(), id).await?;
        if is_retry && row.as_ref().is_some_and(|row| row.has_chunk(claim, to)) {
            return Ok(());
        }
        return Err(sweep_check::refused(id, claim, row.as_ref()).into());
    };
    sweep_check::check_chunk(chunk, &row.try_get::<_, Vec<String>>(0)?)?;
    sweep_columns::insert(context, &transaction, id, chunk).await?;
    Ok(transaction.commit().await?)
}

/// Writes how a sweep ended, unless it has ended in the same way before, perhaps in an attempt whose response was lost.
pub(super) async fn end(
    context: &Context,
    (id, claim): (&str, &str),
    end: &SweepEnd,
) -> Result<()> {
    sweep_check::check_end(id, end)?;
    let sql = format!(
        "UPDATE {}.sweeps SET status = $4, error = $5, best = $6, summary = $7::json, completed_at = $8
         WHERE {UNFINISHED} AND ($4 <> 'completed' OR done = combinations)",
        context.schema
    );
    let values: [SqlParameter; 8] = [
        (&id, Type::TEXT),
        (&claim, Type::TEXT),
        (&SWEEP_PROCESS_DIED, Type::TEXT),
        (&end.status.as_str(), Type::TEXT),
        (&end.error, Type::TEXT),
        (&end.best, Type::FLOAT8),
        (&json::to_optional_text(end.summary.as_ref())?, Type::TEXT),
        (&Timestamp(end.at), Type::TIMESTAMPTZ),
    ];
    let mut connection = context.pool.get().await?;
    let statements = context.pool.statements(&mut connection).await?;
    if statements.execute_typed(&sql, &values).await? == 1 {
        return statements.commit().await;
    }
    let row = refused_row(context, &statements, id).await?;
    if row.as_ref().is_some_and(|row| row.has_ended_as(claim, end)) {
        return Ok(());
    }
    Err(sweep_check::refused(id, claim, row.as_ref()).into())
}

async fn refused_row(context: &Context, client: &Client, id: &str) -> Result<Option<RefusedSweep>> {
    let sql = format!(
        "SELECT claim, status, completed_at, done, combinations FROM {}.sweeps WHERE id = $1",
        context.schema
    );
    let read = |row: Row| {
        Ok(RefusedSweep {
            claim: row.try_get(0)?,
            status: row.try_get(1)?,
            completed_at: row.try_get::<_, Option<Timestamp>>(2)?.map(|timestamp| timestamp.0),
            done: row.try_get(3)?,
            combinations: row.try_get(4)?,
        })
    };
    client.query_typed_opt(&sql, &[(&id, Type::TEXT)]).await?.map(read).transpose()
}

/// Reads a sweep.
pub(super) async fn find(context: &Context, id: &str) -> Result<Option<(Sweep, SweepDetails)>> {
    let mut connection = context.pool.get().await?;
    find_with(context, &*context.pool.statements(&mut connection).await?, id).await
}

async fn find_with(
    context: &Context,
    client: &Client,
    id: &str,
) -> Result<Option<(Sweep, SweepDetails)>> {
    let sql =
        format!("SELECT {COLUMNS}, {DETAIL_COLUMNS} FROM {}.sweeps WHERE id = $1", context.schema);
    let row = client.query_typed_opt(&sql, &[(&id, Type::TEXT)]).await?;
    row.as_ref().map(|row| Ok((read(row)?, read_details(row)?))).transpose()
}

/// Reads the sweeps that match a filter, the newest first.
pub(super) async fn list(context: &Context, filter: &SweepFilter) -> Result<Vec<Sweep>> {
    let schema = &context.schema;
    let mut connection = context.pool.get().await?;
    let statements = context.pool.statements(&mut connection).await?;
    let before: Option<(Timestamp, i64)> = match &filter.before {
        Some(id) => {
            let sql = format!("SELECT created_at, number FROM {schema}.sweeps WHERE id = $1");
            let row = statements.query_typed_opt(&sql, &[(id, Type::TEXT)]).await?;
            let row = row.ok_or_else(|| errors::unknown_page("sweep", id))?;
            Some((row.try_get(0)?, row.try_get(1)?))
        }
        None => None,
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM {schema}.sweeps
         WHERE ($1 IS NULL OR strategy_id = $1) AND ($2 IS NULL OR $2 = ANY(asset_symbols)) AND ($3 IS NULL OR status = $3)
           AND ($4 IS NULL OR user_id = $4) AND ($6 IS NULL OR (created_at, number) < ($5, $6))
         ORDER BY created_at DESC, number DESC LIMIT $7"
    );
    let values: [SqlParameter; 7] = [
        (&filter.strategy_id, Type::TEXT),
        (&filter.asset_symbol, Type::TEXT),
        (&filter.status.map(Status::as_str), Type::TEXT),
        (&filter.user_id, Type::TEXT),
        (&before.map(|(created_at, _)| created_at), Type::TIMESTAMPTZ),
        (&before.map(|(_, number)| number), Type::INT8),
        (&filter.limit.map(i64::from), Type::INT8),
    ];
    statements.query_typed(&sql, &values).await?.iter().map(read).collect()
}

/// Reads a sweep from a row that begins with [`COLUMNS`].
fn read(row: &Row) -> Result<Sweep> {
    let status: &str = row.try_get(13)?;
    let timeframes: Vec<&str> = row.try_get(6)?;
    let timeframes = timeframes.into_iter().map(|name| {
        Interval::parse(name).ok_or_else(|| damaged(format!("unknown timeframe {name:?}")))
    });
    Ok(Sweep {
        id: row.try_get(0)?,
        claim: row.try_get(1)?,
        user_id: row.try_get(2)?,
        strategy_id: row.try_get(3)?,
        strategy_source: row.try_get(4)?,
        asset_symbols: row.try_get(5)?,
        timeframes: timeframes.collect::<std::result::Result<_, _>>()?,
        start: row.try_get::<_, Timestamp>(7)?.0,
        end: row.try_get::<_, Timestamp>(8)?.0,
        objective: row.try_get(9)?,
        combinations: unsigned(row.try_get(10)?)?,
        done: unsigned(row.try_get(11)?)?,
        best: row.try_get(12)?,
        status: Status::parse(status)
            .ok_or_else(|| damaged(format!("unknown status {status:?}")))?,
        error: row.try_get(14)?,
        engine_version: row.try_get(15)?,
        created_at: row.try_get::<_, Timestamp>(16)?.0,
        updated_at: row.try_get::<_, Timestamp>(17)?.0,
        completed_at: row.try_get::<_, Option<Timestamp>>(18)?.map(|timestamp| timestamp.0),
    })
}

/// Reads the details of a sweep from a row with [`COLUMNS`] and [`DETAIL_COLUMNS`].
fn read_details(row: &Row) -> Result<SweepDetails> {
    Ok(SweepDetails {
        request: json::from_text(row.try_get(19)?)?,
        columns: row.try_get(20)?,
        fingerprints: row.try_get(21)?,
        summary: row.try_get::<_, Option<&str>>(22)?.map(json::from_text).transpose()?,
    })
}

/// Deletes a sweep. In a retry, an earlier attempt may have deleted it, so it counts as deleted.
pub(super) async fn delete(context: &Context, id: &str, is_retry: bool) -> Result<bool> {
    let sql = format!("DELETE FROM {}.sweeps WHERE id = $1", context.schema);
    let mut connection = context.pool.get().await?;
    let statements = context.pool.statements(&mut connection).await?;
    let deleted = statements.execute_typed(&sql, &[(&id, Type::TEXT)]).await?;
    statements.commit().await?;
    Ok(deleted > 0 || is_retry)
}

/// Converts a number of combinations. Numbers beyond the range match no sweep.
fn signed(combinations: u64) -> i64 {
    i64::try_from(combinations).unwrap_or(i64::MAX)
}

fn unsigned(combinations: i64) -> Result<u64> {
    Ok(u64::try_from(combinations)
        .map_err(|_| damaged(format!("a sweep has {combinations} combinations")))?)
}
