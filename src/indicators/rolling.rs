//! Shared code of indicators over a rolling window.

use ta_lib::{OutRange, RetCode};

use super::indicator::integer;

/// Returns the window length in bars, which is at least 1.
pub fn window(parameters: &[f64]) -> usize {
    usize::try_from(integer(parameters, 0)).unwrap_or(usize::MAX).max(1)
}

/// Returns the number of bars before the first full window.
pub fn look_back(parameters: &[f64]) -> usize {
    window(parameters) - 1
}

/// Computes each window independently, in time proportional to its length.
pub fn each(
    values: &[f64],
    parameters: &[f64],
    output: &mut [f64],
    compute: impl Fn(&[f64]) -> f64,
) -> Result<OutRange, RetCode> {
    if output.is_empty() {
        return Err(RetCode::BadParam);
    }
    for (output, window) in output.iter_mut().zip(values.windows(window(parameters))) {
        *output = compute(window);
    }
    Ok(OutRange { beg_idx: look_back(parameters), count: output.len() })
}

/// Returns the greatest value of each full window.
pub fn highest(values: &[f64], parameters: &[f64]) -> Result<Vec<f64>, RetCode> {
    column(values, parameters, |a, b| if a > b { a } else { b })
}

/// Returns the smallest value of each full window.
pub fn lowest(values: &[f64], parameters: &[f64]) -> Result<Vec<f64>, RetCode> {
    column(values, parameters, |a, b| if a < b { a } else { b })
}

fn column(
    values: &[f64],
    parameters: &[f64],
    pick: impl Fn(f64, f64) -> f64 + Copy,
) -> Result<Vec<f64>, RetCode> {
    let mut column = vec![0.0; values.len().saturating_sub(look_back(parameters))];
    extremes(values, parameters, &mut column, pick)?;
    Ok(column)
}

/// Computes the extreme of each window in time independent of its length, with the van Herk–Gil–Werman algorithm.
///
/// The values are cut into blocks of the window length. Each window is then a suffix of one block followed by a prefix of
/// the next, so its extreme combines a running extreme from the right with one from the left.
pub fn extremes(
    values: &[f64],
    parameters: &[f64],
    output: &mut [f64],
    pick: impl Fn(f64, f64) -> f64 + Copy,
) -> Result<OutRange, RetCode> {
    let window = window(parameters);
    let mut from_left = values.to_vec();
    let mut from_right = values.to_vec();
    for block in from_left.chunks_mut(window) {
        write_running_extremes(block.iter_mut(), pick);
    }
    for block in from_right.chunks_mut(window) {
        write_running_extremes(block.iter_mut().rev(), pick);
    }
    let ends = from_left.get(window - 1..).ok_or(RetCode::BadParam)?;
    for ((output, start), end) in output.iter_mut().zip(&from_right).zip(ends) {
        *output = pick(*start, *end);
    }
    Ok(OutRange { beg_idx: window - 1, count: output.len() })
}

fn write_running_extremes<'a>(
    values: impl Iterator<Item = &'a mut f64>,
    pick: impl Fn(f64, f64) -> f64,
) {
    let mut extreme = None;
    for value in values {
        let next = extreme.map_or(*value, |extreme| pick(extreme, *value));
        *value = next;
        extreme = Some(next);
    }
}
