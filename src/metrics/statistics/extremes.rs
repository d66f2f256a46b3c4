//! Minimum and maximum of a column, in loops that the compiler vectorizes.

/// Returns the largest value, or negative infinity for an empty column. NaN is ignored.
#[inline(always)]
pub(super) fn maximum(values: &[f64]) -> f64 {
    let (body, rest) = values.as_chunks::<8>();
    let mut lanes = [f64::NEG_INFINITY; 8];
    for chunk in body {
        for (best, &value) in lanes.iter_mut().zip(chunk) {
            // Not `f64::max`: its handling of NaN prevents vectorization.
            *best = if value > *best { value } else { *best };
        }
    }
    lanes
        .iter()
        .chain(rest)
        .fold(f64::NEG_INFINITY, |best, &value| if value > best { value } else { best })
}

/// Returns the smallest value, or infinity for an empty column. NaN is ignored.
#[inline(always)]
pub(super) fn minimum(values: &[f64]) -> f64 {
    let (body, rest) = values.as_chunks::<8>();
    let mut lanes = [f64::INFINITY; 8];
    for chunk in body {
        for (least, &value) in lanes.iter_mut().zip(chunk) {
            *least = if value < *least { value } else { *least };
        }
    }
    lanes
        .iter()
        .chain(rest)
        .fold(f64::INFINITY, |least, &value| if value < least { value } else { least })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extremes_are_found_in_the_body_and_in_the_rest() {
        let values: Vec<f64> = (0..21).map(f64::from).collect();
        assert_eq!(
            (minimum(&values).to_bits(), maximum(&values).to_bits()),
            (0.0_f64.to_bits(), 20.0_f64.to_bits())
        );
        let falling: Vec<f64> = (0..21).rev().map(f64::from).collect();
        assert_eq!(
            (minimum(&falling).to_bits(), maximum(&falling).to_bits()),
            (0.0_f64.to_bits(), 20.0_f64.to_bits())
        );
        assert!(maximum(&[]).is_infinite() && minimum(&[]).is_infinite());
    }
}
