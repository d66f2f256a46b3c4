//! Registered strategies as rows.

use rusqlite::{Connection, Row, named_params};

use super::json;
use crate::db::sqlite::Failure;
use crate::store::record::StoredStrategy;

type Result<T> = std::result::Result<T, Failure>;

/// Selects active strategies.
const SELECT: &str = "
    SELECT id, name, description, strategy_type, parameters_schema, default_parameters, definition, created_at, updated_at
    FROM trading_strategies WHERE is_active = 1";

/// Writes a strategy. It replaces one with the same id, except for the time of creation.
pub fn save(connection: &Connection, strategy: &StoredStrategy) -> Result<()> {
    let sql = "
        INSERT INTO trading_strategies (id, name, description, strategy_type, parameters_schema, default_parameters,
          definition, is_active, created_at, updated_at)
        VALUES (:id, :name, :description, :strategy_type, :parameters_schema, :default_parameters, :definition, 1,
          :created_at, :updated_at)
        ON CONFLICT (id) DO UPDATE SET name = excluded.name, description = excluded.description,
          strategy_type = excluded.strategy_type, parameters_schema = excluded.parameters_schema,
          default_parameters = excluded.default_parameters, definition = excluded.definition,
          created_at = iif(is_active = 1, created_at, excluded.created_at), is_active = 1,
          updated_at = excluded.updated_at";
    connection.prepare_cached(sql)?.execute(named_params! {
        ":id": strategy.id,
        ":name": strategy.name,
        ":description": strategy.description,
        ":strategy_type": strategy.kind,
        ":parameters_schema": json::to_text(&strategy.parameters_schema)?,
        ":default_parameters": json::to_text(&strategy.default_parameters)?,
        ":definition": strategy.definition,
        ":created_at": strategy.created_at,
        ":updated_at": strategy.updated_at,
    })?;
    Ok(())
}

/// Reads a strategy.
pub fn find(connection: &Connection, id: &str) -> Result<Option<StoredStrategy>> {
    let mut statement = connection.prepare_cached(&format!("{SELECT} AND id = ?1"))?;
    let mut rows = statement.query([id])?;
    rows.next()?.map(read).transpose()
}

/// Reads every strategy, sorted by id.
pub fn list(connection: &Connection) -> Result<Vec<StoredStrategy>> {
    let mut statement = connection.prepare_cached(&format!("{SELECT} ORDER BY id"))?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

fn read(row: &Row) -> Result<StoredStrategy> {
    let text = |column: &str| -> Result<&str> {
        Ok(row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?)
    };
    Ok(StoredStrategy {
        id: row.get("id")?,
        name: row.get("name")?,
        description: row.get("description")?,
        kind: row.get("strategy_type")?,
        parameters_schema: json::to_map(text("parameters_schema")?)?.into(),
        default_parameters: json::to_map(text("default_parameters")?)?,
        definition: row.get("definition")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
    })
}
