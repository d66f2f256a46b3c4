//! Which shape the table of prices has: what the catalogue of the server says about its columns and indexes.

use tokio_postgres::Client;
use tokio_postgres::types::Type;

use crate::error::{Error, Result};
use crate::store::postgres::Failure;
use crate::store::postgres::schema::quoted;

/// A table or view of prices.
#[derive(Debug)]
pub(super) struct Table {
    /// As SQL.
    pub sql: String,
    /// For people.
    pub name: String,
    pub asset: Asset,
    pub time: Time,
    pub prices: Prices,
    /// The column as SQL.
    pub volume: Option<String>,
    pub timeframe: Option<Spelled>,
    /// Whether rows have a place: those of a table do, those of a view do not.
    pub placed: bool,
    /// What to say where no index leads to an asset's rows in the order of time.
    pub index_warning: Option<String>,
}

/// How rows name their asset.
#[derive(Debug)]
pub(super) enum Asset {
    /// By its symbol.
    Symbol(Spelled),
    /// By its id in another table; the column and that table as SQL.
    Id { column: String, assets: String },
}

impl Asset {
    /// The condition for the asset whose symbol is the first parameter.
    pub fn condition(&self) -> String {
        match self {
            Self::Symbol(column) => format!("{} = {}", column.sql, column.parameter(1)),
            // Found once, before the rows are looked at.
            Self::Id { column, assets } => {
                format!("{column} = (SELECT id FROM {assets} WHERE symbol = $1)")
            }
        }
    }

    /// The column as SQL.
    pub fn column(&self) -> &str {
        match self {
            Self::Symbol(column) => &column.sql,
            Self::Id { column, .. } => column,
        }
    }
}

/// A column that holds text, or words of an enum type.
#[derive(Debug)]
pub(super) struct Spelled {
    /// The column as SQL.
    pub sql: String,
    /// The type as SQL, where it is not one of text.
    cast: Option<String>,
}

impl Spelled {
    /// A text parameter, in the column's own type, so that an index serves.
    pub fn parameter(&self, number: usize) -> String {
        match &self.cast {
            Some(cast) => format!("${number}::text::{cast}"),
            None => format!("${number}"),
        }
    }
}

/// The column of the times.
#[derive(Debug)]
pub(super) struct Time {
    /// As SQL.
    pub sql: String,
    pub kind: TimeKind,
}

/// What a time is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TimeKind {
    /// `timestamp`, which is UTC.
    Timestamp,
    /// `timestamptz`.
    Timestamptz,
    /// `date`: the midnight at its beginning.
    Date,
    /// A whole number since 1970; how many of them make a second.
    Number(i64),
}

/// The columns of the prices, as SQL.
#[derive(Debug)]
pub(super) enum Prices {
    /// Open, high, low, close.
    Bars([String; 4]),
    /// One price a row.
    Ticks(String),
}

/// One column as the catalogue has it.
#[derive(Debug)]
struct Column {
    name: String,
    /// In small letters and without underscores: `openTime` is `open_time`.
    plain: String,
    number: i16,
    type_schema: String,
    type_name: String,
}

impl Column {
    fn sql(&self) -> String {
        quoted(&self.name)
    }

    fn is_text(&self) -> bool {
        ["text", "varchar", "bpchar", "name"].contains(&self.type_name.as_str())
    }

    fn is_number(&self) -> bool {
        ["numeric", "float8", "float4", "int8", "int4", "int2"].contains(&self.type_name.as_str())
    }

    fn is_time(&self) -> bool {
        ["timestamp", "timestamptz", "date", "int8", "int4"].contains(&self.type_name.as_str())
    }

    fn spelled(&self) -> Spelled {
        let cast = (!self.is_text())
            .then(|| format!("{}.{}", quoted(&self.type_schema), quoted(&self.type_name)));
        Spelled { sql: self.sql(), cast }
    }
}

/// The names that are looked for, the likeliest first.
const TIMES: [&str; 6] = ["timestamp", "ts", "time", "datetime", "date", "opentime"];
const SYMBOLS: [&str; 2] = ["symbol", "assetsymbol"];
const TIMEFRAMES: [&str; 2] = ["timeframe", "interval"];

/// Looks for the table; nothing where there is none.
///
/// # Errors
/// `STORAGE`, listing what was looked for, where the table has neither shape.
pub(super) async fn find(
    client: &Client,
    schema: &str,
    table: &str,
) -> Result<Option<Table>, Failure> {
    let Some((oid, kind)) = relation(client, schema, table).await? else { return Ok(None) };
    let columns = columns(client, oid).await?;
    let name = format!("{schema}.{table}");
    let assets = assets(client, schema).await?;
    let mut found = shape(&columns, assets, &name).map_err(Failure::from)?;
    found.sql = format!("{}.{}", quoted(schema), quoted(table));
    found.placed = matches!(kind.as_str(), "r" | "p" | "m");
    if let TimeKind::Number(unit) = &mut found.time.kind {
        let sql = format!("SELECT max({})::int8 FROM {}", found.time.sql, found.sql);
        let newest: Option<i64> = client.query_typed_one(&sql, &[]).await?.try_get(0)?;
        // Seconds up to the year 5138, milliseconds and microseconds from 1973 on.
        *unit = match newest.unwrap_or(0) {
            ..100_000_000_000 => 1,
            100_000_000_000..100_000_000_000_000 => 1000,
            _ => 1_000_000,
        };
    }
    if found.placed {
        found.index_warning = missing_index(client, oid, &columns, &found).await?;
    }
    Ok(Some(found))
}

async fn relation(
    client: &Client,
    schema: &str,
    table: &str,
) -> Result<Option<(u32, String)>, Failure> {
    let sql = "SELECT c.oid, c.relkind::text FROM pg_catalog.pg_class c
               JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
               WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p', 'v', 'm', 'f')";
    let row = client.query_typed_opt(sql, &[(&schema, Type::TEXT), (&table, Type::TEXT)]).await?;
    row.map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).transpose()
}

async fn columns(client: &Client, oid: u32) -> Result<Vec<Column>, Failure> {
    // information_schema hides what the role may not read; here, the read that follows says so. A domain is what it is made
    // of.
    let sql = "SELECT a.attname::text, a.attnum, n.nspname::text, t.typname::text
               FROM pg_catalog.pg_attribute a
               JOIN pg_catalog.pg_type d ON d.oid = a.atttypid
               JOIN pg_catalog.pg_type t ON t.oid = CASE d.typtype WHEN 'd' THEN d.typbasetype ELSE d.oid END
               JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
               WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum";
    let rows = client.query_typed(sql, &[(&oid, Type::OID)]).await?;
    let read = |row: &tokio_postgres::Row| {
        let name: String = row.try_get(0)?;
        let plain = name.to_lowercase().replace('_', "");
        Ok(Column {
            plain,
            name,
            number: row.try_get(1)?,
            type_schema: row.try_get(2)?,
            type_name: row.try_get(3)?,
        })
    };
    rows.iter().map(read).collect()
}

/// Returns the table of the assets as SQL, where there is one: beside the prices, or else in `public`.
async fn assets(client: &Client, schema: &str) -> Result<Option<String>, Failure> {
    for schema in [schema, "public"] {
        let Some((oid, _)) = relation(client, schema, "assets").await? else { continue };
        let columns = columns(client, oid).await?;
        if ["id", "symbol"].iter().all(|name| columns.iter().any(|column| column.name == *name)) {
            return Ok(Some(format!("{}.\"assets\"", quoted(schema))));
        }
    }
    Ok(None)
}

/// Tells bars from ticks by the columns.
fn shape(columns: &[Column], assets: Option<String>, name: &str) -> Result<Table> {
    let find = |plain: &str| columns.iter().find(|column| column.plain == plain);
    let number = |plain: &str| find(plain).filter(|column| column.is_number()).map(Column::sql);
    let first = |names: &[&str], fits: fn(&Column) -> bool| {
        names.iter().find_map(|name| find(name).filter(|column| fits(column)))
    };
    let time = first(&TIMES, Column::is_time);
    let asset = match (first(&SYMBOLS, |_| true), find("assetid"), assets) {
        (Some(symbol), ..) => Some(Asset::Symbol(symbol.spelled())),
        (None, Some(id), Some(assets)) => Some(Asset::Id { column: id.sql(), assets }),
        // Without a table of assets the id is the symbol.
        (None, Some(id), None) if id.is_text() => Some(Asset::Symbol(id.spelled())),
        _ => None,
    };
    let bars = || Some([number("open")?, number("high")?, number("low")?, number("close")?]);
    let prices = bars().map(Prices::Bars).or_else(|| number("price").map(Prices::Ticks));
    let (Some(time), Some(asset), Some(prices)) = (time, asset, prices) else {
        let there: Vec<String> =
            columns.iter().map(|column| format!("{} {}", column.name, column.type_name)).collect();
        return Err(Error::storage(format!(
            "the table {name} holds neither bars nor ticks. Bars need open, high, low and close, ticks need price (numeric, double \
             precision, real or whole numbers); both need a time (timestamp, ts, time, datetime, date or open_time, of type \
             timestamp, timestamptz, date or bigint) and an asset (symbol, asset_symbol, or asset_id with a table assets that has \
             id and symbol). It has {}. Name another table or view with marketDataTable (MARKET_DATA_TABLE)",
            there.join(", ")
        )));
    };
    let kind = match time.type_name.as_str() {
        "timestamp" => TimeKind::Timestamp,
        "timestamptz" => TimeKind::Timestamptz,
        "date" => TimeKind::Date,
        _ => TimeKind::Number(1),
    };
    let timeframe = match &prices {
        Prices::Bars(_) => first(&TIMEFRAMES, |_| true).map(Column::spelled),
        Prices::Ticks(_) => None,
    };
    Ok(Table {
        sql: String::new(),
        name: name.to_owned(),
        asset,
        time: Time { sql: time.sql(), kind },
        prices,
        volume: number("volume"),
        timeframe,
        placed: false,
        index_warning: None,
    })
}

/// Looks for an index that begins with the asset and has the time in it.
async fn missing_index(
    client: &Client,
    oid: u32,
    columns: &[Column],
    table: &Table,
) -> Result<Option<String>, Failure> {
    let number = |sql: &str| {
        columns
            .iter()
            .find(|column| column.sql() == sql)
            .map(|column| column.number)
            .unwrap_or_default()
    };
    let (asset, time) = (number(table.asset.column()), number(&table.time.sql));
    let sql = "SELECT 1 FROM pg_catalog.pg_index
               WHERE indrelid = $1 AND indisvalid AND indpred IS NULL AND indkey[0] = $2 AND $3 = ANY (indkey) LIMIT 1";
    let parameters: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 3] =
        [(&oid, Type::OID), (&asset, Type::INT2), (&time, Type::INT2)];
    if client.query_typed_opt(sql, &parameters).await?.is_some() {
        return Ok(None);
    }
    let middle = table
        .timeframe
        .as_ref()
        .map(|timeframe| format!("{}, ", timeframe.sql))
        .unwrap_or_default();
    let (asset, time) = (table.asset.column(), &table.time.sql);
    Ok(Some(format!(
        "{} has no index on {asset} and {time}, so every load reads all of it: CREATE INDEX ON {} ({asset}, {middle}{time})",
        table.name, table.sql
    )))
}
