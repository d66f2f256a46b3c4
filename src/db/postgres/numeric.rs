//! Numbers of any type as `f64`.

use std::error::Error as StdError;

use tokio_postgres::types::{FromSql, Type, accepts};

/// A number of any numeric type as the nearest `f64`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct NumericF64(pub f64);

impl<'a> FromSql<'a> for NumericF64 {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(Self(match *ty {
            Type::FLOAT8 => f64::from_be_bytes(raw.try_into()?),
            Type::FLOAT4 => f64::from(f32::from_be_bytes(raw.try_into()?)),
            Type::INT2 => f64::from(i16::from_be_bytes(raw.try_into()?)),
            Type::INT4 => f64::from(i32::from_be_bytes(raw.try_into()?)),
            #[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 are rounded")]
            Type::INT8 => i64::from_be_bytes(raw.try_into()?) as f64,
            _ => numeric(raw).ok_or("the numeric is truncated")?,
        }))
    }

    accepts!(FLOAT4, FLOAT8, INT2, INT4, INT8, NUMERIC);
}

/// Decodes a `numeric`: the number of groups of four decimal digits, the weight of the first group, the sign, the scale, and
/// the groups.
///
/// The result is the nearest `f64`. An integer up to 2⁵³ that is divided or multiplied by a power of ten up to 10²² is
/// rounded once; longer numbers are parsed from their decimal text.
fn numeric(raw: &[u8]) -> Option<f64> {
    const EXACT: u64 = 1 << 53;
    const POWERS: [f64; 23] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
        1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
    ];
    let (header, groups) = raw.split_first_chunk::<8>()?;
    let field = |at: usize| Some(u16::from_be_bytes([*header.get(at)?, *header.get(at + 1)?]));
    let (count, weight, sign) = (usize::from(field(0)?), field(2)?.cast_signed(), field(4)?);
    let negative = match sign {
        0x0000 => false,
        0x4000 => true,
        0xD000 => return Some(f64::INFINITY),
        0xF000 => return Some(f64::NEG_INFINITY),
        _ => return Some(f64::NAN),
    };
    let groups = groups.as_chunks::<2>().0.get(..count)?;
    let mut whole = 0_u64;
    for group in groups.iter().take(4) {
        whole = whole * 10_000 + u64::from(u16::from_be_bytes(*group));
    }
    // The last group counts units of 10000^(weight + 1 - count).
    let exponent = 4 * (i64::from(weight) + 1 - i64::try_from(count).ok()?);
    let power = usize::try_from(exponent.unsigned_abs()).ok().and_then(|power| POWERS.get(power));
    let value =
        match power {
            Some(power) if count <= 4 && whole <= EXACT => {
                #[expect(clippy::cast_precision_loss, reason = "at most 2^53")]
                let whole = whole as f64;
                if exponent < 0 { whole / power } else { whole * power }
            }
            _ => {
                let mut text = String::with_capacity(4 * count + 8);
                for group in groups {
                    let group = u16::from_be_bytes(*group);
                    text.extend([1000, 100, 10, 1].map(|unit| {
                        char::from(b'0' + u8::try_from(group / unit % 10).unwrap_or(0))
                    }));
                }
                text.push('e');
                text.push_str(&exponent.to_string());
                text.parse().ok()?
            }
        };
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Encodes a numeric as PostgreSQL does.
    fn encoded(groups: &[u16], weight: i16, negative: bool) -> Vec<u8> {
        let sign: u16 = if negative { 0x4000 } else { 0 };
        let head = [u16::try_from(groups.len()).unwrap(), weight.cast_unsigned(), sign, 0];
        head.iter().chain(groups).flat_map(|value| value.to_be_bytes()).collect()
    }

    #[test]
    fn numerics_are_the_nearest_double() {
        let cases: [(&[u16], i16, bool, f64); 9] = [
            (&[], 0, false, 0.0),
            (&[1000], -1, false, 0.1),
            (&[1, 2345, 1234, 5678], 1, false, 12_345.123_456_78),
            (&[1, 2345, 1234, 5678], 1, true, -12_345.123_456_78),
            (&[1], -2, false, 0.000_000_01),
            (&[9999, 9999, 9999, 9999], 3, false, 9_999_999_999_999_999.0),
            (&[1234, 5678, 9012, 3456, 7890, 1234, 5678], 2, false, 123_456_789_012.345_67),
            (&[1], 77, false, 1e308),
            (&[5], -81, false, 5e-324),
        ];
        for (groups, weight, negative, expected) in cases {
            assert_eq!(
                numeric(&encoded(groups, weight, negative)),
                Some(expected),
                "{groups:?} {weight}"
            );
        }
        assert!(numeric(&[0, 0, 0, 0, 0xC0, 0, 0, 0]).unwrap().is_nan());
        assert_eq!(numeric(&[0, 0, 0, 0, 0xD0, 0, 0, 0]), Some(f64::INFINITY));
        assert_eq!(numeric(&[0, 2, 0, 0, 0, 0, 0, 0, 0, 1]), None);
    }
}
