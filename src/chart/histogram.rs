//! Histogram of closed trades over time, shown if there are too many trades for markers.

use super::canvas::Canvas;
use super::path::rectangle;
use super::scale::TimeScale;
use super::theme::Palette;
use crate::numbers::count_to_f64;
use crate::portfolio::Trades;

/// Number of trades that closed in each column of a panel.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TradeHistogram {
    /// Numbers of profits and losses in each column.
    columns: Vec<[u32; 2]>,
    /// Width of a column, pixels.
    width: f64,
    /// Highest number of profits or losses in one column.
    pub(super) max_count: u32,
}

impl TradeHistogram {
    /// Counts closed trades in columns of about `width` pixels.
    pub(super) fn of(trades: &Trades, scale: &TimeScale, timestamps: &[i64], width: f64) -> Self {
        let extent = scale.right - scale.left;
        let count = (extent / width).floor().max(1.0);
        let width = extent / count;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the number of columns is positive and below the width in pixels"
        )]
        let mut columns = vec![[0_u32; 2]; count as usize];
        let rows = trades.exit_bar.iter().zip(&trades.status).zip(&trades.pnl);
        for ((&bar, status), pnl) in rows {
            let Some(&timestamp) = timestamps.get(bar as usize).filter(|_| *status != 0) else {
                continue;
            };
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "timestamps of bars lie right of the left edge"
            )]
            let column = ((scale.pixel(timestamp) - scale.left) / width) as usize;
            if let Some([profits, losses]) = columns.get_mut(column) {
                *profits += u32::from(*pnl > 0.0);
                *losses += u32::from(*pnl < 0.0);
            }
        }
        let max_count = columns.iter().flatten().copied().max().unwrap_or(0);
        Self { columns, width, max_count }
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
        let unit = (bottom - top) / 2.0 / f64::from(self.max_count.max(1));
        let mut paths = [Vec::new(), Vec::new()];
        for (index, counts) in self.columns.iter().enumerate() {
            let from = left + count_to_f64(index) * self.width;
            let to = from + (self.width - 1.0).max(self.width * 0.7);
            for ((path, &count), sign) in paths.iter_mut().zip(counts).zip([-1.0, 1.0]) {
                if count > 0 {
                    let end = middle + sign * (f64::from(count) * unit).max(1.0);
                    path.extend(rectangle(from, middle.min(end), to, middle.max(end)));
                }
            }
        }
        let [profits, losses] = paths;
        canvas.fill(profits, palette.profit);
        canvas.fill(losses, palette.loss);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::markers::tests::trades;

    #[test]
    fn closed_trades_are_counted_at_their_exit() {
        let rows = [(0, 1, 0, 1, 5.0), (0, 1, 0, 1, -5.0), (0, 9, 0, 1, 1.0), (3, 9, 0, 0, 9.0)];
        let timestamps: Vec<i64> = (0..10).collect();
        let scale = TimeScale::new(0, 9, 1, 0.0, 100.0);
        let histogram = TradeHistogram::of(&trades(&rows), &scale, &timestamps, 10.0);
        let mut expected = vec![[0, 0]; 10];
        (expected[1], expected[9]) = ([1, 1], [1, 0]);
        assert_eq!((histogram.columns, histogram.max_count), (expected, 1));
    }
}
