//! The columns of sweeps, one row for each column of a chunk.

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::json;
use super::sweeps::signed;
use crate::db::encoding::{damaged, encode_floats};
use crate::db::sqlite::Failure;
use crate::store::sweep_check::{StoredColumn, column_checksum, decode_column, in_order};
use crate::store::sweep_record::SweepChunk;

type Result<T> = std::result::Result<T, Failure>;

/// Writes a chunk.
pub fn insert(transaction: &Transaction, id: &str, chunk: &SweepChunk) -> Result<()> {
    let sql = "
        INSERT INTO sweep_columns (sweep_id, first, combinations, name, checksum, data)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let mut statement = transaction.prepare_cached(sql)?;
    for (name, values) in &chunk.columns {
        let data = encode_floats(values);
        let checksum = column_checksum(chunk.from, chunk.count, name, &data);
        let (first, count) = (signed(chunk.from), signed(chunk.count as u64));
        statement.execute(params![id, first, count, name, checksum, data])?;
    }
    Ok(())
}

/// Reads the chunk that has a combination; `None` if there is none.
pub fn chunk(
    connection: &Connection,
    id: &str,
    combination: u64,
    names: Vec<String>,
) -> Result<Option<SweepChunk>> {
    let sql = "
        SELECT first, combinations FROM sweep_columns
        WHERE sweep_id = ?1 AND first <= ?2 ORDER BY first DESC LIMIT 1";
    let place: Option<(i64, i64)> = connection
        .prepare_cached(sql)?
        .query_row(params![id, signed(combination)], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((first, combinations)) = place else { return Ok(None) };
    let place = u64::try_from(first).ok().zip(usize::try_from(combinations).ok());
    let (from, count) = place.ok_or_else(|| {
        damaged(format!("a chunk of sweep {id} has {combinations} combinations from {first}"))
    })?;
    if combination - from >= count as u64 {
        return Ok(None);
    }
    let sql = "
        SELECT name, checksum, data FROM sweep_columns
        WHERE sweep_id = ?1 AND first = ?2 AND name IN (SELECT value FROM json_each(?3))";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![id, first, json::to_text(&names)?])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let column = StoredColumn {
            name: row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?,
            checksum: row.get(1)?,
            data: row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?,
        };
        let values = decode_column::<Failure>(id, (from, count), &column)?;
        found.push((column.name.to_owned(), values));
    }
    Ok(Some(SweepChunk { from, count, columns: in_order(id, from, names, found)? }))
}
