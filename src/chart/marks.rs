//! Trades on a line: a mark below for each purchase and above for each sale, hollow where it opens a position and filled
//! where it closes one, in the colour of what the trade came to. Where marks would lie on each other, columns count the
//! trades instead.

use std::collections::BTreeMap;

use super::heading::{Group, Part, triangle};
use super::picture::{Canvas, Color, Stroke, TextStyle, polyline, rectangle};
use super::scale::{Axis, TimeScale};
use super::theme::Palette;
use crate::portfolio::Trades;

/// From a line to the tip of its first mark, in sizes of a mark.
const GAP: f64 = 0.45;
/// From the tip of a mark to that of the next on the same bar, in sizes of a mark.
const LEVEL: f64 = 1.15;

/// What a trade came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Outcome {
    Profit,
    Loss,
    /// Neither.
    Even,
    /// Not known yet.
    Open,
}

impl Outcome {
    fn of(pnl: f64) -> Self {
        if pnl > 0.0 {
            Self::Profit
        } else if pnl < 0.0 {
            Self::Loss
        } else {
            Self::Even
        }
    }

    pub(super) fn color(self, palette: &Palette) -> Color {
        match self {
            Self::Profit => palette.profit,
            Self::Loss => palette.loss,
            Self::Even => palette.muted,
            Self::Open => palette.strategy,
        }
    }
}

/// An entry or an exit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Mark {
    pub(super) bar: usize,
    pub(super) price: f64,
    /// A purchase: below the line, pointing up.
    pub(super) buys: bool,
    /// Whether it opens the position.
    pub(super) opens: bool,
    pub(super) outcome: Outcome,
}

/// The way from an entry to an exit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Link {
    pub(super) from: (usize, f64),
    pub(super) to: (usize, f64),
    pub(super) outcome: Outcome,
}

/// Every mark of some trades.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Marks {
    pub(super) marks: Vec<Mark>,
    pub(super) links: Vec<Link>,
}

impl Marks {
    pub(super) fn of(trades: &Trades) -> Self {
        let mut entries: BTreeMap<(u32, bool), Mark> = BTreeMap::new();
        let mut found = Self::default();
        let bars = trades.entry_bar.iter().zip(&trades.exit_bar);
        let prices = trades.entry_price.iter().zip(&trades.exit_price);
        let kinds = trades.direction.iter().zip(&trades.status).zip(&trades.pnl);
        for (((&entry, &exit), (&entry_price, &exit_price)), ((direction, status), pnl)) in
            bars.zip(prices).zip(kinds)
        {
            let long = *direction == 0;
            let closed = *status != 0;
            let outcome = if closed { Outcome::of(*pnl) } else { Outcome::Open };
            let from = (entry as usize, entry_price);
            // Parts of one position share its entry.
            entries.entry((entry, long)).or_insert(Mark {
                bar: from.0,
                price: entry_price,
                buys: long,
                opens: true,
                outcome,
            });
            let to = (exit as usize, exit_price);
            found.links.push(Link { from, to, outcome });
            if closed {
                found.marks.push(Mark {
                    bar: to.0,
                    price: exit_price,
                    buys: !long,
                    opens: false,
                    outcome,
                });
            }
        }
        found.marks.extend(entries.into_values());
        found.marks.sort_by_key(|mark| (mark.bar, mark.opens));
        found
    }

    /// Returns the size at which marks can be told apart, pixels, given where bars lie; nothing if there is none.
    pub(super) fn size(&self, largest: f64, x: impl Fn(usize) -> f64) -> Option<f64> {
        [1.0, 0.8, 0.65].into_iter().map(|part| part * largest).find(|size| {
            [true, false].into_iter().all(|buys| {
                let on_side = self.marks.iter().filter(|mark| mark.buys == buys);
                let mut bars: Vec<usize> = on_side.map(|mark| mark.bar).collect();
                // Those on one bar are stacked.
                bars.dedup();
                let places: Vec<f64> = bars.into_iter().map(&x).collect();
                let near = places.windows(2).filter(|pair| pair[1] - pair[0] < size * 0.8).count();
                // A pair now and then can still be read, and so can a handful of marks anyhow.
                near <= 3 || super::number(near) <= super::number(places.len()) * 0.2
            })
        })
    }

    /// Returns how much room marks of a size need beyond what they stand on, pixels.
    pub(super) fn room(&self, size: f64) -> f64 {
        let on_bar = |marks: &[Mark]| {
            let buys = marks.iter().filter(|mark| mark.buys).count();
            buys.max(marks.len() - buys)
        };
        let highest =
            self.marks.chunk_by(|a, b| a.bar == b.bar).map(on_bar).max().unwrap_or(0).min(3);
        size * (GAP + LEVEL * super::number(highest))
    }

    /// Draws the marks; `above` and `below` give the pixels that a mark on a bar keeps clear of.
    pub(super) fn draw(
        &self,
        canvas: &mut Canvas<'_>,
        palette: &Palette,
        size: f64,
        x: impl Fn(usize) -> f64,
        (above, below): (impl Fn(&Mark) -> f64, impl Fn(&Mark) -> f64),
    ) {
        let gap = size * GAP;
        let mut stacked: (usize, [f64; 2]) = (usize::MAX, [0.0; 2]);
        for mark in &self.marks {
            if stacked.0 != mark.bar {
                stacked = (mark.bar, [0.0; 2]);
            }
            let [up, down] = &mut stacked.1;
            let level = if mark.buys { up } else { down };
            let tip =
                if mark.buys { below(mark) + gap + *level } else { above(mark) - gap - *level };
            *level += size * LEVEL;
            let color = mark.outcome.color(palette);
            let fill = if mark.opens { palette.background } else { color };
            let steps = triangle(x(mark.bar), tip, size, mark.buys);
            // A rim of the background sets marks off from lines behind them.
            canvas.line(steps.clone(), Stroke::new(palette.background, size * 0.4));
            canvas.edged(steps, fill, Stroke::new(color, size * 0.15));
        }
    }

    /// Draws a line from each entry to its exit.
    pub(super) fn draw_links(
        &self,
        canvas: &mut Canvas<'_>,
        palette: &Palette,
        width: f64,
        place: impl Fn((usize, f64)) -> (f64, f64),
    ) {
        for link in &self.links {
            let stroke = Stroke::new(link.outcome.color(palette).faded(0.75), width)
                .dashed(width * 3.0, width * 2.5);
            canvas.line(polyline(&[place(link.from), place(link.to)]), stroke);
        }
    }

    /// Explains the marks that there are.
    pub(super) fn legend(&self, palette: &Palette, style: TextStyle) -> Vec<Group> {
        let text = |text: &str| Part::Text(text.to_owned(), style);
        let mut groups = Vec::new();
        for (buys, opens, name) in [
            (true, true, "long entry"),
            (false, false, "long exit"),
            (false, true, "short entry"),
            (true, false, "short exit"),
        ] {
            if self.marks.iter().any(|mark| mark.buys == buys && mark.opens == opens) {
                let edge = palette.muted;
                let fill = if opens { palette.background } else { edge };
                groups.push(vec![Part::Mark { up: buys, fill, edge }, text(name)]);
            }
        }
        for (outcome, name) in
            [(Outcome::Profit, "profit"), (Outcome::Loss, "loss"), (Outcome::Open, "open")]
        {
            if self.marks.iter().any(|mark| mark.outcome == outcome) {
                groups.push(vec![Part::Swatch(outcome.color(palette)), text(name)]);
            }
        }
        groups
    }
}

/// How many trades ended in each column of a panel.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Counts {
    /// Profits and losses of each column.
    columns: Vec<[u32; 2]>,
    /// Width of a column, pixels.
    width: f64,
    /// The most profits or losses of one column.
    pub(super) most: u32,
}

impl Counts {
    /// Counts closed trades in columns of about `width` pixels.
    pub(super) fn of(trades: &Trades, scale: &TimeScale, timestamps: &[i64], width: f64) -> Self {
        let extent = scale.right - scale.left;
        let count = (extent / width).floor().max(1.0);
        let width = extent / count;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "columns are some pixels wide, and not negative"
        )]
        let mut columns = vec![[0_u32; 2]; count as usize];
        let rows = trades.exit_bar.iter().zip(&trades.status).zip(&trades.pnl);
        for ((&bar, status), pnl) in rows {
            let Some(&moment) = timestamps.get(bar as usize).filter(|_| *status != 0) else {
                continue;
            };
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "moments lie right of the left edge"
            )]
            let column = ((scale.place(moment) - scale.left) / width) as usize;
            if let Some([profits, losses]) = columns.get_mut(column) {
                *profits += u32::from(*pnl > 0.0);
                *losses += u32::from(*pnl < 0.0);
            }
        }
        let most = columns.iter().flatten().copied().max().unwrap_or(0);
        Self { columns, width, most }
    }

    /// Draws profits upwards and losses downwards from the middle of a panel.
    pub(super) fn draw(
        &self,
        canvas: &mut Canvas<'_>,
        palette: &Palette,
        left: f64,
        (top, bottom): (f64, f64),
    ) {
        let middle = top.midpoint(bottom);
        let unit = (bottom - top) / 2.0 / f64::from(self.most.max(1));
        let mut sides = [Vec::new(), Vec::new()];
        for (index, counts) in self.columns.iter().enumerate() {
            let from = left + super::number(index) * self.width;
            let to = from + (self.width - 1.0).max(self.width * 0.7);
            for ((steps, &count), sign) in sides.iter_mut().zip(counts).zip([-1.0, 1.0]) {
                if count > 0 {
                    let end = middle + sign * (f64::from(count) * unit).max(1.0);
                    steps.extend(rectangle(from, middle.min(end), to, middle.max(end)));
                }
            }
        }
        let [profits, losses] = sides;
        canvas.fill(profits, palette.profit);
        canvas.fill(losses, palette.loss);
    }
}

/// Returns the pixels that a bar's mark keeps clear of, where only a line is drawn: the line's and the fill's.
pub(super) fn clear_of(axis: &Axis, values: [f64; 2]) -> (f64, f64) {
    let [a, b] = values.map(|value| axis.place(value));
    (a.min(b), a.max(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Makes trades of an entry bar, an exit bar, a direction, a status and a profit each.
    fn trades(rows: &[(u32, u32, u8, u8, f64)]) -> Trades {
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
    fn purchases_point_up_and_sales_down() {
        let marks = Marks::of(&trades(&[
            (1, 4, 0, 1, 5.0),
            (4, 6, 1, 1, -5.0),
            (7, 9, 0, 1, 0.0),
            (9, 9, 0, 0, 3.0),
        ]));
        let shown: Vec<_> = marks
            .marks
            .iter()
            .map(|mark| (mark.bar, mark.buys, mark.opens, mark.outcome))
            .collect();
        assert_eq!(
            shown,
            [
                (1, true, true, Outcome::Profit),
                (4, false, false, Outcome::Profit),
                (4, false, true, Outcome::Loss),
                (6, true, false, Outcome::Loss),
                (7, true, true, Outcome::Even),
                (9, false, false, Outcome::Even),
                (9, true, true, Outcome::Open),
            ]
        );
        // The exit and the entry of a reversal are stacked.
        assert_eq!(marks.room(10.0), 10.0 * (GAP + 2.0 * LEVEL));
    }

    #[test]
    fn parts_of_a_position_share_its_entry() {
        let marks = Marks::of(&trades(&[(1, 4, 0, 1, 5.0), (1, 6, 0, 1, -5.0)]));
        assert_eq!(marks.marks.iter().filter(|mark| mark.opens).count(), 1);
        assert_eq!(marks.links.len(), 2);
    }

    #[test]
    fn marks_are_drawn_as_long_as_they_can_be_told_apart() {
        let reversing = |count: u32| {
            let rows = (0..count).map(|index| (index, index + 1, (index % 2) as u8, 1, 1.0));
            Marks::of(&trades(&rows.collect::<Vec<_>>()))
        };
        let size =
            |count: u32| reversing(count).size(10.0, |bar| bar as f64 * 700.0 / f64::from(count));
        assert_eq!(size(39), Some(10.0));
        assert_eq!(size(250), Some(6.5));
        assert_eq!(size(5000), None);
    }

    #[test]
    fn counts_are_of_closed_trades_where_they_ended() {
        let closed = [(0, 1, 0, 1, 5.0), (0, 1, 0, 1, -5.0), (0, 9, 0, 1, 1.0), (3, 9, 0, 0, 9.0)];
        let timestamps: Vec<i64> = (0..10).collect();
        let scale = TimeScale::new(0, 9, 1, 0.0, 100.0);
        let counts = Counts::of(&trades(&closed), &scale, &timestamps, 10.0);
        let mut expected = vec![[0, 0]; 10];
        (expected[1], expected[9]) = ([1, 1], [1, 0]);
        assert_eq!((counts.columns, counts.most), (expected, 1));
    }
}
