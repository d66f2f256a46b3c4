//! Timestamps in PostgreSQL's binary format.

use std::error::Error as StdError;

use bytes::{BufMut, BytesMut};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, accepts, to_sql_checked};

use crate::market::time;

/// Milliseconds from 1970 to 2000, the epoch of PostgreSQL.
const POSTGRES_EPOCH: i64 = 946_684_800_000;

/// The first and the last millisecond of a `timestamp`: 4713 BC and 294276 AD, each rounded towards 2000.
const FIRST: i64 = -210_866_803_200_000;
const LAST: i64 = 9_224_318_015_999_000;

/// UTC milliseconds as a `timestamp`, `timestamptz` or `date`. Values out of their range become infinite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Timestamp(pub i64);

impl Timestamp {
    /// Returns microseconds since 2000, the binary form.
    pub fn to_wire(self) -> i64 {
        match self.0 {
            ..FIRST => i64::MIN,
            FIRST..=LAST => (self.0 - POSTGRES_EPOCH) * 1000,
            _ => i64::MAX,
        }
    }

    /// Reads microseconds since 2000 and rounds them down to milliseconds.
    pub fn from_wire(micros: i64) -> Self {
        Self(match micros {
            i64::MIN => -time::LIMIT,
            i64::MAX => time::LIMIT,
            _ => micros.div_euclid(1000).saturating_add(POSTGRES_EPOCH),
        })
    }
}

impl ToSql for Timestamp {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        if *ty == Type::DATE {
            // Only bounds of ranges are sent as dates, so the day that contains the timestamp is right.
            let days = (self.0.clamp(FIRST, LAST) - POSTGRES_EPOCH).div_euclid(time::DAY);
            out.put_i32(i32::try_from(days)?);
        } else {
            out.put_i64(self.to_wire());
        }
        Ok(IsNull::No)
    }

    accepts!(TIMESTAMP, TIMESTAMPTZ, DATE);
    to_sql_checked!();
}

impl<'a> FromSql<'a> for Timestamp {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        if *ty == Type::DATE {
            return Ok(match i32::from_be_bytes(raw.try_into()?) {
                i32::MIN => Self(-time::LIMIT),
                i32::MAX => Self(time::LIMIT),
                days => Self(i64::from(days) * time::DAY + POSTGRES_EPOCH),
            });
        }
        Ok(Self::from_wire(i64::from_be_bytes(raw.try_into()?)))
    }

    accepts!(TIMESTAMP, TIMESTAMPTZ, DATE);
}

/// A time of any column type as UTC microseconds. An integer column keeps its value; the caller knows its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimestampMicros(pub i64);

impl<'a> FromSql<'a> for TimestampMicros {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(Self(match *ty {
            Type::INT8 => i64::from_be_bytes(raw.try_into()?),
            Type::INT4 => i32::from_be_bytes(raw.try_into()?).into(),
            Type::DATE => Timestamp::from_sql(ty, raw)?.0 * 1000,
            // An infinite timestamp stays out of the range of bars.
            _ => i64::from_be_bytes(raw.try_into()?).saturating_add(POSTGRES_EPOCH * 1000),
        }))
    }

    accepts!(TIMESTAMP, TIMESTAMPTZ, DATE, INT8, INT4);
}

/// A bound of a range of times, as a query parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimeBound {
    /// For columns of a time type.
    Timestamp(Timestamp),
    /// For integer columns.
    Integer(i64),
}

impl ToSql for TimeBound {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match self {
            Self::Timestamp(timestamp) => timestamp.to_sql(ty, out),
            Self::Integer(number) => number.to_sql(ty, out),
        }
    }

    accepts!(TIMESTAMP, TIMESTAMPTZ, DATE, INT8);
    to_sql_checked!();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_round_trip_and_become_infinite_out_of_range() {
        for millis in [0, -1, POSTGRES_EPOCH, 1_600_000_000_123, FIRST, LAST] {
            assert_eq!(Timestamp::from_wire(Timestamp(millis).to_wire()), Timestamp(millis));
        }
        for millis in [i64::MIN, FIRST - 1, -time::LIMIT] {
            assert_eq!(Timestamp(millis).to_wire(), i64::MIN);
        }
        assert_eq!(Timestamp(i64::MAX).to_wire(), i64::MAX);
        assert_eq!(Timestamp::from_wire(i64::MIN), Timestamp(-time::LIMIT));
    }
}
