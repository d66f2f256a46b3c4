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
use crate::store::{DIED, Filter, Run, Status, Summary, errors};

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
    let mut connection = shared.pool.get().await?;
    let alone = shared.pool.alone(&mut connection).await?;
    if insert(shared, &alone, run).await? {
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

/// Writes a run; returns false if its id is taken.
async fn insert(shared: &Shared, client: &Client, run: &Run) -> Done<bool> {
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
    Ok(client.execute_typed(&sql, &values).await? == 1)
}

/// Which runs of an owner may still change: those under way, and those that were marked as failed because somebody took the
/// owner for dead.
const UNFINISHED: &str = "id = $1 AND owner = $2 AND (status IN ('pending', 'running') OR (status = 'failed' AND error = $3))";

/// Notes that a run is under way; writes it if it is gone.
pub async fn begin(shared: &Shared, run: &Run) -> Done<()> {
    let sql = format!(
        "UPDATE {}.backtest_runs SET status = 'running', error = NULL, completed_at = NULL WHERE {UNFINISHED}",
        shared.schema
    );
    let values: [Parameter; 3] =
        [(&run.id, Type::TEXT), (&shared.owner.id(), Type::TEXT), (&DIED, Type::TEXT)];
    let mut connection = shared.pool.get().await?;
    let transaction = shared.pool.begin(&mut connection).await?;
    let client = transaction.client();
    if client.execute_typed(&sql, &values).await? == 0 {
        match ending(shared, client, &run.id).await? {
            None => drop(insert(shared, client, run).await?),
            Some(ending) => return Err(ending.differs(&run.id, Status::Running).into()),
        }
    }
    Ok(transaction.commit().await?)
}

/// Writes how a run ended, within the transaction that keeps its results; writes the run itself if it is gone. Returns
/// false if it has ended in just this way before, perhaps by an attempt whose answer was lost.
pub async fn end(shared: &Shared, client: &Client, run: &Run) -> Done<bool> {
    let sql = format!(
        "UPDATE {}.backtest_runs
         SET status = $4, error = $5, fingerprint = coalesce($6, fingerprint), completed_at = $7 WHERE {UNFINISHED}",
        shared.schema
    );
    let completed_at = run.completed_at.map(Moment);
    let values: [Parameter; 7] = [
        (&run.id, Type::TEXT),
        (&shared.owner.id(), Type::TEXT),
        (&DIED, Type::TEXT),
        (&run.status.as_str(), Type::TEXT),
        (&run.error, Type::TEXT),
        (&run.fingerprint, Type::TEXT),
        (&completed_at, Type::TIMESTAMPTZ),
    ];
    if client.execute_typed(&sql, &values).await? == 1 {
        return Ok(true);
    }
    match ending(shared, client, &run.id).await? {
        None => insert(shared, client, run).await,
        Some(ending) if ending.is_of(run, shared.owner.id()) => Ok(false),
        Some(ending) => Err(ending.differs(&run.id, run.status).into()),
    }
}

/// How a run ended, and whose it is.
struct Ending {
    status: String,
    completed_at: Option<Moment>,
    owner: String,
}

impl Ending {
    fn is_of(&self, run: &Run, owner: &str) -> bool {
        self.status == run.status.as_str()
            && self.completed_at == run.completed_at.map(Moment)
            && self.owner == owner
    }

    fn differs(&self, id: &str, becomes: Status) -> Error {
        match self.status.as_str() {
            "pending" | "running" => errors::foreign(id),
            status => errors::ended(id, status, becomes),
        }
    }
}

async fn ending(shared: &Shared, client: &Client, id: &str) -> Done<Option<Ending>> {
    let sql = format!(
        "SELECT status, completed_at, owner FROM {}.backtest_runs WHERE id = $1",
        shared.schema
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
