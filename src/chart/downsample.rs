//! Downsampling of lines. Of all points in one column of pixels, it keeps the first, the lowest, the highest and the last:
//! the line through them covers the same pixels as the line through all points.

use crate::numbers::count_to_f64;

/// Returns the points of a line, downsampled to `width` pixel columns. Skips values that are not finite. `to_x` must not
/// decrease; `to_y` must be monotonic.
pub(super) fn downsample(
    count: usize,
    width: f64,
    to_x: impl Fn(usize) -> f64,
    value: impl Fn(usize) -> f64,
    to_y: impl Fn(f64) -> f64,
) -> Vec<(f64, f64)> {
    let to_point = |index: usize, value: f64| (to_x(index), to_y(value));
    if count_to_f64(count) <= width * 2.0 {
        let points = (0..count).map(|index| (index, value(index)));
        return points
            .filter(|(_, value)| value.is_finite())
            .map(|(index, value)| to_point(index, value))
            .collect();
    }
    let mut points = Vec::new();
    let mut column = PixelColumn::default();
    let mut pixel = f64::NEG_INFINITY;
    for index in 0..count {
        let value = value(index);
        if !value.is_finite() {
            continue;
        }
        let current = to_x(index).floor();
        if current > pixel {
            column.take(&mut points, &to_point);
            pixel = current;
        }
        column.add(index, value);
    }
    column.take(&mut points, &to_point);
    points
}

/// Index and value of a sample.
type Sample = (usize, f64);

/// First, lowest, highest and last sample of a pixel column.
#[derive(Default)]
struct PixelColumn(Option<[Sample; 4]>);

impl PixelColumn {
    fn add(&mut self, index: usize, value: f64) {
        let sample = (index, value);
        match &mut self.0 {
            None => self.0 = Some([sample; 4]),
            Some([_, lowest, highest, last]) => {
                if value < lowest.1 {
                    *lowest = sample;
                }
                if value > highest.1 {
                    *highest = sample;
                }
                *last = sample;
            }
        }
    }

    fn take(&mut self, points: &mut Vec<(f64, f64)>, to_point: &impl Fn(usize, f64) -> (f64, f64)) {
        let Some([first, lowest, highest, last]) = self.0.take() else { return };
        let (second, third) =
            if lowest.0 <= highest.0 { (lowest, highest) } else { (highest, lowest) };
        let mut previous = None;
        for (index, value) in [first, second, third, last] {
            if previous != Some(index) {
                points.push(to_point(index, value));
                previous = Some(index);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_lines_are_unchanged() {
        let values = [1.0, f64::NAN, 3.0];
        let points =
            downsample(3, 10.0, |index| index as f64, |index| values[index], |value| -value);
        assert_eq!(points, [(0.0, -1.0), (2.0, -3.0)]);
    }

    #[test]
    fn extremes_are_kept_in_order() {
        let count = 100_000;
        let value = |index: usize| match index {
            40_007 => 1e6,
            40_008 => -1e6,
            _ => (index as f64 / 50.0).sin(),
        };
        let x = |index: usize| index as f64 / 1000.0;
        let points = downsample(count, 100.0, x, value, |value| value);
        assert!(points.len() <= 400, "{}", points.len());
        assert!(points.windows(2).all(|pair| pair[0].0 < pair[1].0));
        let at = points.iter().position(|point| point.1 == 1e6).unwrap();
        assert_eq!(points[at + 1].1, -1e6);
        for pixel in 0..100 {
            let inside = points.iter().filter(|point| point.0.floor() == f64::from(pixel));
            let (low, high) = inside.fold((f64::MAX, f64::MIN), |(low, high), point| {
                (low.min(point.1), high.max(point.1))
            });
            let all = (pixel as usize * 1000..(pixel as usize + 1) * 1000).map(value);
            let (lowest, highest) = all
                .fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
            assert_eq!((low, high), (lowest, highest), "column {pixel}");
        }
        assert_eq!(points.first().unwrap().0, 0.0);
        assert_eq!(points.last().unwrap().0, x(count - 1));
    }
}
