//! Sweeps as rows.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, named_params, params};

use super::json;
use crate::db::encoding::damaged;
use crate::db::sqlite::Failure;
use crate::market::Interval;
use crate::store::errors::{self, SWEEP_PROCESS_DIED};
use crate::store::record::Status;
use crate::store::sweep_check::{self, RefusedSweep};
use crate::store::sweep_record::{Sweep, SweepDetails, SweepEnd, SweepFilter};

type Result<T> = std::result::Result<T, Failure>;

/// Selects sweeps without their details.
const SELECT: &str = "
    SELECT id, claim, user_id, strategy_id, strategy_source, asset_symbols, timeframes, start_date, end_date, objective,
      combinations, done, best, status, error, engine_version, created_at, updated_at, completed_at
    FROM sweeps";

/// The condition for a sweep that a call may change: an unfinished one, or one that was marked as failed because another
/// process considered its owner dead.
const UNFINISHED: &str = "id = :id AND claim = :claim
    AND (status IN ('pending', 'running') OR (status = 'failed' AND error = :process_died))";

/// Keeps a new sweep.
pub fn create(
    connection: &Connection,
    sweep: &Sweep,
    details: &SweepDetails,
    owner: &str,
) -> Result<()> {
    sweep_check::check_new(sweep)?;
    let sql = "
        INSERT INTO sweeps (id, claim, user_id, strategy_id, strategy_source, asset_symbols, timeframes, start_date, end_date,
          objective, request, columns, fingerprints, combinations, done, status, error, engine_version, owner, created_at,
          updated_at, completed_at)
        VALUES (:id, :claim, :user_id, :strategy_id, :strategy_source, :asset_symbols, :timeframes, :start_date, :end_date,
          :objective, :request, :columns, :fingerprints, :combinations, :done, :status, :error, :engine_version, :owner,
          :created_at, :updated_at, :completed_at)
        ON CONFLICT (id) DO NOTHING";
    let timeframes: Vec<&str> =
        sweep.timeframes.iter().map(|timeframe| timeframe.as_str()).collect();
    let inserted = connection.prepare_cached(sql)?.execute(named_params! {
        ":id": sweep.id,
        ":claim": sweep.claim,
        ":user_id": sweep.user_id,
        ":strategy_id": sweep.strategy_id,
        ":strategy_source": sweep.strategy_source,
        ":asset_symbols": json::to_text(&sweep.asset_symbols)?,
        ":timeframes": json::to_text(&timeframes)?,
        ":start_date": sweep.start,
        ":end_date": sweep.end,
        ":objective": sweep.objective,
        ":request": json::to_text(&details.request)?,
        ":columns": json::to_text(&details.columns)?,
        ":fingerprints": json::to_text(&details.fingerprints)?,
        ":combinations": signed(sweep.combinations),
        ":done": signed(sweep.done),
        ":status": sweep.status.as_str(),
        ":error": sweep.error,
        ":engine_version": sweep.engine_version,
        ":owner": owner,
        ":created_at": sweep.created_at,
        ":updated_at": sweep.updated_at,
        ":completed_at": sweep.completed_at,
    })?;
    if inserted == 1 { Ok(()) } else { Err(errors::duplicate("sweep", &sweep.id).into()) }
}

/// Marks a sweep as running and keeps the hashes of its bars.
pub fn begin(
    connection: &mut Connection,
    id: &str,
    claim: &str,
    fingerprints: &[String],
    at: i64,
) -> Result<()> {
    let transaction = connection.transaction()?;
    let sql = format!(
        "UPDATE sweeps SET status = 'running', error = NULL, completed_at = NULL, fingerprints = :fingerprints,
           updated_at = :at
         WHERE {UNFINISHED}"
    );
    let values = named_params! {
        ":id": id,
        ":claim": claim,
        ":process_died": SWEEP_PROCESS_DIED,
        ":fingerprints": json::to_text(&fingerprints)?,
        ":at": at,
    };
    if transaction.execute(&sql, values)? == 0 {
        return Err(refused(&transaction, id, claim));
    }
    Ok(transaction.commit()?)
}

/// Takes a sweep over that failed or was cancelled.
pub fn resume(
    connection: &mut Connection,
    id: &str,
    claim: &str,
    (owner, engine_version): (&str, &str),
    at: i64,
) -> Result<Option<(Sweep, SweepDetails)>> {
    let transaction = connection.transaction()?;
    let sql = "
        UPDATE sweeps SET status = 'running', error = NULL, completed_at = NULL, summary = NULL, best = NULL, owner = ?2,
          claim = ?3, engine_version = ?4, updated_at = ?5
        WHERE id = ?1 AND status IN ('failed', 'cancelled')";
    let resumed = transaction.execute(sql, params![id, owner, claim, engine_version, at])?;
    let Some((sweep, details)) = find(&transaction, id)? else { return Ok(None) };
    if resumed == 0 {
        return Err(sweep_check::not_resumable(id, sweep.status.as_str()).into());
    }
    transaction.commit()?;
    Ok(Some((sweep, details)))
}

/// Notes that combinations are kept, in the transaction that writes their columns. Returns the names of the columns.
pub fn advance(
    transaction: &Transaction,
    id: &str,
    claim: &str,
    (from, to): (u64, u64),
    at: i64,
) -> Result<Vec<String>> {
    let sql = format!(
        "UPDATE sweeps SET done = :to, status = 'running', error = NULL, completed_at = NULL, updated_at = :at
         WHERE {UNFINISHED} AND done = :from AND combinations >= :to
         RETURNING columns"
    );
    let values = named_params! {
        ":id": id,
        ":claim": claim,
        ":process_died": SWEEP_PROCESS_DIED,
        ":from": signed(from),
        ":to": signed(to),
        ":at": at,
    };
    let columns: Option<String> =
        transaction.prepare_cached(&sql)?.query_row(values, |row| row.get(0)).optional()?;
    match columns {
        Some(columns) => json::from_text(&columns),
        None => Err(refused(transaction, id, claim)),
    }
}

/// Writes how a sweep ended, unless it has ended in the same way before.
pub fn end(connection: &mut Connection, id: &str, claim: &str, end: &SweepEnd) -> Result<()> {
    sweep_check::check_end(id, end)?;
    let transaction = connection.transaction()?;
    let sql = format!(
        "UPDATE sweeps SET status = :status, error = :error, best = :best, summary = :summary, completed_at = :at
         WHERE {UNFINISHED} AND (:status <> 'completed' OR done = combinations)"
    );
    let values = named_params! {
        ":id": id,
        ":claim": claim,
        ":process_died": SWEEP_PROCESS_DIED,
        ":status": end.status.as_str(),
        ":error": end.error,
        ":best": end.best,
        ":summary": json::to_optional_text(end.summary.as_ref())?,
        ":at": end.at,
    };
    if transaction.execute(&sql, values)? == 1 {
        return Ok(transaction.commit()?);
    }
    let row = refused_row(&transaction, id)?;
    if row.as_ref().is_some_and(|row| row.has_ended_as(claim, end)) {
        return Ok(());
    }
    Err(sweep_check::refused(id, claim, row.as_ref()).into())
}

/// Returns why a change was refused.
fn refused(connection: &Connection, id: &str, claim: &str) -> Failure {
    match refused_row(connection, id) {
        Ok(row) => sweep_check::refused(id, claim, row.as_ref()).into(),
        Err(failure) => failure,
    }
}

fn refused_row(connection: &Connection, id: &str) -> Result<Option<RefusedSweep>> {
    let sql = "SELECT claim, status, completed_at, done, combinations FROM sweeps WHERE id = ?1";
    let read = |row: &Row| {
        Ok(RefusedSweep {
            claim: row.get(0)?,
            status: row.get(1)?,
            completed_at: row.get(2)?,
            done: row.get(3)?,
            combinations: row.get(4)?,
        })
    };
    Ok(connection.query_row(sql, [id], read).optional()?)
}

/// Reads a sweep.
pub fn find(connection: &Connection, id: &str) -> Result<Option<(Sweep, SweepDetails)>> {
    let mut statement = connection.prepare_cached("SELECT * FROM sweeps WHERE id = ?1")?;
    let mut rows = statement.query([id])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let details = SweepDetails {
        request: from_column(row, "request")?,
        columns: from_column(row, "columns")?,
        fingerprints: from_column(row, "fingerprints")?,
        summary: row
            .get::<_, Option<String>>("summary")?
            .map(|text| json::from_text(&text))
            .transpose()?,
    };
    Ok(Some((read(row)?, details)))
}

/// Reads the sweeps that match a filter, the newest first.
pub fn list(connection: &Connection, filter: &SweepFilter) -> Result<Vec<Sweep>> {
    let before: Option<(i64, i64)> =
        filter.before.as_ref().map(|id| page_start(connection, id)).transpose()?;
    let sql = format!(
        "{SELECT}
         WHERE (:strategy_id IS NULL OR strategy_id = :strategy_id)
           AND (:asset_symbol IS NULL OR EXISTS (SELECT 1 FROM json_each(asset_symbols) WHERE value = :asset_symbol))
           AND (:status IS NULL OR status = :status)
           AND (:user_id IS NULL OR user_id = :user_id)
           AND (:number IS NULL OR (created_at, number) < (:created_at, :number))
         ORDER BY created_at DESC, number DESC
         LIMIT :limit"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(named_params! {
        ":strategy_id": filter.strategy_id,
        ":asset_symbol": filter.asset_symbol,
        ":status": filter.status.map(Status::as_str),
        ":user_id": filter.user_id,
        ":created_at": before.map(|(created_at, _)| created_at),
        ":number": before.map(|(_, number)| number),
        ":limit": filter.limit.map_or(-1, i64::from),
    })?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

/// Returns the sort key of the sweep that a page follows.
fn page_start(connection: &Connection, id: &str) -> Result<(i64, i64)> {
    connection
        .query_row("SELECT created_at, number FROM sweeps WHERE id = ?1", [id], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?
        .ok_or_else(|| errors::unknown_page("sweep", id).into())
}

fn read(row: &Row) -> Result<Sweep> {
    let status: String = row.get("status")?;
    let timeframes: Vec<String> = from_column(row, "timeframes")?;
    let timeframes = timeframes.iter().map(|name| {
        Interval::parse(name).ok_or_else(|| damaged(format!("unknown timeframe {name:?}")))
    });
    Ok(Sweep {
        id: row.get("id")?,
        claim: row.get("claim")?,
        user_id: row.get("user_id")?,
        strategy_id: row.get("strategy_id")?,
        strategy_source: row.get("strategy_source")?,
        asset_symbols: from_column(row, "asset_symbols")?,
        timeframes: timeframes.collect::<std::result::Result<_, _>>()?,
        start: row.get("start_date")?,
        end: row.get("end_date")?,
        objective: row.get("objective")?,
        combinations: unsigned(row.get("combinations")?)?,
        done: unsigned(row.get("done")?)?,
        best: row.get("best")?,
        status: Status::parse(&status)
            .ok_or_else(|| damaged(format!("unknown status {status:?}")))?,
        error: row.get("error")?,
        engine_version: row.get("engine_version")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
        completed_at: row.get("completed_at")?,
    })
}

/// Parses a column of JSON.
fn from_column<T: serde::de::DeserializeOwned>(row: &Row, column: &str) -> Result<T> {
    json::from_text(row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?)
}

/// Converts a number of combinations. Numbers beyond the range match no sweep.
pub fn signed(combinations: u64) -> i64 {
    i64::try_from(combinations).unwrap_or(i64::MAX)
}

fn unsigned(combinations: i64) -> Result<u64> {
    Ok(u64::try_from(combinations)
        .map_err(|_| damaged(format!("a sweep has {combinations} combinations")))?)
}
