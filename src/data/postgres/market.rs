//! Bars and ticks in the backend's own table, which is only read.

use std::sync::Arc;

use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row};

use super::catalogue::{Asset, Prices, Table, TimeKind};
use super::imported::Columns;
use super::reader::Reader;
use super::ticks::{Gatherer, Tick};
use super::timeframes;
use crate::data::{Loaded, Series, Span};
use crate::error::Code;
use crate::market::Timeframe;
use crate::store::postgres::runs::Parameter;
use crate::store::postgres::values::{BoundStrategy, Micros, Moment, Number, Place};
use crate::store::postgres::{Failure, Pool};

/// From how many of the newest rows the distance between rows is judged.
const SAMPLE: i64 = 1001;

/// A series, and how its timeframe is spelled in the table.
pub(super) type Spelled = (Series, Option<String>);

impl Table {
    /// Returns the series of an asset.
    pub async fn series(&self, client: &Client, symbol: &str) -> Result<Vec<Spelled>, Failure> {
        let (time, from, asset) = (&self.time.sql, &self.sql, self.asset.condition());
        let sql = match &self.timeframe {
            Some(timeframe) => format!(
                "SELECT {}::text, count(*), min({time}), max({time}) FROM {from} WHERE {asset} GROUP BY 1",
                timeframe.sql
            ),
            None => format!(
                "SELECT NULL::text, count(*), min({time}), max({time}) FROM {from} WHERE {asset}"
            ),
        };
        let rows = client.query_typed(&sql, &[(&symbol, Type::TEXT)]).await?;
        let mut found = Vec::new();
        for row in &rows {
            if let Some(series) = self.read_series(client, row, symbol).await? {
                found.push(series);
            }
        }
        Ok(found)
    }

    /// Returns the symbols and series of all assets.
    pub async fn all(&self, client: &Client) -> Result<Vec<(String, Series)>, Failure> {
        let (time, from, asset) = (&self.time.sql, &self.sql, self.asset.column());
        let timeframe = self.timeframe.as_ref().map_or("NULL", |timeframe| &timeframe.sql);
        let grouped = format!(
            "SELECT {timeframe}::text AS timeframe, count(*) AS bars, min({time}) AS first, max({time}) AS last, {asset} AS asset
             FROM {from} WHERE {asset} IS NOT NULL GROUP BY {asset}{}",
            if self.timeframe.is_some() { ", 1" } else { "" }
        );
        let sql = match &self.asset {
            Asset::Symbol(_) => format!(
                "SELECT timeframe, bars, first, last, asset::text FROM ({grouped}) AS found"
            ),
            Asset::Id { assets, .. } => format!(
                "SELECT timeframe, bars, first, last, symbol::text FROM ({grouped}) AS found
                 JOIN {assets} AS assets ON assets.id = found.asset WHERE symbol IS NOT NULL"
            ),
        };
        let mut found = Vec::new();
        for row in client.query_typed(&sql, &[]).await? {
            let symbol: String = row.try_get(4)?;
            if let Some((series, _)) = self.read_series(client, &row, &symbol).await? {
                found.push((symbol, series));
            }
        }
        Ok(found)
    }

    /// Reads a series from a row of its timeframe, count, first and last time.
    async fn read_series(
        &self,
        client: &Client,
        row: &Row,
        symbol: &str,
    ) -> Result<Option<Spelled>, Failure> {
        let spelled: Option<String> = row.try_get(0)?;
        let bars = u64::try_from(row.try_get::<_, i64>(1)?).unwrap_or(0);
        let (first, last): (Option<Micros>, Option<Micros>) = (row.try_get(2)?, row.try_get(3)?);
        let Some((first, last)) = first.zip(last) else { return Ok(None) };
        let timeframe = match &self.timeframe {
            Some(_) => {
                let Some(timeframe) = spelled.as_deref().and_then(timeframes::parse) else {
                    tracing::debug!(
                        table = %self.name, asset_symbol = %symbol, timeframe = ?spelled,
                        "bars of a timeframe that is not known were left out"
                    );
                    return Ok(None);
                };
                timeframe
            }
            None => self.step(client, symbol).await?,
        };
        let (first, last) = (self.milliseconds(first), self.milliseconds(last));
        // Rows that are added make another revision; so do most changes to those that are there.
        let revision = last.wrapping_mul(1_000_003).wrapping_add(bars.cast_signed());
        let ticks = matches!(self.prices, Prices::Ticks(_));
        let series =
            Series { timeframe, bars, first, last, revision, source: self.name.clone(), ticks };
        Ok(Some((series, spelled)))
    }

    /// Judges the timeframe of rows that do not say it by the median distance of the newest.
    async fn step(&self, client: &Client, symbol: &str) -> Result<Timeframe, Failure> {
        let (time, from, asset) = (&self.time.sql, &self.sql, self.asset.condition());
        let sql = format!(
            "SELECT {time} FROM {from} WHERE {asset} AND {time} IS NOT NULL ORDER BY {time} DESC LIMIT {SAMPLE}"
        );
        let rows = client.query_typed(&sql, &[(&symbol, Type::TEXT)]).await?;
        let times: Vec<i64> = rows
            .iter()
            .map(|row| Ok(self.milliseconds(row.try_get(0)?)))
            .collect::<Result<_, Failure>>()?;
        let pairs = times.iter().zip(times.iter().skip(1));
        let mut steps: Vec<i64> = pairs
            .map(|(later, earlier)| later.saturating_sub(*earlier))
            .filter(|step| *step > 0)
            .collect();
        if steps.is_empty() {
            return Ok(Timeframe::D1);
        }
        let middle = (steps.len() - 1) / 2;
        Ok(timeframes::at_most(*steps.select_nth_unstable(middle).1))
    }

    fn milliseconds(&self, time: Micros) -> i64 {
        self.micros(time).div_euclid(1000)
    }

    fn micros(&self, time: Micros) -> i64 {
        match self.time.kind {
            TimeKind::Number(unit) => time.0.saturating_mul(1_000_000 / unit.clamp(1, 1_000_000)),
            _ => time.0,
        }
    }

    /// The condition for times in a range of milliseconds, with the bounds as the second and third parameter. It may let
    /// through a little more at either end.
    fn range(&self, start: i64, end: i64) -> (String, BoundStrategy, BoundStrategy, Type) {
        let time = &self.time.sql;
        let moments =
            |last: i64| (BoundStrategy::Moment(Moment(start)), BoundStrategy::Moment(Moment(last)));
        let (upper, (from, to), kind) = match self.time.kind {
            // Microseconds of the last millisecond belong to it.
            TimeKind::Timestamp => ("<", moments(end.saturating_add(1)), Type::TIMESTAMP),
            TimeKind::Timestamptz => ("<", moments(end.saturating_add(1)), Type::TIMESTAMPTZ),
            TimeKind::Date => ("<=", moments(end), Type::DATE),
            TimeKind::Number(unit) => {
                let number = |moment: i64, rest: i64| match unit {
                    1 => moment.div_euclid(1000),
                    1000 => moment,
                    _ => moment.saturating_mul(1000).saturating_add(rest),
                };
                (
                    "<=",
                    (
                        BoundStrategy::Number(number(start, 0)),
                        BoundStrategy::Number(number(end, 999)),
                    ),
                    Type::INT8,
                )
            }
        };
        (format!("{time} >= $2 AND {time} {upper} $3"), from, to, kind)
    }

    /// Loads bars of a timeframe as it is spelled here.
    pub async fn load_bars(
        &self,
        pool: &Pool,
        reader: &mut Reader,
        symbol: &str,
        spelled: &[String],
        span: Span,
    ) -> Result<Loaded, Failure> {
        let Span { start, end, .. } = span;
        let Prices::Bars(prices) = &self.prices else {
            return Ok(self.loaded(Columns::default().into_bars()?, Vec::new()));
        };
        let (time, from, asset) = (&self.time.sql, &self.sql, self.asset.condition());
        let (range, first, last, kind) = self.range(start, end);
        let volume = self.volume.as_deref().unwrap_or("NULL::float8");
        let mut values: Vec<Parameter> =
            vec![(&symbol, Type::TEXT), (&first, kind.clone()), (&last, kind)];
        let mut places = Vec::new();
        if let Some(timeframe) = &self.timeframe {
            for one in spelled {
                values.push((one, Type::TEXT));
                places.push(format!("{} = {}", timeframe.sql, timeframe.parameter(values.len())));
            }
        }
        let timeframe = if places.is_empty() {
            String::new()
        } else {
            format!(" AND ({})", places.join(" OR "))
        };
        let sql = format!(
            "SELECT {time}, {}, {volume} FROM {from} WHERE {asset} AND {range}{timeframe} ORDER BY {time}",
            prices.join(", ")
        );
        let mut columns = Columns::default();
        reader
            .read(pool, &sql, &values, &mut |row| {
                let time = self.milliseconds(row.try_get(0)?);
                if (start..=end).contains(&time) {
                    span.check(columns.times.len() + 1)?;
                    columns.times.push(time);
                    for (column, at) in columns.values.iter_mut().zip(1..) {
                        column.push(
                            row.try_get::<_, Option<Number>>(at)?
                                .map_or(f64::NAN, |number| number.0),
                        );
                    }
                }
                Ok(())
            })
            .await?;
        let bars = columns.into_bars().map_err(|mut error| {
            if error.code == Code::BadData {
                error.message =
                    format!("the bars of {symbol} in {} have faults: {}", self.name, error.message);
            }
            error
        })?;
        Ok(self.loaded(bars, Vec::new()))
    }

    /// Loads ticks as bars that open in a range, or each as a bar of its own.
    pub async fn load_ticks(
        &self,
        pool: &Pool,
        reader: &mut Reader,
        symbol: &str,
        timeframe: Option<Timeframe>,
        span: Span,
    ) -> Result<Loaded, Failure> {
        let Prices::Ticks(price) = &self.prices else {
            return Ok(self.loaded(Columns::default().into_bars()?, Vec::new()));
        };
        // A bar needs all its ticks: one that opens before the start is left out, and the last one is filled.
        let (start, end) = match timeframe {
            Some(timeframe) => {
                let length = timeframe.milliseconds();
                let up = |moment: i64| match timeframe.opening(moment) {
                    opening if opening == moment => moment,
                    opening => opening.saturating_add(length),
                };
                (up(span.start), timeframe.opening(span.end).saturating_add(length - 1))
            }
            None => (span.start, span.end),
        };
        let (time, from, asset) = (&self.time.sql, &self.sql, self.asset.condition());
        let (range, first, last, kind) = self.range(start, end);
        let volume = self.volume.as_deref().unwrap_or("NULL::float8");
        let place = if self.placed { ", ctid" } else { "" };
        let sql = format!(
            "SELECT {time}, {price}, {volume}{place} FROM {from} WHERE {asset} AND {range} ORDER BY {time}"
        );
        let values: [Parameter; 3] =
            [(&symbol as &(dyn ToSql + Sync), Type::TEXT), (&first, kind.clone()), (&last, kind)];
        let mut gatherer = Gatherer::new(timeframe);
        reader
            .read(pool, &sql, &values, &mut |row| {
                let micros = self.micros(row.try_get(0)?);
                if (start..=end).contains(&micros.div_euclid(1000)) {
                    let number = |at: usize| {
                        row.try_get::<_, Option<Number>>(at)
                            .map(|found| found.map_or(f64::NAN, |number| number.0))
                    };
                    let place = if self.placed { row.try_get(3)? } else { Place::default() };
                    gatherer.push(Tick { micros, price: number(1)?, volume: number(2)?, place });
                    span.check(gatherer.bars())?;
                }
                Ok(())
            })
            .await?;
        let (bars, warnings) = gatherer.finish()?;
        let warnings = warnings
            .into_iter()
            .map(|warning| format!("{symbol} in {}: {warning}", self.name))
            .collect();
        Ok(self.loaded(bars, warnings))
    }

    fn loaded(&self, bars: crate::market::Bars, mut warnings: Vec<String>) -> Loaded {
        warnings.extend(self.index_warning.clone());
        Loaded { bars: Arc::new(bars), warnings }
    }
}
