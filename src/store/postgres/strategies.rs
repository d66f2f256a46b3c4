//! Registered strategies as rows.

use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::Shared;
use super::failure::Failure;
use super::runs::{self, Parameter};
use super::values::Moment;
use crate::store::StoredStrategy;

type Done<T> = Result<T, Failure>;

fn select(shared: &Shared) -> String {
    // A row that somebody made inactive is as good as none.
    format!(
        "SELECT id, name, description, strategy_type, parameters_schema::text, default_parameters::text, definition,
           created_at, updated_at, parameter_order
         FROM {}.trading_strategies WHERE is_active",
        shared.schema
    )
}

/// Keeps a strategy; one of the same id is replaced, and the time of its creation stays.
pub(super) async fn save(shared: &Shared, strategy: &StoredStrategy) -> Done<()> {
    let sql = format!(
        "INSERT INTO {}.trading_strategies AS old (id, name, description, strategy_type, parameters_schema,
           default_parameters, definition, is_active, created_at, updated_at, parameter_order)
         VALUES ($1, $2, $3, $4, $5::jsonb, $6::jsonb, $7, true, $8, $9, $10)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, description = excluded.description,
           strategy_type = excluded.strategy_type, parameters_schema = excluded.parameters_schema,
           default_parameters = excluded.default_parameters, parameter_order = excluded.parameter_order,
           definition = excluded.definition,
           created_at = CASE WHEN old.is_active THEN old.created_at ELSE excluded.created_at END,
           is_active = true, updated_at = excluded.updated_at",
        shared.schema
    );
    let schema = runs::json(&strategy.parameters_schema)?;
    let defaults = runs::json(&strategy.default_parameters)?;
    let values: [Parameter; 10] = [
        (&strategy.id, Type::TEXT),
        (&strategy.name, Type::TEXT),
        (&strategy.description, Type::TEXT),
        (&strategy.kind, Type::TEXT),
        (&schema, Type::TEXT),
        (&defaults, Type::TEXT),
        (&strategy.definition, Type::TEXT),
        (&Moment(strategy.created_at), Type::TIMESTAMPTZ),
        (&Moment(strategy.updated_at), Type::TIMESTAMPTZ),
        (&runs::order(&strategy.default_parameters), Type::TEXT_ARRAY),
    ];
    let mut connection = shared.pool.get().await?;
    let alone = shared.pool.alone(&mut connection).await?;
    alone.execute_typed(&sql, &values).await?;
    alone.done().await
}

/// Reads a strategy.
pub(super) async fn find(shared: &Shared, id: &str) -> Done<Option<StoredStrategy>> {
    let sql = format!("{} AND id = $1", select(shared));
    let mut connection = shared.pool.get().await?;
    let alone = shared.pool.alone(&mut connection).await?;
    let rows = alone.query_typed(&sql, &[(&id, Type::TEXT)]).await?;
    rows.first().map(read).transpose()
}

/// Reads every strategy, in the order of the ids by bytes.
pub(super) async fn list(shared: &Shared) -> Done<Vec<StoredStrategy>> {
    let sql = format!("{} ORDER BY id COLLATE \"C\"", select(shared));
    let mut connection = shared.pool.get().await?;
    let alone = shared.pool.alone(&mut connection).await?;
    alone.query_typed(&sql, &[]).await?.iter().map(read).collect()
}

/// Deletes a strategy; one that an attempt whose answer was lost may have deleted counts as there.
pub(super) async fn delete(shared: &Shared, id: &str, again: bool) -> Done<bool> {
    let sql =
        format!("DELETE FROM {}.trading_strategies WHERE id = $1 AND is_active", shared.schema);
    let mut connection = shared.pool.get().await?;
    let alone = shared.pool.alone(&mut connection).await?;
    let deleted = alone.execute_typed(&sql, &[(&id, Type::TEXT)]).await?;
    alone.done().await?;
    Ok(deleted > 0 || again)
}

fn read(row: &Row) -> Done<StoredStrategy> {
    Ok(StoredStrategy {
        id: row.try_get(0)?,
        name: row.try_get(1)?,
        description: row.try_get(2)?,
        kind: row.try_get(3)?,
        parameters_schema: runs::map(row.try_get(4)?, Vec::new())?.into(),
        default_parameters: runs::map(row.try_get(5)?, row.try_get(9)?)?,
        definition: row.try_get(6)?,
        created_at: row.try_get::<_, Moment>(7)?.0,
        updated_at: row.try_get::<_, Moment>(8)?.0,
    })
}
