//! Registered strategies as rows.

use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::context::Context;
use super::json;
use crate::db::postgres::{Failure, SqlParameter, Timestamp};
use crate::store::record::StoredStrategy;

type Result<T> = std::result::Result<T, Failure>;

/// Selects active strategies.
fn select(context: &Context) -> String {
    format!(
        "SELECT id, name, description, strategy_type, parameters_schema::text, default_parameters::text, definition,
           created_at, updated_at, parameter_order
         FROM {}.trading_strategies WHERE is_active",
        context.schema
    )
}

/// Writes a strategy. It replaces one with the same id, except for the time of creation.
pub(super) async fn save(context: &Context, strategy: &StoredStrategy) -> Result<()> {
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
        context.schema
    );
    let schema = json::to_text(&strategy.parameters_schema)?;
    let defaults = json::to_text(&strategy.default_parameters)?;
    let values: [SqlParameter; 10] = [
        (&strategy.id, Type::TEXT),
        (&strategy.name, Type::TEXT),
        (&strategy.description, Type::TEXT),
        (&strategy.kind, Type::TEXT),
        (&schema, Type::TEXT),
        (&defaults, Type::TEXT),
        (&strategy.definition, Type::TEXT),
        (&Timestamp(strategy.created_at), Type::TIMESTAMPTZ),
        (&Timestamp(strategy.updated_at), Type::TIMESTAMPTZ),
        (&json::key_order(&strategy.default_parameters), Type::TEXT_ARRAY),
    ];
    let mut connection = context.pool.get().await?;
    let statements = context.pool.statements(&mut connection).await?;
    statements.execute_typed(&sql, &values).await?;
    statements.commit().await
}

/// Reads a strategy.
pub(super) async fn find(context: &Context, id: &str) -> Result<Option<StoredStrategy>> {
    let sql = format!("{} AND id = $1", select(context));
    let mut connection = context.pool.get().await?;
    let statements = context.pool.statements(&mut connection).await?;
    let rows = statements.query_typed(&sql, &[(&id, Type::TEXT)]).await?;
    rows.first().map(read).transpose()
}

/// Reads every strategy, sorted by the bytes of the id.
pub(super) async fn list(context: &Context) -> Result<Vec<StoredStrategy>> {
    let sql = format!("{} ORDER BY id COLLATE \"C\"", select(context));
    let mut connection = context.pool.get().await?;
    let statements = context.pool.statements(&mut connection).await?;
    statements.query_typed(&sql, &[]).await?.iter().map(read).collect()
}

/// Deletes a strategy. In a retry, an earlier attempt may have deleted it, so it counts as deleted.
pub(super) async fn delete(context: &Context, id: &str, is_retry: bool) -> Result<bool> {
    let sql =
        format!("DELETE FROM {}.trading_strategies WHERE id = $1 AND is_active", context.schema);
    let mut connection = context.pool.get().await?;
    let statements = context.pool.statements(&mut connection).await?;
    let deleted = statements.execute_typed(&sql, &[(&id, Type::TEXT)]).await?;
    statements.commit().await?;
    Ok(deleted > 0 || is_retry)
}

fn read(row: &Row) -> Result<StoredStrategy> {
    Ok(StoredStrategy {
        id: row.try_get(0)?,
        name: row.try_get(1)?,
        description: row.try_get(2)?,
        kind: row.try_get(3)?,
        parameters_schema: json::to_map(row.try_get(4)?, Vec::new())?.into(),
        default_parameters: json::to_map(row.try_get(5)?, row.try_get(9)?)?,
        definition: row.try_get(6)?,
        created_at: row.try_get::<_, Timestamp>(7)?.0,
        updated_at: row.try_get::<_, Timestamp>(8)?.0,
    })
}
