//! Values as PostgreSQL sends them in its binary format.

use std::error::Error as StdError;

use bytes::{BufMut, BytesMut};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, accepts, to_sql_checked};

use crate::market::time;

/// Milliseconds from 1970 to 2000, where PostgreSQL begins to count.
const EPOCH: i64 = 946_684_800_000;

/// The first and the last millisecond that a `timestamp` can hold: 4713 BC and 294276 AD, each rounded towards 2000.
const FIRST: i64 = -210_866_803_200_000;
const LAST: i64 = 9_224_318_015_999_000;

/// A moment, UTC milliseconds, as a `timestamp`, `timestamptz` or `date`; beyond what they hold, it is an infinite one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment(pub i64);

impl Moment {
    /// Returns the microseconds since 2000 that PostgreSQL sends.
    pub fn to_wire(self) -> i64 {
        match self.0 {
            ..FIRST => i64::MIN,
            FIRST..=LAST => (self.0 - EPOCH) * 1000,
            _ => i64::MAX,
        }
    }

    /// Reads microseconds since 2000, rounded down to milliseconds.
    pub fn from_wire(micros: i64) -> Self {
        Self(match micros {
            i64::MIN => -time::LIMIT,
            i64::MAX => time::LIMIT,
            _ => micros.div_euclid(1000).saturating_add(EPOCH),
        })
    }
}

impl ToSql for Moment {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        if *ty == Type::DATE {
            // Only bounds of ranges are sent as dates: the day that holds the moment.
            let days = (self.0.clamp(FIRST, LAST) - EPOCH).div_euclid(time::DAY);
            out.put_i32(i32::try_from(days)?);
        } else {
            out.put_i64(self.to_wire());
        }
        Ok(IsNull::No)
    }

    accepts!(TIMESTAMP, TIMESTAMPTZ, DATE);
    to_sql_checked!();
}

impl<'a> FromSql<'a> for Moment {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        if *ty == Type::DATE {
            return Ok(match i32::from_be_bytes(raw.try_into()?) {
                i32::MIN => Self(-time::LIMIT),
                i32::MAX => Self(time::LIMIT),
                days => Self(i64::from(days) * time::DAY + EPOCH),
            });
        }
        Ok(Self::from_wire(i64::from_be_bytes(raw.try_into()?)))
    }

    accepts!(TIMESTAMP, TIMESTAMPTZ, DATE);
}

/// A time of any type, UTC microseconds; a whole number as it is, for whoever knows its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Micros(pub i64);

impl<'a> FromSql<'a> for Micros {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(Self(match *ty {
            Type::INT8 => i64::from_be_bytes(raw.try_into()?),
            Type::INT4 => i32::from_be_bytes(raw.try_into()?).into(),
            Type::DATE => Moment::from_sql(ty, raw)?.0 * 1000,
            // An infinite one stays so far away that no bar can hold it.
            _ => i64::from_be_bytes(raw.try_into()?).saturating_add(EPOCH * 1000),
        }))
    }

    accepts!(TIMESTAMP, TIMESTAMPTZ, DATE, INT8, INT4);
}

/// An end of a range of times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BoundStrategy {
    /// For the types of time.
    Moment(Moment),
    /// For whole numbers.
    Number(i64),
}

impl ToSql for BoundStrategy {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match self {
            Self::Moment(moment) => moment.to_sql(ty, out),
            Self::Number(number) => number.to_sql(ty, out),
        }
    }

    accepts!(TIMESTAMP, TIMESTAMPTZ, DATE, INT8);
    to_sql_checked!();
}

/// A number of any numeric type as the nearest `f64`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Number(pub f64);

impl<'a> FromSql<'a> for Number {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(Self(match *ty {
            Type::FLOAT8 => f64::from_be_bytes(raw.try_into()?),
            Type::FLOAT4 => f64::from(f32::from_be_bytes(raw.try_into()?)),
            Type::INT2 => f64::from(i16::from_be_bytes(raw.try_into()?)),
            Type::INT4 => f64::from(i32::from_be_bytes(raw.try_into()?)),
            #[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 are rounded")]
            Type::INT8 => i64::from_be_bytes(raw.try_into()?) as f64,
            _ => numeric(raw).ok_or("a numeric that is cut short")?,
        }))
    }

    accepts!(FLOAT4, FLOAT8, INT2, INT4, INT8, NUMERIC);
}

/// Reads a `numeric`: groups of four decimal digits, the position of the first group before the point, a sign, a scale.
///
/// The result is the nearest `f64`: a whole number below 2⁵³ divided or multiplied by a power of ten up to 10²² is rounded
/// once, and anything longer goes through its decimal text.
fn numeric(raw: &[u8]) -> Option<f64> {
    const EXACT: u64 = 1 << 53;
    const POWERS: [f64; 23] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
        1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
    ];
    let (head, groups) = raw.split_first_chunk::<8>()?;
    let field = |at: usize| Some(u16::from_be_bytes([*head.get(at)?, *head.get(at + 1)?]));
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
    // The last group stands at 10000^(weight + 1 - count).
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

/// The place of a row in its table (`ctid`), which is only compared: of two, the later written one is mostly the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Place(u64);

impl<'a> FromSql<'a> for Place {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        // Block (4 bytes) and position (2 bytes), most significant first.
        Ok(Self(raw.iter().take(8).fold(0, |place, byte| place << 8 | u64::from(*byte))))
    }

    accepts!(TID);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes a numeric as PostgreSQL does.
    fn wire(groups: &[u16], weight: i16, negative: bool) -> Vec<u8> {
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
                numeric(&wire(groups, weight, negative)),
                Some(expected),
                "{groups:?} {weight}"
            );
        }
        assert!(numeric(&[0, 0, 0, 0, 0xC0, 0, 0, 0]).unwrap().is_nan());
        assert_eq!(numeric(&[0, 0, 0, 0, 0xD0, 0, 0, 0]), Some(f64::INFINITY));
        assert_eq!(numeric(&[0, 2, 0, 0, 0, 0, 0, 0, 0, 1]), None);
    }

    #[test]
    fn moments_survive_and_those_beyond_become_infinite() {
        for moment in [0, -1, EPOCH, 1_600_000_000_123, FIRST, LAST] {
            assert_eq!(Moment::from_wire(Moment(moment).to_wire()), Moment(moment));
        }
        for moment in [i64::MIN, FIRST - 1, -time::LIMIT] {
            assert_eq!(Moment(moment).to_wire(), i64::MIN);
        }
        assert_eq!(Moment(i64::MAX).to_wire(), i64::MAX);
        assert_eq!(Moment::from_wire(i64::MIN), Moment(-time::LIMIT));
    }
}
