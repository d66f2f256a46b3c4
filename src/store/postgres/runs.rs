//! Runs as rows.

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Row};

use super::context::Context;
use super::{json, results};
use crate::db::encoding::damaged;
use crate::db::postgres::{Failure, SqlParameter, Timestamp};
use crate::market::Interval;
use crate::store::errors::{self, PROCESS_DIED};
use crate::store::record::{Filter, Outcome, Run, Status, Summary};

type Result<T> = std::result::Result<T, Failure>;

/// The columns of a run; see [`read`].
const COLUMNS: &str = "runs.id, user_id, strategy_id, strategy_source, asset_symbol, timeframe, start_date, end_date,
    initial_capital, parameters::text, parameter_order, simulation::text, simulation_order, status, error, engine_version,
    fingerprint, created_at, completed_at, bars_revision";

/// The columns of the summary of its results.
const SUMMARY_COLUMNS: &str =
    "final_capital, total_return, metrics::text, metric_order, warnings::text, notes::text,
     assumptions::text, outputs::text";

/// Selects runs with the summary of their results, if any.
fn select(context: &Context) -> String {
    let schema = &context.schema;
    format!(
        "SELECT {COLUMNS}, {SUMMARY_COLUMNS} FROM {schema}.backtest_runs AS runs
         LEFT JOIN {schema}.backtest_results AS results ON results.run_id = runs.id"
    )
}

/// Writes a new run. In a retry, an earlier attempt may have written it.
pub(super) async fn create(context: &Context, run: &Run, is_retry: bool) -> Result<()> {
    errors::check_new(run)?;
    let mut connection = context.pool.get().await?;
    let statements = context.pool.statements(&mut connection).await?;
    if insert(context, &statements, run).await? {
        return statements.commit().await;
    }
    // Ids are random, so a run of this engine with the same id and time of creation is this run.
    let same_run = format!(
        "SELECT 1 FROM {}.backtest_runs WHERE id = $1 AND owner = $2 AND created_at = $3",
        context.schema
    );
    let values: [SqlParameter; 3] = [
        (&run.id, Type::TEXT),
        (&context.engine_id, Type::TEXT),
        (&Timestamp(run.created_at), Type::TIMESTAMPTZ),
    ];
    if is_retry && statements.query_typed_opt(&same_run, &values).await?.is_some() {
        return Ok(());
    }
    Err(errors::duplicate("backtest", &run.id).into())
}

/// Inserts a run. Returns false if its id is taken.
async fn insert(context: &Context, client: &Client, run: &Run) -> Result<bool> {
    let sql = format!(
        "INSERT INTO {}.backtest_runs (id, user_id, strategy_id, strategy_source, asset_symbol, timeframe, start_date, end_date,
           initial_capital, parameters, parameter_order, simulation, simulation_order, status, error, engine_version,
           fingerprint, owner, created_at, completed_at, bars_revision)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::jsonb, $11, $12::jsonb, $13, $14, $15, $16, $17, $18, $19, $20, $21)
         ON CONFLICT (id) DO NOTHING",
        context.schema
    );
    let (parameters, simulation) =
        (json::to_text(&run.parameters)?, json::to_text(&run.simulation)?);
    let values: [SqlParameter; 21] = [
        (&run.id, Type::TEXT),
        (&run.user_id, Type::TEXT),
        (&run.strategy_id, Type::TEXT),
        (&run.strategy_source, Type::TEXT),
        (&run.asset_symbol, Type::TEXT),
        (&run.timeframe.as_str(), Type::TEXT),
        (&Timestamp(run.start), Type::TIMESTAMPTZ),
        (&Timestamp(run.end), Type::TIMESTAMPTZ),
        (&run.initial_capital, Type::FLOAT8),
        (&parameters, Type::TEXT),
        (&json::key_order(&run.parameters), Type::TEXT_ARRAY),
        (&simulation, Type::TEXT),
        (&json::key_order(&run.simulation), Type::TEXT_ARRAY),
        (&run.status.as_str(), Type::TEXT),
        (&run.error, Type::TEXT),
        (&run.engine_version, Type::TEXT),
        (&run.fingerprint, Type::TEXT),
        (&context.engine_id, Type::TEXT),
        (&Timestamp(run.created_at), Type::TIMESTAMPTZ),
        (&run.completed_at.map(Timestamp), Type::TIMESTAMPTZ),
        (&run.bars_revision, Type::INT8),
    ];
    Ok(client.execute_typed(&sql, &values).await? == 1)
}

/// The condition for a run that may still change: an unfinished one, or one that was marked as failed because another
/// engine considered its owner dead.
const UNFINISHED: &str = "id = $1 AND owner = $2 AND (status IN ('pending', 'running') OR (status = 'failed' AND error = $3))";

/// Marks a run as running. Inserts it if it does not exist.
pub(super) async fn begin(context: &Context, run: &Run) -> Result<()> {
    let sql = format!(
        "UPDATE {}.backtest_runs SET status = 'running', error = NULL, completed_at = NULL WHERE {UNFINISHED}",
        context.schema
    );
    let values: [SqlParameter; 3] =
        [(&run.id, Type::TEXT), (&context.engine_id, Type::TEXT), (&PROCESS_DIED, Type::TEXT)];
    let mut connection = context.pool.get().await?;
    let transaction = context.pool.begin(&mut connection).await?;
    let client = transaction.client();
    if client.execute_typed(&sql, &values).await? == 0 {
        match ending(context, client, &run.id).await? {
            None => drop(insert(context, client, run).await?),
            Some(ending) => {
                let error = errors::not_unfinished(&run.id, &ending.status, Status::Running);
                return Err(error.into());
            }
        }
    }
    Ok(transaction.commit().await?)
}

/// Writes how a run ended and its outcome, in one transaction.
pub(super) async fn end(context: &Context, run: &Run, outcome: Option<&Outcome>) -> Result<()> {
    let mut connection = context.pool.get().await?;
    let transaction = context.pool.begin(&mut connection).await?;
    let is_new = update_end(context, transaction.client(), run).await?;
    if let Some(outcome) = outcome.filter(|_| is_new) {
        results::insert(context, &transaction, &run.id, outcome).await?;
    }
    Ok(transaction.commit().await?)
}

/// Writes how a run ended. Inserts the run if it does not exist. Returns false if it has ended in the same way before, perhaps
/// in an attempt whose response was lost.
async fn update_end(context: &Context, client: &Client, run: &Run) -> Result<bool> {
    if run.status == Status::Cancelled {
        reopen(context, client, &run.id).await?;
    }
    let sql = format!(
        "UPDATE {}.backtest_runs
         SET status = $4, error = $5, fingerprint = coalesce($6, fingerprint), completed_at = $7 WHERE {UNFINISHED}",
        context.schema
    );
    let completed_at = run.completed_at.map(Timestamp);
    let values: [SqlParameter; 7] = [
        (&run.id, Type::TEXT),
        (&context.engine_id, Type::TEXT),
        (&PROCESS_DIED, Type::TEXT),
        (&run.status.as_str(), Type::TEXT),
        (&run.error, Type::TEXT),
        (&run.fingerprint, Type::TEXT),
        (&completed_at, Type::TIMESTAMPTZ),
    ];
    if client.execute_typed(&sql, &values).await? == 1 {
        return Ok(true);
    }
    match ending(context, client, &run.id).await? {
        None => insert(context, client, run).await,
        Some(ending) if ending.is_of(run, &context.engine_id) => Ok(false),
        Some(ending) => Err(errors::not_unfinished(&run.id, &ending.status, run.status).into()),
    }
}

/// Marks a completed run as running and deletes its results, so that it can end in another way.
async fn reopen(context: &Context, client: &Client, id: &str) -> Result<()> {
    let schema = &context.schema;
    let sql = format!(
        "UPDATE {schema}.backtest_runs SET status = 'running', fingerprint = NULL, completed_at = NULL
         WHERE id = $1 AND owner = $2 AND status = 'completed'"
    );
    let values: [SqlParameter; 2] = [(&id, Type::TEXT), (&context.engine_id, Type::TEXT)];
    if client.execute_typed(&sql, &values).await? == 1 {
        for table in ["backtest_trades", "backtest_results"] {
            let sql = format!("DELETE FROM {schema}.{table} WHERE run_id = $1");
            client.execute_typed(&sql, &[(&id, Type::TEXT)]).await?;
        }
    }
    Ok(())
}

/// How a run ended, and its owner.
struct Ending {
    status: String,
    completed_at: Option<Timestamp>,
    owner: String,
}

impl Ending {
    fn is_of(&self, run: &Run, owner: &str) -> bool {
        self.status == run.status.as_str()
            && self.completed_at == run.completed_at.map(Timestamp)
            && self.owner == owner
    }
}

async fn ending(context: &Context, client: &Client, id: &str) -> Result<Option<Ending>> {
    let sql = format!(
        "SELECT status, completed_at, owner FROM {}.backtest_runs WHERE id = $1",
        context.schema
    );
    let row = client.query_typed_opt(&sql, &[(&id, Type::TEXT)]).await?;
    let read = |row: &Row| {
        Ok(Ending {
            status: row.try_get(0)?,
            completed_at: row.try_get(1)?,
            owner: row.try_get(2)?,
        })
    };
    row.as_ref().map(read).transpose()
}

/// Reads a run with its outcome, both from one snapshot.
pub(super) async fn find(context: &Context, id: &str) -> Result<Option<(Run, Option<Outcome>)>> {
    let mut connection = context.pool.get().await?;
    let transaction = context.pool.begin(&mut connection).await?;
    transaction.batch_execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY").await?;
    let found = match summary(context, transaction.client(), id).await? {
        Some((run, Some(summary))) => {
            Some((run, Some(results::outcome(context, &transaction, id, summary).await?)))
        }
        Some((run, None)) => Some((run, None)),
        None => None,
    };
    transaction.commit().await?;
    Ok(found)
}

/// Reads a run with its summary.
pub(super) async fn find_summary(
    context: &Context,
    id: &str,
) -> Result<Option<(Run, Option<Summary>)>> {
    let mut connection = context.pool.get().await?;
    summary(context, &*context.pool.statements(&mut connection).await?, id).await
}

async fn summary(
    context: &Context,
    client: &Client,
    id: &str,
) -> Result<Option<(Run, Option<Summary>)>> {
    let rows = client
        .query_typed(&format!("{} WHERE runs.id = $1", select(context)), &[(&id, Type::TEXT)])
        .await?;
    rows.first().map(with_summary).transpose()
}

/// Reads the runs that match a filter, the newest first.
pub(super) async fn list(
    context: &Context,
    filter: &Filter,
) -> Result<Vec<(Run, Option<Summary>)>> {
    let mut connection = context.pool.get().await?;
    let statements = context.pool.statements(&mut connection).await?;
    let before: Option<(Timestamp, i64)> = match &filter.before {
        Some(id) => {
            let sql = format!(
                "SELECT created_at, number FROM {}.backtest_runs WHERE id = $1",
                context.schema
            );
            let row = statements.query_typed_opt(&sql, &[(id, Type::TEXT)]).await?;
            let row = row.ok_or_else(|| errors::unknown_page("backtest", id))?;
            Some((row.try_get(0)?, row.try_get(1)?))
        }
        None => None,
    };
    let sql = format!(
        "{}
         WHERE ($1 IS NULL OR strategy_id = $1) AND ($2 IS NULL OR asset_symbol = $2) AND ($3 IS NULL OR status = $3)
           AND ($4 IS NULL OR user_id = $4) AND ($6 IS NULL OR (created_at, number) < ($5, $6))
         ORDER BY created_at DESC, number DESC LIMIT $7",
        select(context)
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
    statements.query_typed(&sql, &values).await?.iter().map(with_summary).collect()
}

fn with_summary(row: &Row) -> Result<(Run, Option<Summary>)> {
    let summary = match row.try_get::<_, Option<f64>>(20)? {
        Some(_) => Some(results::summary(row, 20)?),
        None => None,
    };
    Ok((read(row)?, summary))
}

/// Reads a run from a row that begins with [`COLUMNS`].
fn read(row: &Row) -> Result<Run> {
    let (timeframe, status): (&str, &str) = (row.try_get(5)?, row.try_get(13)?);
    Ok(Run {
        id: row.try_get(0)?,
        user_id: row.try_get(1)?,
        strategy_id: row.try_get(2)?,
        strategy_source: row.try_get(3)?,
        asset_symbol: row.try_get(4)?,
        timeframe: Interval::parse(timeframe)
            .ok_or_else(|| damaged(format!("unknown timeframe {timeframe:?}")))?,
        start: row.try_get::<_, Timestamp>(6)?.0,
        end: row.try_get::<_, Timestamp>(7)?.0,
        initial_capital: row.try_get(8)?,
        parameters: json::to_map(row.try_get(9)?, row.try_get(10)?)?,
        simulation: json::to_map(row.try_get(11)?, row.try_get(12)?)?,
        status: Status::parse(status)
            .ok_or_else(|| damaged(format!("unknown status {status:?}")))?,
        error: row.try_get(14)?,
        engine_version: row.try_get(15)?,
        fingerprint: row.try_get(16)?,
        created_at: row.try_get::<_, Timestamp>(17)?.0,
        completed_at: row.try_get::<_, Option<Timestamp>>(18)?.map(|timestamp| timestamp.0),
        bars_revision: row.try_get(19)?,
    })
}

/// Deletes a run. In a retry, an earlier attempt may have deleted it, so it counts as deleted.
pub(super) async fn delete(context: &Context, id: &str, is_retry: bool) -> Result<bool> {
    let sql = format!("DELETE FROM {}.backtest_runs WHERE id = $1", context.schema);
    let mut connection = context.pool.get().await?;
    let statements = context.pool.statements(&mut connection).await?;
    let deleted = statements.execute_typed(&sql, &[(&id, Type::TEXT)]).await?;
    statements.commit().await?;
    Ok(deleted > 0 || is_retry)
}
