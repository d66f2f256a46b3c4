//! A backtest as a picture: the price with entries and exits, equity against buying and holding, and drawdown below.
//!
//! Columns go in, a [`Picture`] comes out, and SVG or PNG are made of that; nothing is read and no clock is looked at, so
//! the same run is the same bytes everywhere. The time axis is linear. Long columns are thinned to what the pixels can
//! show, extremes kept ([`thin`]); trades that are too many for marks become columns that count them ([`marks`]); a range
//! of prices or of equity of ten to one or more gets a logarithmic scale, which its heading says.

mod amounts;
mod calendar;
mod draw;
mod font;
mod header;
mod heading;
mod marks;
mod picture;
mod plots;
mod png;
mod scale;
mod svg;
mod theme;
mod thin;
mod ticks;

#[cfg(test)]
mod tests;

pub use draw::draw;
pub use font::Weight;
pub use picture::{Color, Item, Picture, Shape, Step, Stroke, Text, TextStyle};
pub use theme::Theme;

use crate::market::{Bars, Timeframe};
use crate::portfolio::Trades;

/// The smallest width and height of a picture, pixels.
pub const SMALLEST: u32 = 200;
/// The largest width and height of a picture, pixels.
pub const LARGEST: u32 = 4096;

/// What a picture shows. The columns belong to each other: one entry a bar.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The strategy's name.
    pub strategy: &'a str,
    /// Its parameters, as text; may be empty.
    pub parameters: &'a str,
    /// The asset.
    pub asset: &'a str,
    /// The length of a bar.
    pub timeframe: Timeframe,
    /// Openings of the bars, UTC milliseconds, increasing.
    pub timestamps: &'a [i64],
    /// Equity at each bar, money.
    pub equity: &'a [f64],
    /// Money at the start.
    pub initial_capital: f64,
    /// The trades.
    pub trades: &'a Trades,
    /// The bars, where they are known.
    pub bars: Option<&'a Bars>,
    /// Why there are no bars; may be empty.
    pub note: &'a str,
    /// The figures of the subtitle.
    pub headline: Headline,
}

/// The figures of the subtitle; nothing where there is no value.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Headline {
    /// Percent.
    pub total_return: Option<f64>,
    /// Return of buying and holding, percent.
    pub benchmark_return: Option<f64>,
    /// A ratio.
    pub sharpe_ratio: Option<f64>,
    /// Percent, not negative.
    pub max_drawdown: Option<f64>,
    /// How many trades.
    pub total_trades: Option<f64>,
    /// Share of the closed trades that won, percent.
    pub win_rate: Option<f64>,
}

/// How a picture looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Pixels, from [`SMALLEST`] to [`LARGEST`].
    pub width: u32,
    /// Pixels, from [`SMALLEST`] to [`LARGEST`].
    pub height: u32,
    /// The colours.
    pub theme: Theme,
}

/// Returns a count as a number.
#[expect(clippy::cast_precision_loss, reason = "counts of bars and trades are below 2^53")]
const fn number(count: usize) -> f64 {
    count as f64
}

/// Returns milliseconds as a number.
#[expect(clippy::cast_precision_loss, reason = "moments that a Date can hold are below 2^53")]
const fn whole(milliseconds: i64) -> f64 {
    milliseconds as f64
}
