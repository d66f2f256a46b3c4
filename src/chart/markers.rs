//! Trade markers: a triangle below the line for each purchase and above it for each sale. Entries are hollow, exits are
//! filled; the color shows the outcome of the trade.

use std::collections::BTreeMap;

use super::canvas::Canvas;
use super::legend::{LegendEntry, LegendItem};
use super::path::{polyline, triangle};
use super::picture::{Color, Stroke, TextStyle};
use super::theme::Palette;
use crate::numbers::count_to_f64;
use crate::portfolio::Trades;

/// Distance from the line to the tip of the first marker, in marker sizes.
const GAP: f64 = 0.45;
/// Distance between the tips of stacked markers, in marker sizes.
const STACK_STEP: f64 = 1.15;

/// Outcome of a trade.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TradeOutcome {
    Profit,
    Loss,
    BreakEven,
    /// The trade is still open.
    Open,
}

impl TradeOutcome {
    fn of(pnl: f64) -> Self {
        if pnl > 0.0 {
            Self::Profit
        } else if pnl < 0.0 {
            Self::Loss
        } else {
            Self::BreakEven
        }
    }

    pub(super) fn color(self, palette: &Palette) -> Color {
        match self {
            Self::Profit => palette.profit,
            Self::Loss => palette.loss,
            Self::BreakEven => palette.muted,
            Self::Open => palette.strategy,
        }
    }
}

/// Marker of an entry or an exit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Marker {
    pub(super) bar: usize,
    pub(super) price: f64,
    /// Whether it is a purchase: below the line, pointing up.
    pub(super) is_buy: bool,
    pub(super) is_entry: bool,
    pub(super) outcome: TradeOutcome,
}

/// Line from an entry to its exit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct TradeLine {
    pub(super) from: (usize, f64),
    pub(super) to: (usize, f64),
    pub(super) outcome: TradeOutcome,
}

/// The markers of all trades of a run.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct TradeMarkers {
    pub(super) markers: Vec<Marker>,
    pub(super) lines: Vec<TradeLine>,
}

impl TradeMarkers {
    pub(super) fn of(trades: &Trades) -> Self {
        let mut entries: BTreeMap<(u32, bool), Marker> = BTreeMap::new();
        let mut result = Self::default();
        let bars = trades.entry_bar.iter().zip(&trades.exit_bar);
        let prices = trades.entry_price.iter().zip(&trades.exit_price);
        let kinds = trades.direction.iter().zip(&trades.status).zip(&trades.pnl);
        for (((&entry, &exit), (&entry_price, &exit_price)), ((direction, status), pnl)) in
            bars.zip(prices).zip(kinds)
        {
            let is_long = *direction == 0;
            let is_closed = *status != 0;
            let outcome = if is_closed { TradeOutcome::of(*pnl) } else { TradeOutcome::Open };
            let from = (entry as usize, entry_price);
            // Trades that close parts of one position share its entry.
            entries.entry((entry, is_long)).or_insert(Marker {
                bar: from.0,
                price: entry_price,
                is_buy: is_long,
                is_entry: true,
                outcome,
            });
            let to = (exit as usize, exit_price);
            result.lines.push(TradeLine { from, to, outcome });
            if is_closed {
                result.markers.push(Marker {
                    bar: to.0,
                    price: exit_price,
                    is_buy: !is_long,
                    is_entry: false,
                    outcome,
                });
            }
        }
        result.markers.extend(entries.into_values());
        result.markers.sort_by_key(|marker| (marker.bar, marker.is_entry));
        result
    }

    /// Returns the largest size, up to `max_size` pixels, at which markers are distinguishable. `None` if they never are.
    pub(super) fn size(&self, max_size: f64, bar_x: impl Fn(usize) -> f64) -> Option<f64> {
        [1.0, 0.8, 0.65].into_iter().map(|part| part * max_size).find(|size| {
            [true, false].into_iter().all(|is_buy| {
                let side = self.markers.iter().filter(|marker| marker.is_buy == is_buy);
                let mut bars: Vec<usize> = side.map(|marker| marker.bar).collect();
                // Markers on the same bar are stacked.
                bars.dedup();
                let positions: Vec<f64> = bars.into_iter().map(&bar_x).collect();
                let overlaps =
                    positions.windows(2).filter(|pair| pair[1] - pair[0] < size * 0.8).count();
                // A few overlapping pairs are readable.
                overlaps <= 3 || count_to_f64(overlaps) <= count_to_f64(positions.len()) * 0.2
            })
        })
    }

    /// Returns the vertical space that markers of a size need above and below the line, pixels.
    pub(super) fn margin(&self, size: f64) -> f64 {
        let stack_height = |markers: &[Marker]| {
            let buys = markers.iter().filter(|marker| marker.is_buy).count();
            buys.max(markers.len() - buys)
        };
        let stacks = self.markers.chunk_by(|a, b| a.bar == b.bar).map(stack_height);
        let highest = stacks.max().unwrap_or(0).min(3);
        size * (GAP + STACK_STEP * count_to_f64(highest))
    }

    /// Draws the markers. `top` and `bottom` return the vertical pixels that a marker must not cover.
    pub(super) fn draw(
        &self,
        canvas: &mut Canvas<'_>,
        palette: &Palette,
        size: f64,
        bar_x: impl Fn(usize) -> f64,
        (top, bottom): (impl Fn(&Marker) -> f64, impl Fn(&Marker) -> f64),
    ) {
        let gap = size * GAP;
        let mut stacks: (usize, [f64; 2]) = (usize::MAX, [0.0; 2]);
        for marker in &self.markers {
            if stacks.0 != marker.bar {
                stacks = (marker.bar, [0.0; 2]);
            }
            let [buys, sells] = &mut stacks.1;
            let offset = if marker.is_buy { buys } else { sells };
            let tip = if marker.is_buy {
                bottom(marker) + gap + *offset
            } else {
                top(marker) - gap - *offset
            };
            *offset += size * STACK_STEP;
            let color = marker.outcome.color(palette);
            let fill = if marker.is_entry { palette.background } else { color };
            let path = triangle(bar_x(marker.bar), tip, size, marker.is_buy);
            // An outline in the background color separates markers from the lines behind them.
            canvas.stroke(path.clone(), Stroke::new(palette.background, size * 0.4));
            canvas.fill_and_stroke(path, fill, Stroke::new(color, size * 0.15));
        }
    }

    /// Draws a line from each entry to its exit.
    pub(super) fn draw_lines(
        &self,
        canvas: &mut Canvas<'_>,
        palette: &Palette,
        width: f64,
        to_pixels: impl Fn((usize, f64)) -> (f64, f64),
    ) {
        for line in &self.lines {
            let stroke = Stroke::new(line.outcome.color(palette).with_opacity(0.75), width)
                .dashed(width * 3.0, width * 2.5);
            canvas.stroke(polyline(&[to_pixels(line.from), to_pixels(line.to)]), stroke);
        }
    }

    /// Returns the legend of the markers.
    pub(super) fn legend(&self, palette: &Palette, style: TextStyle) -> Vec<LegendEntry> {
        let text = |text: &str| LegendItem::Text(text.to_owned(), style);
        let mut entries = Vec::new();
        for (is_buy, is_entry, name) in [
            (true, true, "long entry"),
            (false, false, "long exit"),
            (false, true, "short entry"),
            (true, false, "short exit"),
        ] {
            let is_shown = |marker: &Marker| marker.is_buy == is_buy && marker.is_entry == is_entry;
            if self.markers.iter().any(is_shown) {
                let edge = palette.muted;
                let fill = if is_entry { palette.background } else { edge };
                entries
                    .push(vec![LegendItem::Marker { points_up: is_buy, fill, edge }, text(name)]);
            }
        }
        for (outcome, name) in [
            (TradeOutcome::Profit, "profit"),
            (TradeOutcome::Loss, "loss"),
            (TradeOutcome::Open, "open"),
        ] {
            if self.markers.iter().any(|marker| marker.outcome == outcome) {
                entries.push(vec![LegendItem::Swatch(outcome.color(palette)), text(name)]);
            }
        }
        entries
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Builds trades from entry bar, exit bar, direction, status and profit.
    pub(in crate::chart) fn trades(rows: &[(u32, u32, u8, u8, f64)]) -> Trades {
        let mut trades = Trades::default();
        for &(entry, exit, direction, status, pnl) in rows {
            trades.entry_bar.push(entry);
            trades.exit_bar.push(exit);
            trades.direction.push(direction);
            trades.status.push(status);
            trades.entry_price.push(10.0);
            trades.exit_price.push(11.0);
            trades.pnl.push(pnl);
        }
        trades
    }

    #[test]
    fn purchases_point_up_and_sales_point_down() {
        let markers = TradeMarkers::of(&trades(&[
            (1, 4, 0, 1, 5.0),
            (4, 6, 1, 1, -5.0),
            (7, 9, 0, 1, 0.0),
            (9, 9, 0, 0, 3.0),
        ]));
        let found: Vec<_> = markers
            .markers
            .iter()
            .map(|marker| (marker.bar, marker.is_buy, marker.is_entry, marker.outcome))
            .collect();
        assert_eq!(
            found,
            [
                (1, true, true, TradeOutcome::Profit),
                (4, false, false, TradeOutcome::Profit),
                (4, false, true, TradeOutcome::Loss),
                (6, true, false, TradeOutcome::Loss),
                (7, true, true, TradeOutcome::BreakEven),
                (9, false, false, TradeOutcome::BreakEven),
                (9, true, true, TradeOutcome::Open),
            ]
        );
        // The exit and the entry of a reversal are stacked.
        assert_eq!(markers.margin(10.0), 10.0 * (GAP + 2.0 * STACK_STEP));
    }

    #[test]
    fn trades_of_one_position_share_its_entry() {
        let markers = TradeMarkers::of(&trades(&[(1, 4, 0, 1, 5.0), (1, 6, 0, 1, -5.0)]));
        assert_eq!(markers.markers.iter().filter(|marker| marker.is_entry).count(), 1);
        assert_eq!(markers.lines.len(), 2);
    }

    #[test]
    fn markers_shrink_and_then_disappear_as_trades_get_denser() {
        let reversing = |count: u32| {
            let rows = (0..count).map(|index| (index, index + 1, (index % 2) as u8, 1, 1.0));
            TradeMarkers::of(&trades(&rows.collect::<Vec<_>>()))
        };
        let size =
            |count: u32| reversing(count).size(10.0, |bar| bar as f64 * 700.0 / f64::from(count));
        assert_eq!(size(39), Some(10.0));
        assert_eq!(size(250), Some(6.5));
        assert_eq!(size(5000), None);
    }
}
