//! The returns and the comparisons of tests.

use std::sync::LazyLock;

use serde_json::Value;

/// Returns of four trials over 24 bars.
pub(crate) const D: [[f64; 24]; 4] = [
    [
        -0.0121, 0.0073, -0.0035, 0.0163, -0.0076, -0.031, -0.0006, 0.0013, -0.0031, 0.0003,
        -0.0011, 0.0133, 0.0049, 0.0013, 0.002, -0.0055, 0.0229, 0.0028, 0.0167, 0.0043, 0.0176,
        0.0038, 0.0026, 0.0175,
    ],
    [
        -0.0061, 0.0009, -0.0068, 0.0028, -0.0102, 0.0165, 0.0108, 0.0086, -0.0081, -0.0043,
        0.0131, 0.0108, 0.0107, 0.0049, 0.012, -0.015, 0.0305, 0.0182, -0.0127, -0.0035, -0.0011,
        0.0076, 0.0067, 0.0095,
    ],
    [
        0.0031, -0.0012, 0.0088, 0.0043, -0.0027, -0.0097, -0.0067, -0.0112, -0.005, 0.0055,
        0.0021, -0.0115, -0.0127, -0.0269, -0.0089, 0.004, -0.0019, 0.0043, 0.0024, 0.013, -0.021,
        0.0035, 0.0105, -0.0082,
    ],
    [
        0.0208, 0.0038, 0.0174, 0.0134, -0.0021, 0.0322, 0.0051, -0.0059, -0.0099, 0.0161, -0.0058,
        -0.0026, 0.0023, 0.0064, -0.0053, 0.0203, -0.0265, 0.044, 0.0058, 0.0208, 0.0006, 0.0121,
        -0.0097, 0.0247,
    ],
];

/// Returns the random cases of scripts/referees/validation.py.
pub(crate) fn cases() -> &'static Value {
    static CASES: LazyLock<Value> = LazyLock::new(|| {
        serde_json::from_str(include_str!("../../__test__/reference/validation/cases.json"))
            .unwrap()
    });
    &CASES
}

/// Returns the random divisions of scripts/referees/validation.py.
pub(crate) fn splits() -> &'static Value {
    static SPLITS: LazyLock<Value> = LazyLock::new(|| {
        serde_json::from_str(include_str!("../../__test__/reference/validation/splits.json"))
            .unwrap()
    });
    &SPLITS
}

/// Returns the numbers of a JSON array.
pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

/// Asserts that two numbers differ by at most a part of the larger of them.
#[track_caller]
pub(crate) fn within(found: f64, expected: f64, tolerance: f64) {
    let most = found.abs().max(expected.abs());
    assert!((found - expected).abs() <= tolerance * most, "found {found:e}, expected {expected:e}");
}

/// Asserts that two numbers are the same but for rounding.
#[track_caller]
pub(crate) fn same(found: f64, expected: f64) {
    within(found, expected, 1e-12);
}
