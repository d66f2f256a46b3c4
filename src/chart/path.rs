//! Paths: outlines of shapes and glyphs.

/// A segment of a path.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PathSegment {
    /// Starts a new outline at a point.
    MoveTo(f64, f64),
    /// Straight line to a point.
    LineTo(f64, f64),
    /// Quadratic curve: the control point, then the end point.
    QuadTo(f64, f64, f64, f64),
    /// Straight line back to the start of the outline.
    Close,
}

/// Returns the line through points.
pub(super) fn polyline(points: &[(f64, f64)]) -> Vec<PathSegment> {
    let mut path = Vec::with_capacity(points.len() + 3);
    for &(x, y) in points {
        path.push(if path.is_empty() {
            PathSegment::MoveTo(x, y)
        } else {
            PathSegment::LineTo(x, y)
        });
    }
    path
}

/// Returns a rectangle.
pub(super) fn rectangle(left: f64, top: f64, right: f64, bottom: f64) -> Vec<PathSegment> {
    vec![
        PathSegment::MoveTo(left, top),
        PathSegment::LineTo(right, top),
        PathSegment::LineTo(right, bottom),
        PathSegment::LineTo(left, bottom),
        PathSegment::Close,
    ]
}

/// Returns a rectangle with rounded corners.
pub(super) fn rounded_rectangle(
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
    radius: f64,
) -> Vec<PathSegment> {
    let r = radius;
    vec![
        PathSegment::MoveTo(left + r, top),
        PathSegment::LineTo(right - r, top),
        PathSegment::QuadTo(right, top, right, top + r),
        PathSegment::LineTo(right, bottom - r),
        PathSegment::QuadTo(right, bottom, right - r, bottom),
        PathSegment::LineTo(left + r, bottom),
        PathSegment::QuadTo(left, bottom, left, bottom - r),
        PathSegment::LineTo(left, top + r),
        PathSegment::QuadTo(left, top, left + r, top),
        PathSegment::Close,
    ]
}

/// Returns a triangle that points up or down.
pub(super) fn triangle(tip_x: f64, tip_y: f64, size: f64, points_up: bool) -> Vec<PathSegment> {
    let base = if points_up { tip_y + size * 0.95 } else { tip_y - size * 0.95 };
    let half = size * 0.56;
    let mut path = polyline(&[(tip_x, tip_y), (tip_x + half, base), (tip_x - half, base)]);
    path.push(PathSegment::Close);
    path
}
