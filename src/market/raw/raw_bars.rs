//! Columns of rows that are to become bars.

use super::read_options::ReadOptions;
use super::{adjustment, local_days, rounding};
use crate::error::{Code, Error, Result};
use crate::market::intervals::check_one_per_interval;
use crate::market::price_jumps::price_jumps;
use crate::market::{Bars, Column, Timeframe, time};
use crate::note::{Note, NoteCode};
use crate::quote::counted;

/// Rows as a source has them, in columns of equal length.
#[derive(Debug, Default)]
pub struct RawBars {
    /// UTC milliseconds.
    pub timestamps: Vec<i64>,
    /// Local times, as milliseconds as if they were UTC, if the source states the offset of each time.
    pub local: Option<Vec<i64>>,
    /// Open, high, low, close.
    pub prices: [Column; 4],
    /// Traded volumes; NaN where there is none.
    pub volume: Option<Column>,
    /// Numbers of ticks, if the source has both; NaN where there is none.
    pub tick_volume: Option<Column>,
    /// Closes adjusted for splits and dividends.
    pub adjusted_close: Option<Column>,
    /// What was noticed while the rows were read.
    pub notes: Vec<Note>,
}

/// Bars, and what was mended or noticed on the way.
#[derive(Debug, Clone, PartialEq)]
pub struct NotedBars {
    /// The bars.
    pub bars: Bars,
    /// The remarks.
    pub notes: Vec<Note>,
}

impl NotedBars {
    /// Returns whether the day of daily or weekly bars is unknown.
    pub fn has_unknown_days(&self) -> bool {
        self.notes.iter().any(|note| note.code == NoteCode::DaysUnknown)
    }

    /// Decides about a few bars whose days are unknown by the stored bars of the same series: they are kept like those.
    ///
    /// # Errors
    /// `BAD_DATA` if the stored bars are at 00:00 UTC: they may have been moved there, or not.
    pub fn with_days_of(mut self, stored: &Bars, timeframe: Timeframe) -> Result<Self> {
        let stamps = self.bars.timestamps();
        if !local_days::may_be_local_days(stored.timestamps(), timeframe) {
            let stamp = stamps.iter().copied().find(|stamp| stamp.rem_euclid(time::DAY) != 0);
            let stamp = time::format(stamp.unwrap_or(0));
            let message = format!(
                "the day of the new {timeframe} bar {stamp} cannot be known: the stored bars of the series are at 00:00 UTC; pass \
                 timezone"
            );
            return Err(Error::bad_data("bars.timestamps", "timezone", message));
        }
        let mut sample = [stored.timestamps(), stamps].concat();
        sample.sort_unstable();
        sample.dedup();
        if local_days::are_kept_as_stamped(&sample, timeframe) {
            self.notes.retain(|note| note.code != NoteCode::DaysUnknown);
        }
        Ok(self)
    }
}

impl RawBars {
    /// Makes bars of the rows: puts them in order, adjusts and mends prices, moves local days, and checks every invariant.
    /// `describe` names a row in messages.
    ///
    /// # Errors
    /// `BAD_DATA` for rows that are no bars, and for two bars of one interval of a series.
    pub fn into_bars(
        mut self,
        options: &ReadOptions,
        describe: &dyn Fn(usize) -> String,
    ) -> Result<NotedBars> {
        self.adjust(options, describe)?;
        self.mend();
        let is_reversed = self.sort();
        let series = options.timeframe.filter(|_| options.is_series);
        if let Some(timeframe) = series {
            let local = self.local.as_deref();
            self.notes.extend(local_days::to_local_days(
                &mut self.timestamps,
                local,
                timeframe,
                options,
                None,
            ));
        }
        self.choose_volume();
        let Self { timestamps, prices: [open, high, low, close], volume, notes, .. } = self;
        let rows = timestamps.len();
        let bars = Bars::new(timestamps, open, high, low, close, volume).map_err(|error| {
            let row_of = |bar: usize| if is_reversed { rows - 1 - bar } else { bar };
            with_rows(error, &|bar| describe(row_of(bar.min(rows.saturating_sub(1)))))
        })?;
        let mut notes = notes;
        if let Some(timeframe) = series {
            check_one_per_interval(bars.timestamps(), timeframe)?;
            notes.extend(price_jumps(Some(bars.open()), bars.close(), bars.timestamps()));
        }
        Ok(NotedBars { bars, notes })
    }

    fn adjust(&mut self, options: &ReadOptions, describe: &dyn Fn(usize) -> String) -> Result<()> {
        let adjusted = self.adjusted_close.take();
        match adjusted {
            Some(adjusted) if options.adjust => {
                let mut prices = self.prices.each_ref().map(|column| column.to_vec());
                self.notes.push(adjustment::adjust(&mut prices, &adjusted, describe)?);
                self.prices = prices.map(Column::from);
            }
            Some(adjusted) => {
                self.notes.extend(adjustment::unused(&self.prices[3], &adjusted));
            }
            None if options.adjust => {
                return Err(Error::new(
                    Code::BadData,
                    "adjust needs an adjusted close, and there is no such column; name it in columns.adjustedClose",
                ));
            }
            None => {}
        }
        Ok(())
    }

    fn mend(&mut self) {
        let [open, high, low, close] = &mut self.prices;
        if !rounding::needs_mending(open, high, low, close) {
            return;
        }
        let (mut highs, mut lows) = (high.to_vec(), low.to_vec());
        let mended = rounding::mend(open, &mut highs, &mut lows, close);
        if mended > 0 {
            (*high, *low) = (highs.into(), lows.into());
            let bars = counted(usize::try_from(mended).unwrap_or(usize::MAX), "bar");
            let text = format!(
                "the high or low of {bars} missed the other prices by rounding and was set to them"
            );
            self.notes.push(Note::new(NoteCode::PricesRepaired, text).with("bars", mended));
        }
    }

    /// Reverses rows in descending order, and returns whether they were.
    fn sort(&mut self) -> bool {
        let times = &self.timestamps;
        let is_descending =
            times.first() > times.last() && times.is_sorted_by(|before, after| before >= after);
        if !is_descending {
            return false;
        }
        self.timestamps.reverse();
        if let Some(local) = &mut self.local {
            local.reverse();
        }
        for column in self.prices.iter_mut().chain(&mut self.volume).chain(&mut self.tick_volume) {
            let mut values = column.to_vec();
            values.reverse();
            *column = values.into();
        }
        let text = "the rows were in descending order and were reversed";
        self.notes.push(Note::new(NoteCode::RowsReversed, text));
        true
    }

    /// Takes the number of ticks if the traded volume is 0 throughout, drops a column without a single volume, and counts
    /// missing ones.
    fn choose_volume(&mut self) {
        let is_zero = |volume: &f64| *volume == 0.0 || volume.is_nan();
        let has_traded = self.volume.as_ref().is_some_and(|volume| !volume.iter().all(is_zero));
        let ticks =
            self.tick_volume.take().filter(|ticks| !has_traded && !ticks.iter().all(is_zero));
        if let Some(ticks) = ticks {
            self.volume = Some(ticks);
            let text = "the volume is the number of ticks: the traded volume is 0 throughout";
            self.notes.push(Note::new(NoteCode::TickVolumeUsed, text));
        }
        let Some(volume) = &self.volume else { return };
        let missing = volume.iter().filter(|volume| volume.is_nan()).count();
        if missing == volume.len() && missing > 0 {
            self.volume = None;
        } else if missing > 0 {
            let have = if missing == 1 { "has" } else { "have" };
            let bars = counted(missing, "bar");
            let text = format!("{bars} {have} no volume; a rule that reads volume fails there");
            self.notes.push(Note::new(NoteCode::VolumesMissing, text).with("bars", missing));
        }
    }
}

/// Names the row of the source in the faults of bars: `line 5 (2020-01-03)` instead of `bar 3 (2020-01-03)`.
fn with_rows(mut error: Error, describe: &dyn Fn(usize) -> String) -> Error {
    for issue in &mut error.issues {
        let bar = issue.path.rsplit_once('[').and_then(|(_, bar)| bar.strip_suffix(']'));
        let Some(bar) = bar.and_then(|bar| bar.parse::<usize>().ok()) else { continue };
        let row = describe(bar);
        // Arrays are indexed by bar already.
        if row.contains('[') {
            return error;
        }
        let (before, after) = (format!("bar {bar} ("), format!("{row}: bar {bar} ("));
        error.message = error.message.replacen(&before, &after, 1);
        issue.message = issue.message.replacen(&before, &after, 1);
    }
    error
}
