//! The standard normal distribution, with the same bits on every platform.
//!
//! The crate `libm` is compiled Rust (musl's functions), where `f64::exp` and `f64::ln` call the C library of the platform.

// The coefficients of Wichura (1988) have more digits than an f64.
#![allow(clippy::excessive_precision, reason = "published digits")]

use super::missing::{Known, Missing};

/// Returns Φ(x): the probability of a value of at most `x`. Below 1e-15 off.
#[must_use]
pub fn cdf(x: f64) -> f64 {
    0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2)
}

/// Returns 1 − Φ(x), with all digits in the upper tail.
#[must_use]
pub fn upper(x: f64) -> f64 {
    cdf(-x)
}

/// Returns Φ⁻¹(p): algorithm AS 241 (Wichura 1988), with a relative error of about 1e-16.
///
/// # Errors
/// [`Missing::OutOfRange`] unless 0 < p < 1.
pub fn quantile(p: f64) -> Known {
    if p > 0.0 && p < 1.0 { Ok(of_probability(p)) } else { Err(Missing::OutOfRange) }
}

/// Returns Φ⁻¹(1 − p), without the digits that 1 − p loses.
///
/// # Errors
/// [`Missing::OutOfRange`] unless 0 < p < 1.
pub fn upper_quantile(p: f64) -> Known {
    quantile(p).map(|x| -x)
}

fn of_probability(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180_625 - q * q;
        return q * polynomial(&CENTER[0], r) / polynomial(&CENTER[1], r);
    }
    let tail = if q < 0.0 { p } else { 1.0 - p };
    let r = (-libm::log(tail)).sqrt();
    let [numerator, denominator] = if r <= 5.0 { &TAIL } else { &FAR };
    let r = if r <= 5.0 { r - 1.6 } else { r - 5.0 };
    let x = polynomial(numerator, r) / polynomial(denominator, r);
    if q < 0.0 { -x } else { x }
}

/// Returns the value of a polynomial whose first coefficient is that of the highest power.
fn polynomial(coefficients: &[f64; 8], x: f64) -> f64 {
    coefficients.iter().fold(0.0, |sum, coefficient| sum * x + coefficient)
}

/// Numerator and denominator for 0.075 ≤ p ≤ 0.925.
const CENTER: [[f64; 8]; 2] = [
    [
        2.509_080_928_730_122_672_7e3,
        3.343_057_558_358_812_810_5e4,
        6.726_577_092_700_870_085_3e4,
        4.592_195_393_154_987_145_7e4,
        1.373_169_376_550_946_112_5e4,
        1.971_590_950_306_551_442_7e3,
        1.331_416_678_917_843_774_5e2,
        3.387_132_872_796_366_608_0,
    ],
    [
        5.226_495_278_852_854_561_0e3,
        2.872_908_573_572_194_267_4e4,
        3.930_789_580_009_271_061_0e4,
        2.121_379_430_158_659_586_7e4,
        5.394_196_021_424_751_107_7e3,
        6.871_870_074_920_579_083_0e2,
        4.231_333_070_160_091_125_2e1,
        1.0,
    ],
];

/// For tails down to e⁻²⁵.
const TAIL: [[f64; 8]; 2] = [
    [
        7.745_450_142_783_414_076_40e-4,
        2.272_384_498_926_918_458_33e-2,
        2.417_807_251_774_506_117_70e-1,
        1.270_458_252_452_368_382_58,
        3.647_848_324_763_204_605_04,
        5.769_497_221_460_691_405_50,
        4.630_337_846_156_545_295_90,
        1.423_437_110_749_683_577_34,
    ],
    [
        1.050_750_071_644_416_843_24e-9,
        5.475_938_084_995_344_946_00e-4,
        1.519_866_656_361_645_719_66e-2,
        1.481_039_764_274_800_745_90e-1,
        6.897_673_349_851_000_045_50e-1,
        1.676_384_830_183_803_849_40,
        2.053_191_626_637_758_821_87,
        1.0,
    ],
];

/// For tails beyond.
const FAR: [[f64; 8]; 2] = [
    [
        2.010_334_399_292_288_132_65e-7,
        2.711_555_568_743_487_578_15e-5,
        1.242_660_947_388_078_438_60e-3,
        2.653_218_952_657_612_309_30e-2,
        2.965_605_718_285_048_912_30e-1,
        1.784_826_539_917_291_335_80,
        5.463_784_911_164_114_369_90,
        6.657_904_643_501_103_777_20,
    ],
    [
        2.044_263_103_389_939_785_64e-15,
        1.421_511_758_316_445_888_70e-7,
        1.846_318_317_510_054_681_80e-5,
        7.868_691_311_456_132_591_00e-4,
        1.487_536_129_085_061_485_25e-2,
        1.369_298_809_227_358_053_10e-1,
        5.998_322_065_558_879_376_90e-1,
        1.0,
    ],
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validation::testing::{cases, numbers};

    #[test]
    fn both_directions_equal_fifty_digits_of_mpmath() {
        let file = cases();
        let normal = &file["normal"];
        for pair in normal["cdf"].as_array().unwrap() {
            let pair = numbers(pair);
            assert!((cdf(pair[0]) - pair[1]).abs() < 4e-16, "{pair:?}: {:e}", cdf(pair[0]));
            assert!((upper(-pair[0]) - pair[1]).abs() < 4e-16, "{pair:?}");
        }
        for pair in normal["quantile"].as_array().unwrap() {
            let (p, x) = (numbers(pair)[0], numbers(pair)[1]);
            let found = quantile(p).unwrap();
            assert!((found - x).abs() <= 1e-15 * x.abs().max(0.5), "{p:e}: {found:e} {x:e}");
            assert_eq!(upper_quantile(p).unwrap(), -found);
        }
    }

    #[test]
    fn probabilities_outside_have_no_quantile() {
        for p in [0.0, 1.0, -0.1, 1.1, f64::NAN] {
            assert_eq!(quantile(p), Err(Missing::OutOfRange));
        }
        assert_eq!((cdf(f64::NEG_INFINITY), cdf(0.0), cdf(f64::INFINITY)), (0.0, 0.5, 1.0));
    }
}
