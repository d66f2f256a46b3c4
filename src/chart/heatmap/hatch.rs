//! Hatching of cells: diagonal lines that run on from cell to cell.

use super::super::path::PathSegment;
use crate::numbers::count_to_f64;

/// The direction of the lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// From the lower left to the upper right.
    Rising,
    /// From the upper left to the lower right.
    Falling,
}

/// The edges of the cells, pixels.
#[derive(Debug, Clone, Copy)]
pub(super) struct CellEdges<'a> {
    /// From left to right, one more than there are columns.
    pub(super) x: &'a [f64],
    /// From the bottom up, so decreasing; one more than there are rows.
    pub(super) y: &'a [f64],
}

/// Returns the lines over the cells that are to be hatched, `distance` pixels apart along the horizontal.
pub(super) fn hatch(
    edges: CellEdges<'_>,
    direction: Direction,
    distance: f64,
    is_hatched: impl Fn(usize, usize) -> bool,
) -> Vec<PathSegment> {
    let (Some(&left), Some(&right)) = (edges.x.first(), edges.x.last()) else { return Vec::new() };
    let (Some(&bottom), Some(&top)) = (edges.y.first(), edges.y.last()) else { return Vec::new() };
    let mut path = Vec::new();
    // A line starts at the horizontal position `start` on the edge from which its rows are counted.
    let lines = ((right - left + bottom - top) / distance.max(1.0)).ceil();
    let mut line = 1.0;
    while line < lines {
        let start = left - (bottom - top) + line * distance;
        let mut drawn: Option<(f64, f64)> = None;
        let rows = edges.y.len().saturating_sub(1);
        for step in 0..rows {
            let row = if direction == Direction::Rising { step } else { rows - 1 - step };
            let (Some(&low), Some(&high)) = (edges.y.get(row), edges.y.get(row + 1)) else { break };
            // Distances of the edges of the row from the edge of the first row.
            let (near, far) = match direction {
                Direction::Rising => (bottom - low, bottom - high),
                Direction::Falling => (high - top, low - top),
            };
            let (from, to) = ((start + near).max(left), (start + far).min(right));
            if from >= to {
                continue;
            }
            let first = edges.x.partition_point(|edge| *edge <= from).saturating_sub(1);
            for (column, pair) in edges.x.windows(2).enumerate().skip(first) {
                let [cell_left, cell_right] = pair else { break };
                let (from, to) = (from.max(*cell_left), to.min(*cell_right));
                if from >= to {
                    break;
                }
                if !is_hatched(column, row) {
                    continue;
                }
                drawn = match drawn {
                    Some((begin, end)) if (end - from).abs() < 1e-6 => Some((begin, to)),
                    other => {
                        push_line(&mut path, other, start, direction, (bottom, top));
                        Some((from, to))
                    }
                };
            }
        }
        push_line(&mut path, drawn, start, direction, (bottom, top));
        line += 1.0;
    }
    path
}

fn push_line(
    path: &mut Vec<PathSegment>,
    line: Option<(f64, f64)>,
    start: f64,
    direction: Direction,
    (bottom, top): (f64, f64),
) {
    let Some((from, to)) = line else { return };
    let y = |x: f64| match direction {
        Direction::Rising => bottom - (x - start),
        Direction::Falling => top + (x - start),
    };
    path.extend([PathSegment::MoveTo(from, y(from)), PathSegment::LineTo(to, y(to))]);
}

/// Returns whether a pixel lies on a line of a hatching `distance` pixels apart and `width` pixels wide.
pub(super) fn is_on_line(
    x: usize,
    y: usize,
    direction: Direction,
    distance: usize,
    width: usize,
) -> bool {
    let position = match direction {
        Direction::Rising => x + y,
        // `y` is below any multiple that is added.
        Direction::Falling => x + (distance - y % distance.max(1)),
    };
    position % distance.max(1) < width
}

/// Returns the edges of equal cells between two pixels, rounded to whole pixels.
pub(super) fn cell_edges(count: usize, from: f64, to: f64) -> Vec<f64> {
    let share = |index: usize| count_to_f64(index) / count_to_f64(count.max(1));
    (0..=count).map(|index| (from + (to - from) * share(index)).round()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(direction: Direction, is_hatched: impl Fn(usize, usize) -> bool) -> Vec<[f64; 4]> {
        let (x, y) = (cell_edges(2, 100.0, 120.0), cell_edges(2, 220.0, 200.0));
        let path = hatch(CellEdges { x: &x, y: &y }, direction, 5.0, is_hatched);
        path.chunks(2)
            .map(|pair| match pair {
                [PathSegment::MoveTo(x0, y0), PathSegment::LineTo(x1, y1)] => [*x0, *y0, *x1, *y1],
                other => panic!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn lines_run_on_through_neighboring_cells() {
        let rising = lines(Direction::Rising, |_, _| true);
        assert_eq!(rising.len(), 7);
        assert_eq!(rising[3], [100.0, 220.0, 120.0, 200.0]);
        let falling = lines(Direction::Falling, |_, _| true);
        assert_eq!(falling[3], [100.0, 200.0, 120.0, 220.0]);
    }

    #[test]
    fn lines_stay_inside_hatched_cells() {
        for direction in [Direction::Rising, Direction::Falling] {
            for (column, row) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                let found = lines(direction, |c, r| (c, r) == (column, row));
                let (left, bottom) = (100.0 + 10.0 * column as f64, 220.0 - 10.0 * row as f64);
                assert!(!found.is_empty());
                for [x0, y0, x1, y1] in found {
                    assert!((left..=left + 10.0).contains(&x0), "{x0}");
                    assert!((left..=left + 10.0).contains(&x1), "{x1}");
                    assert!((bottom - 10.0..=bottom).contains(&y0), "{y0}");
                    assert!((bottom - 10.0..=bottom).contains(&y1), "{y1}");
                }
            }
        }
        assert!(lines(Direction::Rising, |_, _| false).is_empty());
    }

    #[test]
    fn pixels_on_lines_repeat() {
        for direction in [Direction::Rising, Direction::Falling] {
            let on = |x, y| is_on_line(x, y, direction, 6, 1);
            assert_eq!((0..60).filter(|x| on(*x, 4)).count(), 10);
            let next = |x: usize| if direction == Direction::Rising { x - 1 } else { x + 1 };
            assert!((0..60).filter(|x| on(*x, 4)).all(|x| x == 0 || on(next(x), 5)));
        }
    }
}
