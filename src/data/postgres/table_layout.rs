//! The layout of a price table, from the system catalog.

use tokio_postgres::Client;
use tokio_postgres::types::Type;

use crate::db::postgres::{Failure, SqlParameter, quote_identifier};
use crate::error::{Error, Result};
use crate::market::raw::{SECONDS_1980, SECONDS_2100, TimeUnit};

/// A table or view with prices, and its columns.
#[derive(Debug)]
pub(super) struct TableLayout {
    /// The qualified name as SQL.
    pub sql: String,
    /// The qualified name for people.
    pub name: String,
    /// The column of the asset.
    pub asset: AssetColumn,
    /// The column of the time.
    pub time: TimeColumn,
    /// The columns of the prices.
    pub prices: PriceColumns,
    /// The column of the volume as SQL.
    pub volume: Option<String>,
    /// The column of the timeframe; never in a table of ticks.
    pub timeframe: Option<TextColumn>,
    /// Whether rows have a position (`ctid`). Those of a view have none.
    pub has_row_positions: bool,
    /// The warning about a missing index on asset and time.
    pub index_warning: Option<String>,
}

impl TableLayout {
    /// Returns whether the rows are ticks.
    pub fn is_ticks(&self) -> bool {
        matches!(self.prices, PriceColumns::Tick(_))
    }
}

/// How rows refer to their asset.
#[derive(Debug)]
pub(super) enum AssetColumn {
    /// By symbol.
    Symbol(TextColumn),
    /// By an id in another table; column and table as SQL.
    Id { column: String, assets: String },
}

impl AssetColumn {
    /// Returns the condition for the asset whose symbol is the first parameter.
    pub fn condition(&self) -> String {
        match self {
            Self::Symbol(column) => format!("{} = {}", column.sql, column.parameter(1)),
            // The server evaluates the subquery once.
            Self::Id { column, assets } => {
                format!("{column} = (SELECT id FROM {assets} WHERE symbol = $1)")
            }
        }
    }

    /// Returns the column as SQL.
    pub fn column(&self) -> &str {
        match self {
            Self::Symbol(column) => &column.sql,
            Self::Id { column, .. } => column,
        }
    }
}

/// A column of a text type or an enum type.
#[derive(Debug)]
pub(super) struct TextColumn {
    /// The column as SQL.
    pub sql: String,
    /// The type as SQL if it is not a text type.
    cast: Option<String>,
}

impl TextColumn {
    /// Returns a text parameter, cast to the type of the column so that an index can be used.
    pub fn parameter(&self, number: usize) -> String {
        match &self.cast {
            Some(cast) => format!("${number}::text::{cast}"),
            None => format!("${number}"),
        }
    }
}

/// The column of the time.
#[derive(Debug)]
pub(super) struct TimeColumn {
    /// The column as SQL.
    pub sql: String,
    /// Its type.
    pub time_type: TimeType,
}

/// The type of a time column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TimeType {
    /// `timestamp`, which is UTC.
    Timestamp,
    /// `timestamptz`.
    Timestamptz,
    /// `date`: midnight at the start of the day.
    Date,
    /// An integer since 1970, with the number of its units per second.
    Integer(i64),
}

/// The columns of the prices as SQL.
#[derive(Debug)]
pub(super) enum PriceColumns {
    /// Bars: open, high, low, close.
    Ohlc([String; 4]),
    /// Ticks: one price per row.
    Tick(String),
}

/// A column in the system catalog.
#[derive(Debug)]
struct CatalogColumn {
    name: String,
    /// Lower case without underscores, so that `openTime` matches `open_time`.
    normalized: String,
    number: i16,
    type_schema: String,
    type_name: String,
}

impl CatalogColumn {
    fn sql(&self) -> String {
        quote_identifier(&self.name)
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

    fn text(&self) -> TextColumn {
        let cast = (!self.is_text()).then(|| {
            format!("{}.{}", quote_identifier(&self.type_schema), quote_identifier(&self.type_name))
        });
        TextColumn { sql: self.sql(), cast }
    }
}

/// The known names of columns in normalized form, in the order of preference.
const TIME_NAMES: [&str; 6] = ["timestamp", "ts", "time", "datetime", "date", "opentime"];
const SYMBOL_NAMES: [&str; 2] = ["symbol", "assetsymbol"];
const TIMEFRAME_NAMES: [&str; 2] = ["timeframe", "interval"];

/// Reads the layout of a table; `None` if there is no such table.
///
/// # Errors
/// `STORAGE`, listing the required columns, if the table contains neither bars nor ticks.
pub(super) async fn find_table(
    client: &Client,
    schema: &str,
    table: &str,
) -> Result<Option<TableLayout>, Failure> {
    let Some((oid, kind)) = relation(client, schema, table).await? else { return Ok(None) };
    let columns = columns(client, oid).await?;
    let name = format!("{schema}.{table}");
    let assets = assets_table(client, schema).await?;
    let mut layout = layout_of(&columns, assets, &name).map_err(Failure::from)?;
    layout.sql = format!("{}.{}", quote_identifier(schema), quote_identifier(table));
    layout.has_row_positions = matches!(kind.as_str(), "r" | "p" | "m");
    if let TimeType::Integer(units_per_second) = &mut layout.time.time_type {
        let time = &layout.time.sql;
        let sql = format!("SELECT min({time})::int8, max({time})::int8 FROM {}", layout.sql);
        let row = client.query_typed_one(&sql, &[]).await?;
        let (oldest, newest): (Option<i64>, Option<i64>) = (row.try_get(0)?, row.try_get(1)?);
        *units_per_second = unit_of(time, oldest.unwrap_or(0), newest.unwrap_or(0))?;
    }
    if layout.has_row_positions {
        layout.index_warning = missing_index(client, oid, &columns, &layout).await?;
    }
    Ok(Some(layout))
}

/// Returns the number of units per second of integers between two values: seconds until the year 5138, milliseconds and
/// microseconds from 1973.
///
/// # Errors
/// `BAD_DATA` for nanoseconds, and for a column whose older values have another unit, as read in one unit they would be in 1970.
fn unit_of(column: &str, oldest: i64, newest: i64) -> Result<i64, Error> {
    let unit = TimeUnit::of_size(newest);
    let changes = match unit {
        TimeUnit::Seconds => false,
        // As milliseconds, seconds after 1980 are in January or February 1970.
        TimeUnit::Milliseconds => (SECONDS_1980..SECONDS_2100).contains(&oldest),
        TimeUnit::Microseconds | TimeUnit::Nanoseconds => {
            oldest > SECONDS_1980 && TimeUnit::of_size(oldest) < unit
        }
    };
    let refused = if changes {
        let before = TimeUnit::of_size(oldest);
        format!(
            "changes its unit: it has {oldest}, which are {before}, and {newest}, which are {unit}"
        )
    } else {
        match unit {
            TimeUnit::Seconds => return Ok(1),
            TimeUnit::Milliseconds => return Ok(1000),
            TimeUnit::Microseconds => return Ok(1_000_000),
            TimeUnit::Nanoseconds => format!("has {newest}, which are nanoseconds"),
        }
    };
    let message = format!(
        "the time column {column} {refused}; convert all values to milliseconds, or set marketDataTable to a view that does"
    );
    Err(Error::bad_data(column, "unit", message))
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

async fn columns(client: &Client, oid: u32) -> Result<Vec<CatalogColumn>, Failure> {
    // Not information_schema: it hides columns that the role may not read, and the error of a missing permission is clearer
    // than that of a missing column. A domain counts as its base type.
    let sql = "SELECT a.attname::text, a.attnum, n.nspname::text, t.typname::text
               FROM pg_catalog.pg_attribute a
               JOIN pg_catalog.pg_type d ON d.oid = a.atttypid
               JOIN pg_catalog.pg_type t ON t.oid = CASE d.typtype WHEN 'd' THEN d.typbasetype ELSE d.oid END
               JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
               WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum";
    let rows = client.query_typed(sql, &[(&oid, Type::OID)]).await?;
    let read = |row: &tokio_postgres::Row| {
        let name: String = row.try_get(0)?;
        let normalized = name.to_lowercase().replace('_', "");
        Ok(CatalogColumn {
            normalized,
            name,
            number: row.try_get(1)?,
            type_schema: row.try_get(2)?,
            type_name: row.try_get(3)?,
        })
    };
    rows.iter().map(read).collect()
}

/// Returns the table of assets as SQL, if there is one: in the schema of the prices, or else in `public`.
async fn assets_table(client: &Client, schema: &str) -> Result<Option<String>, Failure> {
    for schema in [schema, "public"] {
        let Some((oid, _)) = relation(client, schema, "assets").await? else { continue };
        let columns = columns(client, oid).await?;
        if ["id", "symbol"].iter().all(|name| columns.iter().any(|column| column.name == *name)) {
            return Ok(Some(format!("{}.\"assets\"", quote_identifier(schema))));
        }
    }
    Ok(None)
}

/// Finds out from the columns whether a table contains bars or ticks.
fn layout_of(columns: &[CatalogColumn], assets: Option<String>, name: &str) -> Result<TableLayout> {
    let find = |normalized: &str| columns.iter().find(|column| column.normalized == normalized);
    let number = |normalized: &str| {
        find(normalized).filter(|column| column.is_number()).map(CatalogColumn::sql)
    };
    let first = |names: &[&str], fits: fn(&CatalogColumn) -> bool| {
        names.iter().find_map(|name| find(name).filter(|column| fits(column)))
    };
    let time = first(&TIME_NAMES, CatalogColumn::is_time);
    let asset = match (first(&SYMBOL_NAMES, |_| true), find("assetid"), assets) {
        (Some(symbol), ..) => Some(AssetColumn::Symbol(symbol.text())),
        (None, Some(id), Some(assets)) => Some(AssetColumn::Id { column: id.sql(), assets }),
        // Without a table of assets, a text id is the symbol.
        (None, Some(id), None) if id.is_text() => Some(AssetColumn::Symbol(id.text())),
        _ => None,
    };
    let bars = || Some([number("open")?, number("high")?, number("low")?, number("close")?]);
    let prices = bars().map(PriceColumns::Ohlc).or_else(|| number("price").map(PriceColumns::Tick));
    let (Some(time), Some(asset), Some(prices)) = (time, asset, prices) else {
        let existing: Vec<String> =
            columns.iter().map(|column| format!("{} {}", column.name, column.type_name)).collect();
        return Err(Error::storage(format!(
            "the table {name} contains neither bars nor ticks. Bars need open, high, low and close, ticks need price (numeric, double \
             precision, real or integers); both need a time (timestamp, ts, time, datetime, date or open_time, of type \
             timestamp, timestamptz, date or bigint) and an asset (symbol, asset_symbol, or asset_id with a table assets that has \
             id and symbol). It has {}. Set marketDataTable (MARKET_DATA_TABLE) to the name of another table or view",
            existing.join(", ")
        )));
    };
    let time_type = match time.type_name.as_str() {
        "timestamp" => TimeType::Timestamp,
        "timestamptz" => TimeType::Timestamptz,
        "date" => TimeType::Date,
        _ => TimeType::Integer(1),
    };
    let timeframe = match &prices {
        PriceColumns::Ohlc(_) => first(&TIMEFRAME_NAMES, |_| true).map(CatalogColumn::text),
        PriceColumns::Tick(_) => None,
    };
    Ok(TableLayout {
        sql: String::new(),
        name: name.to_owned(),
        asset,
        time: TimeColumn { sql: time.sql(), time_type },
        prices,
        volume: number("volume"),
        timeframe,
        has_row_positions: false,
        index_warning: None,
    })
}

/// Returns the warning about a missing index, unless there is one that starts with the asset and contains the time.
async fn missing_index(
    client: &Client,
    oid: u32,
    columns: &[CatalogColumn],
    layout: &TableLayout,
) -> Result<Option<String>, Failure> {
    let number = |sql: &str| {
        columns
            .iter()
            .find(|column| column.sql() == sql)
            .map(|column| column.number)
            .unwrap_or_default()
    };
    let (asset, time) = (number(layout.asset.column()), number(&layout.time.sql));
    let sql = "SELECT 1 FROM pg_catalog.pg_index
               WHERE indrelid = $1 AND indisvalid AND indpred IS NULL AND indkey[0] = $2 AND $3 = ANY (indkey) LIMIT 1";
    let parameters: [SqlParameter; 3] =
        [(&oid, Type::OID), (&asset, Type::INT2), (&time, Type::INT2)];
    if client.query_typed_opt(sql, &parameters).await?.is_some() {
        return Ok(None);
    }
    let timeframe = layout
        .timeframe
        .as_ref()
        .map(|timeframe| format!("{}, ", timeframe.sql))
        .unwrap_or_default();
    let (asset, time) = (layout.asset.column(), &layout.time.sql);
    Ok(Some(format!(
        "{} has no index on {asset} and {time}, so every load reads the whole table: CREATE INDEX ON {} ({asset}, {timeframe}{time})",
        layout.name, layout.sql
    )))
}
