//! Runs as rows.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, named_params, params};
use serde_json::{Map, Value};

use super::blob::damaged;
use super::{Failure, results};
use crate::error::Error;
use crate::market::Timeframe;
use crate::store::{Filter, Run, Status, Summary, errors};

type Outcome<T> = std::result::Result<T, Failure>;

/// What is selected of a run, with the summary of its results where there are any.
const SELECT: &str = "
    SELECT runs.*, final_capital, total_return, metrics, warnings
    FROM backtest_runs AS runs LEFT JOIN backtest_results AS results ON results.run_id = runs.id";

/// Keeps a new run.
pub fn create(connection: &Connection, run: &Run, owner: &str) -> Outcome<()> {
    if !matches!(run.status, Status::Pending | Status::Running) {
        return Err(Error::internal(format!(
            "a new backtest cannot be {} already",
            run.status.as_str()
        ))
        .into());
    }
    let sql = "
        INSERT INTO backtest_runs (id, user_id, strategy_id, strategy_source, asset_symbol, timeframe, start_date,
          end_date, initial_capital, parameters, simulation, status, error, engine_version, fingerprint, owner, created_at,
          completed_at)
        VALUES (:id, :user_id, :strategy_id, :strategy_source, :asset_symbol, :timeframe, :start_date, :end_date,
          :initial_capital, :parameters, :simulation, :status, :error, :engine_version, :fingerprint, :owner, :created_at,
          :completed_at)
        ON CONFLICT (id) DO NOTHING";
    let inserted = connection.prepare_cached(sql)?.execute(named_params! {
        ":id": run.id,
        ":user_id": run.user_id,
        ":strategy_id": run.strategy_id,
        ":strategy_source": run.strategy_source,
        ":asset_symbol": run.asset_symbol,
        ":timeframe": run.timeframe.as_str(),
        ":start_date": run.start,
        ":end_date": run.end,
        ":initial_capital": run.initial_capital,
        ":parameters": json(&run.parameters)?,
        ":simulation": json(&run.simulation)?,
        ":status": run.status.as_str(),
        ":error": run.error,
        ":engine_version": run.engine_version,
        ":fingerprint": run.fingerprint,
        ":owner": owner,
        ":created_at": run.created_at,
        ":completed_at": run.completed_at,
    })?;
    if inserted == 0 { Err(errors::duplicate(&run.id).into()) } else { Ok(()) }
}

/// Says how far a run has come.
pub fn update(
    connection: &mut Connection,
    id: &str,
    status: Status,
    error: Option<&str>,
    completed_at: Option<i64>,
) -> Outcome<()> {
    if status == Status::Completed {
        return Err(errors::incomplete(id).into());
    }
    let transaction = connection.transaction()?;
    check_unfinished(&transaction, id, status)?;
    transaction.execute(
        "UPDATE backtest_runs SET status = ?2, error = ?3, completed_at = ?4 WHERE id = ?1",
        params![id, status.as_str(), error, completed_at],
    )?;
    Ok(transaction.commit()?)
}

/// Marks a run as completed, within the transaction that keeps its results.
pub fn complete(
    transaction: &Transaction,
    id: &str,
    fingerprint: Option<&str>,
    completed_at: i64,
) -> Outcome<()> {
    check_unfinished(transaction, id, Status::Completed)?;
    transaction.execute(
        "UPDATE backtest_runs
         SET status = 'completed', error = NULL, fingerprint = coalesce(?2, fingerprint), completed_at = ?3 WHERE id = ?1",
        params![id, fingerprint, completed_at],
    )?;
    Ok(())
}

fn check_unfinished(transaction: &Transaction, id: &str, becomes: Status) -> Outcome<()> {
    let status: Option<String> = transaction
        .query_row("SELECT status FROM backtest_runs WHERE id = ?1", [id], |row| row.get(0))
        .optional()?;
    match status.as_deref() {
        None => Err(errors::not_found(id).into()),
        Some("pending" | "running") => Ok(()),
        Some(ended) => Err(errors::ended(id, ended, becomes).into()),
    }
}

/// Reads a run.
pub fn find(connection: &Connection, id: &str) -> Outcome<Option<Run>> {
    let mut statement = connection.prepare_cached("SELECT * FROM backtest_runs WHERE id = ?1")?;
    let mut rows = statement.query([id])?;
    rows.next()?.map(read).transpose()
}

/// Reads a run with its summary.
pub fn summary(connection: &Connection, id: &str) -> Outcome<Option<(Run, Option<Summary>)>> {
    let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE runs.id = ?1"))?;
    let mut rows = statement.query([id])?;
    rows.next()?.map(with_summary).transpose()
}

/// Reads the runs that a filter lets through.
pub fn list(connection: &Connection, filter: &Filter) -> Outcome<Vec<(Run, Option<Summary>)>> {
    let before: Option<(i64, i64)> =
        filter.before.as_ref().map(|id| place(connection, id)).transpose()?;
    let sql = format!(
        "{SELECT}
         WHERE (:strategy_id IS NULL OR strategy_id = :strategy_id)
           AND (:asset_symbol IS NULL OR asset_symbol = :asset_symbol)
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
        found.push(with_summary(row)?);
    }
    Ok(found)
}

fn place(connection: &Connection, id: &str) -> Outcome<(i64, i64)> {
    connection
        .query_row("SELECT created_at, number FROM backtest_runs WHERE id = ?1", [id], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?
        .ok_or_else(|| errors::unknown_page(id).into())
}

fn with_summary(row: &Row) -> Outcome<(Run, Option<Summary>)> {
    let summary = if row.get_ref("metrics")?.data_type() == rusqlite::types::Type::Null {
        None
    } else {
        Some(results::summary(row)?)
    };
    Ok((read(row)?, summary))
}

fn read(row: &Row) -> Outcome<Run> {
    let (timeframe, status): (String, String) = (row.get("timeframe")?, row.get("status")?);
    Ok(Run {
        id: row.get("id")?,
        user_id: row.get("user_id")?,
        strategy_id: row.get("strategy_id")?,
        strategy_source: row.get("strategy_source")?,
        asset_symbol: row.get("asset_symbol")?,
        timeframe: Timeframe::parse(&timeframe)
            .ok_or_else(|| damaged(format!("unknown timeframe {timeframe:?}")))?,
        start: row.get("start_date")?,
        end: row.get("end_date")?,
        initial_capital: row.get("initial_capital")?,
        parameters: map(row.get_ref("parameters")?.as_str().map_err(rusqlite::Error::from)?)?,
        simulation: map(row.get_ref("simulation")?.as_str().map_err(rusqlite::Error::from)?)?,
        status: Status::parse(&status)
            .ok_or_else(|| damaged(format!("unknown status {status:?}")))?,
        error: row.get("error")?,
        engine_version: row.get("engine_version")?,
        fingerprint: row.get("fingerprint")?,
        created_at: row.get("created_at")?,
        completed_at: row.get("completed_at")?,
    })
}

/// Writes JSON.
pub fn json(value: &impl serde::Serialize) -> Outcome<String> {
    Ok(serde_json::to_string(value)
        .map_err(|error| Error::internal(format!("cannot be kept as JSON: {error}")))?)
}

/// Reads a JSON object.
pub fn map(text: &str) -> Outcome<Map<String, Value>> {
    Ok(serde_json::from_str(text).map_err(|error| damaged(format!("broken JSON: {error}")))?)
}
