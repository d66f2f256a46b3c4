//! Queries on a price table.

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Row};

use super::row_reader::RowReader;
use super::table_layout::{AssetColumn, PriceColumns, TableLayout, TimeType};
use super::tick_aggregator::{Tick, TickAggregator};
use super::timeframe_labels;
use crate::data::loaded_bars::LoadedBars;
use crate::data::ohlcv_columns::OhlcvColumns;
use crate::data::series::StoredSeries;
use crate::data::span::TimeRange;
use crate::db::postgres::{
    Failure, NumericF64, Pool, RowPosition, SqlParameter, TimeBound, Timestamp, TimestampMicros,
};
use crate::error::{Code, Error};
use crate::market::intervals::check_one_per_interval;
use crate::market::raw::{ReadOptions, may_be_local_days, to_local_days};
use crate::market::{Bars, Timeframe, time};
use crate::note::{Note, NoteCode};

/// How many of the newest rows determine the timeframe of a table without a timeframe column.
const SAMPLE_ROWS: i64 = 1001;

/// A series and the label of its timeframe in the table, if there is a column for it.
pub(super) struct LabeledSeries {
    pub series: StoredSeries,
    pub timeframe_label: Option<String>,
}

/// The series of one asset and timeframe in a table.
#[derive(Debug, Clone, Copy)]
pub(super) struct TableSeries<'a> {
    /// The columns of open, high, low and close, as SQL.
    pub prices: &'a [String; 4],
    pub symbol: &'a str,
    pub timeframe: Timeframe,
    /// The labels of the timeframe; none if the table has no column for it.
    pub labels: &'a [String],
}

impl TableLayout {
    /// Returns the series of an asset.
    pub async fn series(
        &self,
        client: &Client,
        symbol: &str,
    ) -> Result<Vec<LabeledSeries>, Failure> {
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
    pub async fn all_series(
        &self,
        client: &Client,
    ) -> Result<Vec<(String, StoredSeries)>, Failure> {
        let (time, from, asset) = (&self.time.sql, &self.sql, self.asset.column());
        let timeframe = self.timeframe.as_ref().map_or("NULL", |timeframe| &timeframe.sql);
        let grouped = format!(
            "SELECT {timeframe}::text AS timeframe, count(*) AS bars, min({time}) AS first, max({time}) AS last, {asset} AS asset
             FROM {from} WHERE {asset} IS NOT NULL GROUP BY {asset}{}",
            if self.timeframe.is_some() { ", 1" } else { "" }
        );
        let sql = match &self.asset {
            AssetColumn::Symbol(_) => format!(
                "SELECT timeframe, bars, first, last, asset::text FROM ({grouped}) AS found"
            ),
            AssetColumn::Id { assets, .. } => format!(
                "SELECT timeframe, bars, first, last, symbol::text FROM ({grouped}) AS found
                 JOIN {assets} AS assets ON assets.id = found.asset WHERE symbol IS NOT NULL"
            ),
        };
        let mut found = Vec::new();
        for row in client.query_typed(&sql, &[]).await? {
            let symbol: String = row.try_get(4)?;
            if let Some(LabeledSeries { series, .. }) =
                self.read_series(client, &row, &symbol).await?
            {
                found.push((symbol, series));
            }
        }
        Ok(found)
    }

    /// Reads a series from a row with its timeframe, count, first and last time.
    async fn read_series(
        &self,
        client: &Client,
        row: &Row,
        symbol: &str,
    ) -> Result<Option<LabeledSeries>, Failure> {
        let timeframe_label: Option<String> = row.try_get(0)?;
        let bars = u64::try_from(row.try_get::<_, i64>(1)?).unwrap_or(0);
        let (first, last): (Option<TimestampMicros>, Option<TimestampMicros>) =
            (row.try_get(2)?, row.try_get(3)?);
        let Some((first, last)) = first.zip(last) else { return Ok(None) };
        let timeframe = match &self.timeframe {
            Some(_) => {
                let parsed = timeframe_label.as_deref().and_then(timeframe_labels::parse);
                let Some(timeframe) = parsed else {
                    tracing::debug!(
                        table = %self.name, asset_symbol = %symbol, timeframe = ?timeframe_label,
                        "bars of an unknown timeframe were skipped"
                    );
                    return Ok(None);
                };
                timeframe
            }
            None => self.infer_timeframe(client, symbol).await?,
        };
        let (first, last) = (self.milliseconds(first), self.milliseconds(last));
        // Added and deleted rows change the revision. Prices that are corrected in place do not.
        let revision = last.wrapping_mul(1_000_003).wrapping_add(bars.cast_signed());
        let ticks = self.is_ticks();
        let series = StoredSeries {
            timeframe,
            bars,
            first,
            last,
            revision,
            source: self.name.clone(),
            is_imported: false,
            ticks,
        };
        Ok(Some(LabeledSeries { series, timeframe_label }))
    }

    /// Infers the timeframe from the median distance between the newest rows.
    async fn infer_timeframe(&self, client: &Client, symbol: &str) -> Result<Timeframe, Failure> {
        let (time, from, asset) = (&self.time.sql, &self.sql, self.asset.condition());
        let sql = format!(
            "SELECT {time} FROM {from} WHERE {asset} AND {time} IS NOT NULL ORDER BY {time} DESC LIMIT {SAMPLE_ROWS}"
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
        Ok(timeframe_labels::not_longer_than(*steps.select_nth_unstable(middle).1))
    }

    fn milliseconds(&self, time: TimestampMicros) -> i64 {
        self.micros(time).div_euclid(1000)
    }

    fn micros(&self, time: TimestampMicros) -> i64 {
        match self.time.time_type {
            TimeType::Integer(units_per_second) => {
                time.0.saturating_mul(1_000_000 / units_per_second.clamp(1, 1_000_000))
            }
            _ => time.0,
        }
    }

    /// Returns the condition for a range of UTC milliseconds, with its bounds as the second and third parameter. It may match
    /// slightly more at both ends.
    fn time_range(&self, start: i64, end: i64) -> (String, TimeBound, TimeBound, Type) {
        let time = &self.time.sql;
        let timestamps = |last: i64| {
            (TimeBound::Timestamp(Timestamp(start)), TimeBound::Timestamp(Timestamp(last)))
        };
        let (upper, (from, to), sql_type) = match self.time.time_type {
            // The last millisecond includes its microseconds.
            TimeType::Timestamp => ("<", timestamps(end.saturating_add(1)), Type::TIMESTAMP),
            TimeType::Timestamptz => ("<", timestamps(end.saturating_add(1)), Type::TIMESTAMPTZ),
            TimeType::Date => ("<=", timestamps(end), Type::DATE),
            TimeType::Integer(units_per_second) => {
                let integer = |millis: i64, micros: i64| match units_per_second {
                    1 => millis.div_euclid(1000),
                    1000 => millis,
                    _ => millis.saturating_mul(1000).saturating_add(micros),
                };
                (
                    "<=",
                    (TimeBound::Integer(integer(start, 0)), TimeBound::Integer(integer(end, 999))),
                    Type::INT8,
                )
            }
        };
        (format!("{time} >= $2 AND {time} {upper} $3"), from, to, sql_type)
    }

    /// Loads the bars of a series that open within a span. Daily and weekly bars stamped at local midnight get the timestamp of
    /// 00:00 UTC of their local day.
    pub async fn load_bars(
        &self,
        pool: &Pool,
        reader: &mut RowReader,
        series: &TableSeries<'_>,
        span: TimeRange,
    ) -> Result<LoadedBars, Failure> {
        let TableSeries { prices, symbol, timeframe, .. } = *series;
        // Bars stamped at local midnight are moved by up to 14 hours.
        let margin = if timeframe >= Timeframe::D1 { time::DAY } else { 0 };
        let (start, end) = (span.start.saturating_sub(margin), span.end.saturating_add(margin));
        let (time, from, asset) = (&self.time.sql, &self.sql, self.asset.condition());
        let (range, first, last, sql_type) = self.time_range(start, end);
        let volume = self.volume.as_deref().unwrap_or("NULL::float8");
        let mut values: Vec<SqlParameter> =
            vec![(&symbol, Type::TEXT), (&first, sql_type.clone()), (&last, sql_type)];
        let labels = self.label_condition(series.labels, &mut values);
        let sql = format!(
            "SELECT {time}, {}, {volume} FROM {from} WHERE {asset} AND {range}{labels} ORDER BY {time}",
            prices.join(", ")
        );
        let mut columns = OhlcvColumns::default();
        let mut in_span = 0;
        reader
            .read(pool, &sql, &values, &mut |row| {
                let time = self.milliseconds(row.try_get(0)?);
                if (start..=end).contains(&time) {
                    in_span += usize::from((span.start..=span.end).contains(&time));
                    span.check(in_span)?;
                    columns.timestamps.push(time);
                    for (column, index) in columns.values.iter_mut().zip(1..) {
                        column.push(
                            row.try_get::<_, Option<NumericF64>>(index)?
                                .map_or(f64::NAN, |number| number.0),
                        );
                    }
                }
                Ok(())
            })
            .await?;
        let notes = self.to_local_days(pool, reader, series, &mut columns.timestamps).await?;
        let first = columns.timestamps.partition_point(|time| *time < span.start);
        let last = columns.timestamps.partition_point(|time| *time <= span.end);
        let mut raw = columns.into_raw(first..last.max(first));
        raw.notes = notes;
        let describe = |row: usize| format!("row {row}");
        let noted = raw.into_bars(&ReadOptions::of_request(Some(timeframe)), &describe);
        let loaded = LoadedBars::from(noted.map_err(|error| self.faulty(symbol, error))?);
        Ok(self.with_index_warning(loaded))
    }

    /// Adds what is wrong with the table to an error about its rows.
    fn faulty(&self, symbol: &str, mut error: Error) -> Error {
        if error.code == Code::BadData {
            error.message =
                format!("the bars of {symbol} in {} have faults: {}", self.name, error.message);
        }
        error
    }

    /// Checks that there is one bar per interval, and moves bars stamped at local midnight.
    async fn to_local_days(
        &self,
        pool: &Pool,
        reader: &mut RowReader,
        series: &TableSeries<'_>,
        timestamps: &mut [i64],
    ) -> Result<Vec<Note>, Failure> {
        let TableSeries { symbol, timeframe, .. } = *series;
        // The timeframe of intraday rows without a label is only their typical distance.
        if self.timeframe.is_some() || timeframe >= Timeframe::D1 {
            check_one_per_interval(timestamps, timeframe)
                .map_err(|error| self.faulty(symbol, error))?;
        }
        if !may_be_local_days(timestamps, timeframe) {
            return Ok(Vec::new());
        }
        let (time, from, asset) = (&self.time.sql, &self.sql, self.asset.condition());
        let mut values: Vec<SqlParameter> = vec![(&symbol, Type::TEXT)];
        let labels = self.label_condition(series.labels, &mut values);
        let sql = format!(
            "SELECT {time} FROM {from} WHERE {asset}{labels} AND {time} IS NOT NULL ORDER BY {time} DESC LIMIT {SAMPLE_ROWS}"
        );
        let mut sample = Vec::new();
        reader
            .read(pool, &sql, &values, &mut |row| {
                sample.push(self.milliseconds(row.try_get(0)?));
                Ok(())
            })
            .await?;
        sample.reverse();
        let options = ReadOptions::default();
        let note = to_local_days(timestamps, None, timeframe, &options, Some(&sample));
        // A run warns of unknown days itself.
        Ok(note.into_iter().filter(|note| note.code != NoteCode::DaysUnknown).collect())
    }

    /// Returns the condition on the timeframe of rows, beginning with `AND`, and adds its parameters. Without labels it is
    /// empty.
    fn label_condition<'a>(
        &self,
        labels: &'a [String],
        values: &mut Vec<SqlParameter<'a>>,
    ) -> String {
        let mut conditions = Vec::new();
        if let Some(timeframe) = &self.timeframe {
            for label in labels {
                values.push((label, Type::TEXT));
                conditions.push(format!(
                    "{} = {}",
                    timeframe.sql,
                    timeframe.parameter(values.len())
                ));
            }
        }
        if conditions.is_empty() {
            String::new()
        } else {
            format!(" AND ({})", conditions.join(" OR "))
        }
    }

    /// Loads ticks as bars of a timeframe that open within a span, or each as a bar.
    pub async fn load_ticks(
        &self,
        pool: &Pool,
        reader: &mut RowReader,
        symbol: &str,
        timeframe: Option<Timeframe>,
        span: TimeRange,
    ) -> Result<LoadedBars, Failure> {
        let PriceColumns::Tick(price) = &self.prices else {
            return Ok(self.loaded(OhlcvColumns::default().into_bars()?, Vec::new()));
        };
        // A bar needs all of its ticks: a bar that opens before the start is skipped, and the last one is completed.
        let (start, end) = match timeframe {
            Some(timeframe) => {
                let length = timeframe.milliseconds();
                let round_up = |time: i64| match timeframe.opening(time) {
                    opening if opening == time => time,
                    opening => opening.saturating_add(length),
                };
                (round_up(span.start), timeframe.opening(span.end).saturating_add(length - 1))
            }
            None => (span.start, span.end),
        };
        let (time, from, asset) = (&self.time.sql, &self.sql, self.asset.condition());
        let (range, first, last, sql_type) = self.time_range(start, end);
        let volume = self.volume.as_deref().unwrap_or("NULL::float8");
        let position = if self.has_row_positions { ", ctid" } else { "" };
        let sql = format!(
            "SELECT {time}, {price}, {volume}{position} FROM {from} WHERE {asset} AND {range} ORDER BY {time}"
        );
        let values: [SqlParameter; 3] =
            [(&symbol, Type::TEXT), (&first, sql_type.clone()), (&last, sql_type)];
        let mut aggregator = TickAggregator::new(timeframe);
        reader
            .read(pool, &sql, &values, &mut |row| {
                let micros = self.micros(row.try_get(0)?);
                if (start..=end).contains(&micros.div_euclid(1000)) {
                    let number = |index: usize| {
                        row.try_get::<_, Option<NumericF64>>(index)
                            .map(|found| found.map_or(f64::NAN, |number| number.0))
                    };
                    let position = if self.has_row_positions {
                        row.try_get(3)?
                    } else {
                        RowPosition::default()
                    };
                    let (price, volume) = (number(1)?, number(2)?);
                    aggregator.push(Tick { micros, price, volume, position });
                    span.check(aggregator.bars())?;
                }
                Ok(())
            })
            .await?;
        let (bars, warnings) = aggregator.finish()?;
        let note = |warning| {
            Note::new(NoteCode::TicksInvalid, format!("{symbol} in {}: {warning}", self.name))
        };
        Ok(self.loaded(bars, warnings.into_iter().map(note).collect()))
    }

    fn loaded(&self, bars: Bars, notes: Vec<Note>) -> LoadedBars {
        self.with_index_warning(LoadedBars { notes, ..LoadedBars::from(bars) })
    }

    fn with_index_warning(&self, mut loaded: LoadedBars) -> LoadedBars {
        let warning = self.index_warning.clone();
        loaded.notes.extend(warning.map(|text| Note::new(NoteCode::IndexMissing, text)));
        loaded
    }
}
