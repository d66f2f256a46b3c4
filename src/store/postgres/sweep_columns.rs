//! The columns of sweeps, one row for each column of a chunk.

use deadpool_postgres::Transaction;
use tokio_postgres::types::Type;

use super::context::Context;
use crate::db::encoding::{damaged, encode_floats};
use crate::db::postgres::{Failure, SqlParameter};
use crate::store::sweep_check::{StoredColumn, column_checksum, decode_column, in_order};
use crate::store::sweep_record::SweepChunk;

type Result<T> = std::result::Result<T, Failure>;

/// Writes a chunk.
pub(super) async fn insert(
    context: &Context,
    transaction: &Transaction<'_>,
    id: &str,
    chunk: &SweepChunk,
) -> Result<()> {
    let sql = format!(
        "INSERT INTO {}.sweep_columns (sweep_id, first, combinations, name, checksum, data)
         VALUES ($1, $2, $3, $4, $5, $6)",
        context.schema
    );
    let first = i64::try_from(chunk.from).unwrap_or(i64::MAX);
    let count = i64::try_from(chunk.count).unwrap_or(i64::MAX);
    for (name, values) in &chunk.columns {
        let data = encode_floats(values);
        let checksum = column_checksum(chunk.from, chunk.count, name, &data);
        let values: [SqlParameter; 6] = [
            (&id, Type::TEXT),
            (&first, Type::INT8),
            (&count, Type::INT8),
            (name, Type::TEXT),
            (&checksum, Type::INT8),
            (&data, Type::BYTEA),
        ];
        transaction.execute_typed(&sql, &values).await?;
    }
    Ok(())
}

/// Reads the chunk that has a combination; `None` if there is none.
pub(super) async fn chunk(
    context: &Context,
    id: &str,
    combination: u64,
    names: Vec<String>,
) -> Result<Option<SweepChunk>> {
    let schema = &context.schema;
    let mut connection = context.pool.get().await?;
    let statements = context.pool.statements(&mut connection).await?;
    // One statement, so that the place and the columns are from one snapshot. Without names, the place alone is found.
    let sql = format!(
        "SELECT place.first, place.combinations, name, checksum, data
         FROM (SELECT first, combinations FROM {schema}.sweep_columns
               WHERE sweep_id = $1 AND first <= $2 ORDER BY first DESC LIMIT 1) AS place
         LEFT JOIN {schema}.sweep_columns AS columns
           ON columns.sweep_id = $1 AND columns.first = place.first AND columns.name = ANY($3)
              AND $2 < place.first + place.combinations"
    );
    let combination_number = i64::try_from(combination).unwrap_or(i64::MAX);
    let values: [SqlParameter; 3] =
        [(&id, Type::TEXT), (&combination_number, Type::INT8), (&names, Type::TEXT_ARRAY)];
    let rows = statements.query_typed(&sql, &values).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let (first, combinations): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
    let place = u64::try_from(first).ok().zip(usize::try_from(combinations).ok());
    let (from, count) = place.ok_or_else(|| {
        damaged(format!("a chunk of sweep {id} has {combinations} combinations from {first}"))
    })?;
    if combination - from >= count as u64 {
        return Ok(None);
    }
    let mut found = Vec::new();
    for row in &rows {
        let Some(name) = row.try_get::<_, Option<&str>>(2)? else { continue };
        let column = StoredColumn { name, checksum: row.try_get(3)?, data: row.try_get(4)? };
        found.push((name.to_owned(), decode_column::<Failure>(id, (from, count), &column)?));
    }
    Ok(Some(SweepChunk { from, count, columns: in_order(id, from, names, found)? }))
}
