//! Runs as rows.

use serde_json::{Map, Value};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row};

use super::failure::Failure;
use super::values::Moment;
use super::{Shared, results};
use crate::error::Error;
use crate::market::Timeframe;
use crate::store::sqlite::blob::damaged;
use crate::store::{Filter, Run, Status, Summary, errors};

type Done<T> = Result<T, Failure>;

/// A value for the server and its type.
pub(crate) type Parameter<'a> = (&'a (dyn ToSql + Sync), Type);

/// What is selected of a run; see [`read`].
const COLUMNS: &str = "runs.id, user_id, strategy_id, strategy_source, asset_symbol, timeframe, start_date, end_date,
    initial_capital, parameters::text, parameter_order, simulation::text, simulation_order, status, error, engine_version,
    fingerprint, created_at, completed_at";

/// What is selected of its results besides.
const SUMMARY: &str = "final_capital, total_return, metrics::text, metric_order, warnings::text";

fn select(shared: &Shared) -> String {
    let schema = &shared.schema;
    format!(
        "SELECT {COLUMNS}, {SUMMARY} FROM {schema}.backtest_runs AS runs
         LEFT JOIN {schema}.backtest_results AS results ON results.run_id = runs.id"
    )
}

/// Keeps a new run; `again` tells that it may be there from an attempt whose answer was lost.
pub async fn create(shared: &Shared, run: &Run, again: bool) -> Done<()> {
    if !matches!(run.status, Status::Pending | Status::Running) {
        return Err(Error::internal(format!(
            "a new backtest cannot be {} already",
            run.status.as_str()
        ))
        .into());
    }
    let sql = format!(
        "INSERT INTO {}.backtest_runs (id, user_id, strategy_id, strategy_source, asset_symbol, timeframe, start_date, end_date,
           initial_capital, parameters, parameter_order, simulation, simulation_order, status, error, engine_version,
           fingerprint, owner, created_at, completed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::jsonb, $11, $12::jsonb, $13, $14, $15, $16, $17, $18, $19, $20)
         ON CONFLICT (id) DO NOTHING",
        shared.schema
    );
    let (parameters, simulation) = (json(&run.parameters)?, json(&run.simulation)?);
    let values: [Parameter; 20] = [
        (&run.id, Type::TEXT),
        (&run.user_id, Type::TEXT),
        (&run.strategy_id, Type::TEXT),
        (&run.strategy_source, Type::TEXT),
        (&run.asset_symbol, Type::TEXT),
        (&run.timeframe.as_str(), Type::TEXT),
        (&Moment(run.start), Type::TIMESTAMPTZ),
        (&Moment(run.end), Type::TIMESTAMPTZ),
        (&run.initial_capital, Type::FLOAT8),
        (&parameters, Type::TEXT),
        (&order(&run.parameters), Type::TEXT_ARRAY),
        (&simulation, Type::TEXT),
        (&order(&run.simulation), Type::TEXT_ARRAY),
        (&run.status.as_str(), Type::TEXT),
        (&run.error, Type::TEXT),
        (&run.engine_version, Type::TEXT),
        (&run.fingerprint, Type::TEXT),
        (&shared.owner.id(), Type::TEXT),
        (&Moment(run.created_at), Type::TIMESTAMPTZ),
        (&run.completed_at.map(Moment), Type::TIMESTAMPTZ),
    ];
    let mut connection = shared.pool.get().await?;
    let alone = shared.pool.alone(&mut connection).await?;
    if alone.execute_typed(&sql, &values).await? == 1 {
        return alone.done().await;
    }
    // Ids are random: one that this engine has given to a run of the same moment is that very run.
    let mine = format!(
        "SELECT 1 FROM {}.backtest_runs WHERE id = $1 AND owner = $2 AND created_at = $3",
        shared.schema
    );
    let values: [Parameter; 3] = [
        (&run.id, Type::TEXT),
        (&shared.owner.id(), Type::TEXT),
        (&Moment(run.created_at), Type::TIMESTAMPTZ),
    ];
    if again && alone.query_typed_opt(&mine, &values).await?.is_some() {
        return Ok(());
    }
    Err(errors::duplicate(&run.id).into())
}

/// Says how far a run has come.
pub async fn update(
    shared: &Shared,
    id: &str,
    status: Status,
    error: Option<&str>,
    completed_at: Option<i64>,
    again: bool,
) -> Done<()> {
    if status == Status::Completed {
        return Err(errors::incomplete(id).into());
    }
    let sql = format!(
        "UPDATE {}.backtest_runs SET status = $2, error = $3, completed_at = $4
         WHERE id = $1 AND status IN ('pending', 'running')",
        shared.schema
    );
    let completed_at = completed_at.map(Moment);
    let values: [Parameter; 4] = [
        (&id, Type::TEXT),
        (&status.as_str(), Type::TEXT),
        (&error, Type::TEXT),
        (&completed_at, Type::TIMESTAMPTZ),
    ];
    let mut connection = shared.pool.get().await?;
    let alone = shared.pool.alone(&mut connection).await?;
    if alone.execute_typed(&sql, &values).await? == 1 {
        return alone.done().await;
    }
    match ended(shared, &alone, id).await? {
        (was, at) if again && was == status.as_str() && at == completed_at => Ok(()),
        (was, _) => Err(errors::ended(id, &was, status).into()),
    }
}

/// Marks a run as completed, within the transaction that keeps its results. Returns false where an earlier attempt, whose
/// answer was lost, has done it already.
pub async fn complete(
    shared: &Shared,
    client: &Client,
    id: &str,
    fingerprint: Option<&str>,
    completed_at: i64,
    again: bool,
) -> Done<bool> {
    let sql = format!(
        "UPDATE {}.backtest_runs
         SET status = 'completed', error = NULL, fingerprint = coalesce($2, fingerprint), completed_at = $3
         WHERE id = $1 AND status IN ('pending', 'running')",
        shared.schema
    );
    let completed_at = Moment(completed_at);
    let values: [Parameter; 3] =
        [(&id, Type::TEXT), (&fingerprint, Type::TEXT), (&completed_at, Type::TIMESTAMPTZ)];
    if client.execute_typed(&sql, &values).await? == 1 {
        return Ok(true);
    }
    match ended(shared, client, id).await? {
        (was, at) if again && was == "completed" && at == Some(completed_at) => Ok(false),
        (was, _) => Err(errors::ended(id, &was, Status::Completed).into()),
    }
}

/// Returns how a run has ended, and when.
async fn ended(shared: &Shared, client: &Client, id: &str) -> Done<(String, Option<Moment>)> {
    let sql =
        format!("SELECT status, completed_at FROM {}.backtest_runs WHERE id = $1", shared.schema);
    let row = client.query_typed(&sql, &[(&id, Type::TEXT)]).await?;
    let row = row.first().ok_or_else(|| errors::not_found(id))?;
    Ok((row.try_get(0)?, row.try_get(1)?))
}

/// Reads a run with its summary.
pub async fn summary(
    shared: &Shared,
    client: &Client,
    id: &str,
) -> Done<Option<(Run, Option<Summary>)>> {
    let rows = client
        .query_typed(&format!("{} WHERE runs.id = $1", select(shared)), &[(&id, Type::TEXT)])
        .await?;
    rows.first().map(with_summary).transpose()
}

/// Reads the runs that a filter lets through.
pub async fn list(shared: &Shared, filter: &Filter) -> Done<Vec<(Run, Option<Summary>)>> {
    let mut connection = shared.pool.get().await?;
    let connection = shared.pool.alone(&mut connection).await?;
    let before: Option<(Moment, i64)> = match &filter.before {
        Some(id) => {
            let sql = format!(
                "SELECT created_at, number FROM {}.backtest_runs WHERE id = $1",
                shared.schema
            );
            let row = connection.query_typed_opt(&sql, &[(id, Type::TEXT)]).await?;
            let row = row.ok_or_else(|| errors::unknown_page(id))?;
            Some((row.try_get(0)?, row.try_get(1)?))
        }
        None => None,
    };
    let sql = format!(
        "{}
         WHERE ($1 IS NULL OR strategy_id = $1) AND ($2 IS NULL OR asset_symbol = $2) AND ($3 IS NULL OR status = $3)
           AND ($4 IS NULL OR user_id = $4) AND ($6 IS NULL OR (created_at, number) < ($5, $6))
         ORDER BY created_at DESC, number DESC LIMIT $7",
        select(shared)
    );
    let values: [Parameter; 7] = [
        (&filter.strategy_id, Type::TEXT),
        (&filter.asset_symbol, Type::TEXT),
        (&filter.status.map(Status::as_str), Type::TEXT),
        (&filter.user_id, Type::TEXT),
        (&before.map(|(created_at, _)| created_at), Type::TIMESTAMPTZ),
        (&before.map(|(_, number)| number), Type::INT8),
        (&filter.limit.map(i64::from), Type::INT8),
    ];
    connection.query_typed(&sql, &values).await?.iter().map(with_summary).collect()
}

fn with_summary(row: &Row) -> Done<(Run, Option<Summary>)> {
    let summary = match row.try_get::<_, Option<f64>>(19)? {
        Some(_) => Some(results::summary(row, 19)?),
        None => None,
    };
    Ok((read(row)?, summary))
}

/// Reads a run from a row that begins with [`COLUMNS`].
fn read(row: &Row) -> Done<Run> {
    let (timeframe, status): (&str, &str) = (row.try_get(5)?, row.try_get(13)?);
    Ok(Run {
        id: row.try_get(0)?,
        user_id: row.try_get(1)?,
        strategy_id: row.try_get(2)?,
        strategy_source: row.try_get(3)?,
        asset_symbol: row.try_get(4)?,
        timeframe: Timeframe::parse(timeframe)
            .ok_or_else(|| damaged(format!("unknown timeframe {timeframe:?}")))?,
        start: row.try_get::<_, Moment>(6)?.0,
        end: row.try_get::<_, Moment>(7)?.0,
        initial_capital: row.try_get(8)?,
        parameters: map(row.try_get(9)?, row.try_get(10)?)?,
        simulation: map(row.try_get(11)?, row.try_get(12)?)?,
        status: Status::parse(status)
            .ok_or_else(|| damaged(format!("unknown status {status:?}")))?,
        error: row.try_get(14)?,
        engine_version: row.try_get(15)?,
        fingerprint: row.try_get(16)?,
        created_at: row.try_get::<_, Moment>(17)?.0,
        completed_at: row.try_get::<_, Option<Moment>>(18)?.map(|moment| moment.0),
    })
}

/// Writes JSON.
pub(super) fn json(value: &impl serde::Serialize) -> Done<String> {
    Ok(serde_json::to_string(value)
        .map_err(|error| Error::internal(format!("cannot be kept as JSON: {error}")))?)
}

/// Returns the keys in their order, which jsonb does not keep.
pub(super) fn order(map: &Map<String, Value>) -> Vec<&str> {
    map.keys().map(String::as_str).collect()
}

/// Reads a JSON object, with its keys in their order; those of which it says nothing come last.
pub(super) fn map(text: &str, order: Vec<&str>) -> Done<Map<String, Value>> {
    let mut found: Map<String, Value> =
        serde_json::from_str(text).map_err(|error| damaged(format!("broken JSON: {error}")))?;
    let mut ordered = Map::new();
    for key in order {
        if let Some(value) = found.remove(key) {
            ordered.insert(key.to_owned(), value);
        }
    }
    ordered.append(&mut found);
    Ok(ordered)
}
