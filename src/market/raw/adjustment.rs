//! Prices adjusted for splits and dividends by the adjusted close of their bar.

use crate::error::{Error, Result};
use crate::note::{Note, NoteCode};

/// Adjusted closes that differ from the closes by less than this are the same.
const SAME: f64 = 1e-9;

/// Multiplies the prices of each bar by the ratio of its adjusted close to its close: the close becomes the adjusted close.
/// `describe` names a row.
///
/// # Errors
/// `BAD_DATA` naming the first row whose adjusted close is not a price.
pub fn adjust(
    prices: &mut [Vec<f64>; 4],
    adjusted: &[f64],
    describe: &dyn Fn(usize) -> String,
) -> Result<Note> {
    let [open, high, low, close] = prices;
    for (row, adjusted) in adjusted.iter().copied().enumerate() {
        if !(adjusted > 0.0 && adjusted.is_finite()) {
            let row = describe(row);
            let message = format!("{row} has no adjusted close above 0; import without adjust");
            return Err(Error::bad_data(row, "range", message));
        }
        let Some(close) = close.get_mut(row) else { break };
        let factor = adjusted / *close;
        for column in [&mut *open, &mut *high, &mut *low] {
            if let Some(price) = column.get_mut(row) {
                *price *= factor;
            }
        }
        *close = adjusted;
    }
    let text = "all prices were multiplied by the factor of the adjusted close";
    Ok(Note::new(NoteCode::PricesAdjusted, text))
}

/// Returns a note if the adjusted closes differ from the closes, and are not used.
pub fn unused(close: &[f64], adjusted: &[f64]) -> Option<Note> {
    let differs = |(close, adjusted): (&f64, &f64)| {
        adjusted.is_finite() && (adjusted - close).abs() > SAME * close.abs()
    };
    let count = close.iter().zip(adjusted).filter(|pair| differs(*pair)).count();
    (count > 0).then(|| {
        let bars = crate::quote::counted(count, "bar");
        let text = format!(
            "the adjusted close of {bars} differs from the close and is not used; importBars adjusts all prices with adjust: true"
        );
        Note::new(NoteCode::AdjustedCloseUnused, text).with("bars", count)
    })
}
