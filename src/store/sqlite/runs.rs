//! Runs as rows.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, named_params, params};

use super::{json, results};
use crate::db::encoding::damaged;
use crate::db::sqlite::Failure;
use crate::market::Interval;
use crate::store::errors::{self, PROCESS_DIED};
use crate::store::record::{Filter, Run, Status, Summary};

type Result<T> = std::result::Result<T, Failure>;

/// Selects runs with the summary of their results, if any.
const SELECT: &str = "
    SELECT runs.*, final_capital, total_return, metrics, warnings, notes, assumptions, outputs
    FROM backtest_runs AS runs LEFT JOIN backtest_results AS results ON results.run_id = runs.id";

/// Keeps a new run.
pub fn create(connection: &Connection, run: &Run, owner: &str) -> Result<()> {
    errors::check_new(run)?;
    if insert(connection, run, owner)? {
        Ok(())
    } else {
        Err(errors::duplicate("backtest", &run.id).into())
    }
}

/// Inserts a run. Returns false if its id is taken.
fn insert(connection: &Connection, run: &Run, owner: &str) -> Result<bool> {
    let sql = "
        INSERT INTO backtest_runs (id, user_id, strategy_id, strategy_source, asset_symbol, timeframe, start_date,
          end_date, initial_capital, parameters, simulation, status, error, engine_version, fingerprint, bars_revision,
          owner, created_at, completed_at)
        VALUES (:id, :user_id, :strategy_id, :strategy_source, :asset_symbol, :timeframe, :start_date, :end_date,
          :initial_capital, :parameters, :simulation, :status, :error, :engine_version, :fingerprint,
          :bars_revision, :owner, :created_at, :completed_at)
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
        ":parameters": json::to_text(&run.parameters)?,
        ":simulation": json::to_text(&run.simulation)?,
        ":status": run.status.as_str(),
        ":error": run.error,
        ":engine_version": run.engine_version,
        ":fingerprint": run.fingerprint,
        ":bars_revision": run.bars_revision,
        ":owner": owner,
        ":created_at": run.created_at,
        ":completed_at": run.completed_at,
    })?;
    Ok(inserted == 1)
}

/// The condition for a run that may still change: an unfinished one, or one that was marked as failed because another
/// process considered its owner dead.
const UNFINISHED: &str = "id = ?1 AND owner = ?2 AND (status IN ('pending', 'running') OR (status = 'failed' AND error = ?3))";

/// Marks a run as running. Inserts it if it does not exist.
pub fn begin(connection: &mut Connection, run: &Run, owner: &str) -> Result<()> {
    let transaction = connection.transaction()?;
    let sql = format!(
        "UPDATE backtest_runs SET status = 'running', error = NULL, completed_at = NULL WHERE {UNFINISHED}"
    );
    if transaction.execute(&sql, params![run.id, owner, PROCESS_DIED])? == 0 {
        match ending(&transaction, &run.id)? {
            None => drop(insert(&transaction, run, owner)?),
            Some(ending) => {
                let error = errors::not_unfinished(&run.id, &ending.status, Status::Running);
                return Err(error.into());
            }
        }
    }
    Ok(transaction.commit()?)
}

/// Writes how a run ended, in the transaction that writes its results. Inserts the run if it does not exist. Returns false if
/// it has ended in the same way before.
pub fn end(transaction: &Transaction, run: &Run, owner: &str) -> Result<bool> {
    if run.status == Status::Cancelled {
        reopen(transaction, &run.id, owner)?;
    }
    let sql = format!(
        "UPDATE backtest_runs SET status = ?4, error = ?5, fingerprint = coalesce(?6, fingerprint), completed_at = ?7
         WHERE {UNFINISHED}"
    );
    let values = params![
        run.id,
        owner,
        PROCESS_DIED,
        run.status.as_str(),
        run.error,
        run.fingerprint,
        run.completed_at
    ];
    if transaction.execute(&sql, values)? == 1 {
        return Ok(true);
    }
    match ending(transaction, &run.id)? {
        None => insert(transaction, run, owner),
        Some(ending) if ending.is_of(run, owner) => Ok(false),
        Some(ending) => Err(errors::not_unfinished(&run.id, &ending.status, run.status).into()),
    }
}

/// Marks a completed run as running and deletes its results, so that it can end in another way.
fn reopen(transaction: &Transaction, id: &str, owner: &str) -> Result<()> {
    let sql = "
        UPDATE backtest_runs SET status = 'running', fingerprint = NULL, completed_at = NULL
        WHERE id = ?1 AND owner = ?2 AND status = 'completed'";
    if transaction.execute(sql, [id, owner])? == 1 {
        transaction.execute("DELETE FROM backtest_trades WHERE run_id = ?1", [id])?;
        transaction.execute("DELETE FROM backtest_results WHERE run_id = ?1", [id])?;
    }
    Ok(())
}

/// How a run ended, and its owner.
struct Ending {
    status: String,
    completed_at: Option<i64>,
    owner: String,
}

impl Ending {
    fn is_of(&self, run: &Run, owner: &str) -> bool {
        self.status == run.status.as_str()
            && self.completed_at == run.completed_at
            && self.owner == owner
    }
}

fn ending(connection: &Connection, id: &str) -> Result<Option<Ending>> {
    let sql = "SELECT status, completed_at, owner FROM backtest_runs WHERE id = ?1";
    let read = |row: &Row| {
        Ok(Ending { status: row.get(0)?, completed_at: row.get(1)?, owner: row.get(2)? })
    };
    Ok(connection.query_row(sql, [id], read).optional()?)
}

/// Reads a run.
pub fn find(connection: &Connection, id: &str) -> Result<Option<Run>> {
    let mut statement = connection.prepare_cached("SELECT * FROM backtest_runs WHERE id = ?1")?;
    let mut rows = statement.query([id])?;
    rows.next()?.map(read).transpose()
}

/// Reads a run with its summary.
pub fn summary(connection: &Connection, id: &str) -> Result<Option<(Run, Option<Summary>)>> {
    let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE runs.id = ?1"))?;
    let mut rows = statement.query([id])?;
    rows.next()?.map(with_summary).transpose()
}

/// Reads the runs that match a filter, the newest first.
pub fn list(connection: &Connection, filter: &Filter) -> Result<Vec<(Run, Option<Summary>)>> {
    let before: Option<(i64, i64)> =
        filter.before.as_ref().map(|id| page_start(connection, id)).transpose()?;
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

/// Returns the sort key of the run that a page follows.
fn page_start(connection: &Connection, id: &str) -> Result<(i64, i64)> {
    connection
        .query_row("SELECT created_at, number FROM backtest_runs WHERE id = ?1", [id], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?
        .ok_or_else(|| errors::unknown_page("backtest", id).into())
}

fn with_summary(row: &Row) -> Result<(Run, Option<Summary>)> {
    let summary = if row.get_ref("metrics")?.data_type() == rusqlite::types::Type::Null {
        None
    } else {
        Some(results::summary(row)?)
    };
    Ok((read(row)?, summary))
}

fn read(row: &Row) -> Result<Run> {
    let (timeframe, status): (String, String) = (row.get("timeframe")?, row.get("status")?);
    Ok(Run {
        id: row.get("id")?,
        user_id: row.get("user_id")?,
        strategy_id: row.get("strategy_id")?,
        strategy_source: row.get("strategy_source")?,
        asset_symbol: row.get("asset_symbol")?,
        timeframe: Interval::parse(&timeframe)
            .ok_or_else(|| damaged(format!("unknown timeframe {timeframe:?}")))?,
        start: row.get("start_date")?,
        end: row.get("end_date")?,
        initial_capital: row.get("initial_capital")?,
        parameters: json::to_map(
            row.get_ref("parameters")?.as_str().map_err(rusqlite::Error::from)?,
        )?,
        simulation: json::to_map(
            row.get_ref("simulation")?.as_str().map_err(rusqlite::Error::from)?,
        )?,
        status: Status::parse(&status)
            .ok_or_else(|| damaged(format!("unknown status {status:?}")))?,
        error: row.get("error")?,
        engine_version: row.get("engine_version")?,
        fingerprint: row.get("fingerprint")?,
        bars_revision: row.get("bars_revision")?,
        created_at: row.get("created_at")?,
        completed_at: row.get("completed_at")?,
    })
}
