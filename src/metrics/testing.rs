//! Two small runs of vectorbt 1.2.0 (`engine="numba"`) that every metric is tested with, and a run without bars.

use super::{
    EquityInput, EquityStatistics, StatisticSet, Statistics, TradingInput, TradingStatistics,
};
use crate::compute::parallel::Sequential;
use crate::market::Annualization;
use crate::market::time::DAY;
use crate::portfolio::Trades;
use crate::simulation::{Holdings, Orders};

/// Asserts that two values agree to 1e-9 relative, or that neither is there.
pub(super) fn same(found: Option<f64>, expected: Option<f64>) {
    let close = match (found, expected) {
        (Some(found), Some(expected)) => (found - expected).abs() <= 1e-9 * expected.abs() + 1e-12,
        (None, None) => true,
        _ => false,
    };
    assert!(close, "found {found:?}, expected {expected:?}");
}

/// Computes all statistics of a curve and of orders that were filled with this slippage.
pub(super) fn statistics_of(
    curve: &EquityInput<'_>,
    equity: &[f64],
    orders: &Orders,
    trades: &Trades,
    rejected_signals: usize,
) -> Statistics {
    let initial_capital = curve.initial_capital;
    let trading = TradingInput {
        initial_capital,
        close: curve.close,
        orders,
        holdings: &Holdings::replay(orders, initial_capital),
        trades,
        rejected_signals,
    };
    let (of_equity, _) =
        EquityStatistics::new(curve, &equity, StatisticSet::ALL, &Sequential, Vec::new());
    Statistics::new(of_equity, TradingStatistics::new(&trading, StatisticSet::ALL))
}

/// Adds the prices before slippage to orders.
pub(super) fn with_slippage(slippage: f64, orders: Orders) -> Orders {
    let prices = orders.price.iter().zip(&orders.side);
    let reference_price = prices
        .map(|(price, side)| price / if *side == 0 { 1.0 + slippage } else { 1.0 - slippage })
        .collect();
    Orders { reference_price, ..orders }
}

fn statistics(
    close: &[f64],
    equity: &[f64],
    orders: Orders,
    trades: &Trades,
    rejected_signals: usize,
) -> Statistics {
    let curve = EquityInput {
        initial_capital: 1_000.0,
        close,
        bar_milliseconds: Some(DAY),
        annualization: Annualization::with_year_days(365.0, Some(DAY)),
        risk_free: 0.0,
    };
    statistics_of(&curve, equity, &with_slippage(0.001, orders), trades, rejected_signals)
}

/// No bars.
pub(super) fn nothing() -> Statistics {
    statistics(&[], &[], Orders::default(), &Trades::default(), 0)
}

/// All cash in at bar 0, out at bar 2; fees and slippage 0.001.
pub(super) fn g1() -> Statistics {
    let orders = Orders {
        bar: vec![0, 2],
        side: vec![0, 1],
        size: vec![9.980_029_960_049_942; 2],
        price: vec![100.1, 104.895],
        fees: vec![0.999_000_999_000_941_2, 1.046_855_242_659_438_6],
        ..Orders::default()
    };
    let trades = Trades {
        entry_bar: vec![0],
        exit_bar: vec![2],
        direction: vec![0],
        status: vec![1],
        pnl: vec![45.808_387_416_778_99],
        pnl_percent: vec![4.585_419_580_419_576],
        ..Trades::default()
    };
    let equity = [
        998.002_996_004_994_2,
        1_097.803_295_605_493_5,
        1_045.808_387_416_779_2,
        1_045.808_387_416_779_2,
        1_045.808_387_416_779_2,
    ];
    statistics(&[100.0, 110.0, 105.0, 120.0, 90.0], &equity, orders, &trades, 0)
}

/// Five units long and short in turn (`direction="both"`, `size=5`), entries at 0, 5, 9, 14, exits at 3, 7, 11; fees and
/// slippage 0.001. Seven trades, the last one open. Two unexecuted signals are made up.
pub(super) fn mixed() -> Statistics {
    let close = [
        100.0, 104.0, 103.0, 108.0, 101.0, 99.0, 102.0, 97.0, 95.0, 99.0, 104.0, 103.0, 107.0,
        110.0, 106.0, 109.0,
    ];
    let equity = [
        998.999_5,
        1_018.999_5,
        1_013.999_5,
        1_036.840_58,
        1_071.840_58,
        1_079.859_59,
        1_094.859_59,
        1_067.920_560_000_000_3,
        1_077.920_560_000_000_3,
        1_055.939_570_000_000_5,
        1_080.939_570_000_000_5,
        1_073.880_600_000_000_4,
        1_053.880_600_000_000_4,
        1_038.880_600_000_000_4,
        1_056.759_540_000_000_5,
        1_071.759_540_000_000_5,
    ];
    let orders = Orders {
        bar: vec![0, 3, 5, 7, 9, 11, 14],
        side: vec![0, 1, 0, 1, 0, 1, 0],
        size: vec![5.0, 10.0, 10.0, 10.0, 10.0, 10.0, 10.0],
        price: vec![
            100.1,
            107.892,
            99.098_999_999_999_99,
            96.903,
            99.098_999_999_999_99,
            102.897,
            106.106,
        ],
        fees: vec![
            0.500_500_000_000_000_1,
            1.078_92,
            0.990_989_999_999_999_9,
            0.969_030_000_000_000_1,
            0.990_989_999_999_999_9,
            1.028_97,
            1.061_06,
        ],
        ..Orders::default()
    };
    let trades = Trades {
        entry_bar: vec![0, 3, 5, 7, 9, 11, 14],
        exit_bar: vec![3, 5, 7, 9, 11, 14, 15],
        direction: vec![0, 1, 0, 1, 0, 1, 0],
        status: vec![1, 1, 1, 1, 1, 1, 0],
        pnl: vec![
            37.920_040_000_000_036,
            42.930_045_000_000_09,
            -11.960_009_999_999_905,
            -11.960_009_999_999_905,
            17.980_020_000_000_067,
            -17.090_014_999_999_96,
            13.939_470_000_000_027,
        ],
        pnl_percent: vec![
            7.576_431_568_431_576,
            7.957_966_299_632_983,
            -2.413_749_886_477_14,
            -2.468_449_893_192_141_3,
            3.628_698_574_153_134,
            -3.321_771_285_848_947_7,
            2.627_461_218_027_261,
        ],
        ..Trades::default()
    };
    statistics(&close, &equity, orders, &trades, 2)
}
