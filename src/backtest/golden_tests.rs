//! Worked examples, computed with vectorbt 1.2.0 (engine "numba"): prices 100, 110, 105, 120, 90; capital 1000; fees and
//! slippage 0.001; everything else vectorbt's default.

use super::testing::{self, Portfolio};
use crate::settings::{
    Accumulate, Conflict, Direction, Execution, Settings, SizeType, StopExit, StopExitPrice,
};
use crate::signals::{Bits, Signals};
use crate::simulation::{Prices, Simulation};

const CLOSE: [f64; 5] = [100.0, 110.0, 105.0, 120.0, 90.0];
/// Opens, highs and lows of the examples with stops.
const OPEN: [f64; 5] = [100.0, 100.0, 110.0, 105.0, 119.0];
const HIGH: [f64; 5] = [101.0, 112.0, 111.0, 121.0, 121.0];
const LOW: [f64; 5] = [98.0, 99.0, 97.0, 104.0, 88.0];

fn golden() -> Settings {
    Settings::vectorbt().with(|settings| {
        settings.costs.fees = 0.001;
        settings.costs.slippage = 0.001;
    })
}

fn signals(entries: &[usize], exits: &[usize]) -> Signals {
    let bits = |bars: &[usize]| Bits::from_fn(5, |bar| bars.contains(&bar));
    Signals { entries: bits(entries), exits: bits(exits), short_entries: None, short_exits: None }
}

fn run_on(prices: &Prices, signals: &Signals, settings: &Settings) -> (Simulation, Portfolio) {
    testing::simulate(prices, signals, 1000.0, settings).unwrap()
}

fn run(entries: &[usize], exits: &[usize], settings: &Settings) -> (Simulation, Portfolio) {
    run_on(&Prices::of_close(&CLOSE).unwrap(), &signals(entries, exits), settings)
}

fn run_with_range(entries: &[usize], settings: &Settings) -> (Simulation, Portfolio) {
    let prices = Prices::new(Some(&OPEN), Some(&HIGH), Some(&LOW), &CLOSE).unwrap();
    run_on(&prices, &signals(entries, &[]), settings)
}

/// Compares to 1e-12, far below the contract.
fn assert_near(found: f64, expected: f64, what: &str) {
    assert!(
        (found - expected).abs() <= 1e-12 * expected.abs(),
        "{what}: {found:?} and not {expected:?}"
    );
}

/// An order: bar, side, and where the example states them size, price and fees.
type Row = (u32, char, Option<f64>, Option<f64>, Option<f64>);

fn assert_orders(simulation: &Simulation, expected: &[Row]) {
    let orders = &simulation.orders;
    assert_eq!(orders.len(), expected.len(), "{orders:?}");
    for (index, &(bar, side, size, price, fees)) in expected.iter().enumerate() {
        assert_eq!((orders.bar[index], orders.side[index]), (bar, u8::from(side == 'S')));
        let columns = [
            ("size", orders.size[index], size),
            ("price", orders.price[index], price),
            ("fees", orders.fees[index], fees),
        ];
        for (what, found, expected) in columns {
            if let Some(expected) = expected {
                assert_near(found, expected, &format!("{what} of order {index}"));
            }
        }
    }
}

fn assert_equity(portfolio: &Portfolio, expected: [f64; 5]) {
    for (bar, (found, expected)) in portfolio.equity.iter().zip(expected).enumerate() {
        assert_near(*found, expected, &format!("equity at bar {bar}"));
    }
}

fn assert_final(portfolio: &Portfolio, expected: f64) {
    assert_near(portfolio.equity[4], expected, "final equity");
}

const G1_BUY: Row =
    (0, 'B', Some(9.980_029_960_049_942), Some(100.1), Some(0.999_000_999_000_941_2));
const G1_EQUITY: [f64; 5] = [
    998.002_996_004_994_2,
    1_097.803_295_605_493_5,
    1_045.808_387_416_779_2,
    1_045.808_387_416_779_2,
    1_045.808_387_416_779_2,
];

#[test]
fn g1_all_in_and_out() {
    let (simulation, portfolio) = run(&[0], &[2], &golden());
    assert_orders(
        &simulation,
        &[
            G1_BUY,
            (2, 'S', Some(9.980_029_960_049_942), Some(104.895), Some(1.046_855_242_659_438_6)),
        ],
    );
    assert_equity(&portfolio, G1_EQUITY);
}

#[test]
fn g2_both_directions_reverse() {
    let (simulation, portfolio) = run(
        &[0, 3],
        &[2],
        &golden().with(|settings| {
            settings.rules.direction = Direction::Both;
        }),
    );
    assert_orders(
        &simulation,
        &[
            G1_BUY,
            (2, 'S', Some(19.940_119_800_299_584), Some(104.895), Some(2.091_618_866_452_425)),
            (3, 'B', Some(17.377_953_777_707_248), Some(120.12), Some(2.087_439_807_778_082_5)),
        ],
    );
    assert_equity(
        &portfolio,
        [
            998.002_996_004_994_2,
            1_097.803_295_605_493_5,
            1_043.717_814_359_76,
            890.143_672_494_912_6,
            667.607_754_371_184_5,
        ],
    );
}

#[test]
fn g3_half_of_the_cash_again_and_again() {
    let settings = golden().with(|settings| {
        settings.sizing.size = 0.5;
        settings.sizing.size_type = SizeType::Percent;
        settings.rules.accumulate = Accumulate::Both;
    });
    let (simulation, portfolio) = run(&[0, 1], &[3], &settings);
    assert_orders(
        &simulation,
        &[
            (0, 'B', Some(4.990_014_980_024_971), Some(100.1), None),
            (1, 'B', Some(2.268_188_627_284_078), Some(110.11), None),
            (3, 'S', Some(3.629_101_803_654_524_6), Some(119.88), Some(0.435_056_724_222_104_4)),
        ],
    );
    assert_equity(
        &portfolio,
        [
            999.001_498_002_497_1,
            1_048.402_396_803_995_3,
            1_012.111_378_767_450_1,
            1_120.113_883_936_425_3,
            1_011.240_829_826_789_4,
        ],
    );
}

#[test]
fn g4_a_value_in_steps_with_a_fixed_fee() {
    let settings = golden().with(|settings| {
        settings.sizing.size = 300.0;
        settings.sizing.size_type = SizeType::Value;
        settings.sizing.size_granularity = Some(0.5);
        settings.costs.fixed_fees = 1.0;
    });
    let (simulation, portfolio) = run(&[0], &[2], &settings);
    assert_orders(
        &simulation,
        &[
            (0, 'B', Some(3.0), Some(100.1), Some(1.3003)),
            (2, 'S', Some(3.0), Some(104.895), Some(1.314_685)),
        ],
    );
    assert_equity(&portfolio, [998.3997, 1028.3997, 1_011.770_015, 1_011.770_015, 1_011.770_015]);
}

#[test]
fn g5_short_only() {
    let (simulation, portfolio) = run(
        &[0],
        &[2],
        &golden().with(|settings| {
            settings.rules.direction = Direction::ShortOnly;
        }),
    );
    assert_orders(
        &simulation,
        &[
            (0, 'S', Some(10.000_010_000_01), Some(99.9), Some(0.999_000_999_000_999)),
            (2, 'B', Some(10.000_010_000_01), Some(105.105), Some(1.051_051_051_051_051_1)),
        ],
    );
    assert_equity(
        &portfolio,
        [
            998.000_998_000_997_8,
            898.000_898_000_897_9,
            945.899_895_899_895_9,
            945.899_895_899_895_9,
            945.899_895_899_895_9,
        ],
    );
}

#[test]
fn g6_fills_at_the_open() {
    let open = [99.0, 108.0, 109.0, 106.0, 118.0];
    let prices = Prices::new(Some(&open), None, None, &CLOSE).unwrap();
    // The example's signals are those of the bars that fill; ours come one bar earlier.
    let settings = golden().with(|settings| {
        settings.conventions.execution = Execution::NextOpen;
    });
    let (simulation, portfolio) = run_on(&prices, &signals(&[0], &[2]), &settings);
    assert_orders(
        &simulation,
        &[
            (1, 'B', Some(9.240_768_481_527_724), Some(108.108), None),
            (3, 'S', None, Some(105.894), Some(0.978_541_937_582_896_9)),
        ],
    );
    assert_equity(
        &portfolio,
        [
            1000.0,
            1_016.484_532_968_049_6,
            970.280_690_560_411,
            977.563_395_645_313_9,
            977.563_395_645_313_9,
        ],
    );
}

#[test]
fn l1_locked_cash_limits_the_reversal() {
    let (simulation, portfolio) = run(
        &[3],
        &[0],
        &golden().with(|settings| {
            settings.rules.direction = Direction::Both;
            settings.sizing.lock_cash = true;
        }),
    );
    assert_orders(
        &simulation,
        &[
            (0, 'S', Some(10.000_010_000_01), Some(99.9), None),
            (3, 'B', Some(16.616_766_500_249_653), Some(120.12), Some(1.996_005_992_009_713_7)),
        ],
    );
    assert_equity(
        &portfolio,
        [
            998.000_998_000_997_8,
            898.000_898_000_897_9,
            948.000_948_000_947_9,
            794.010_780_028_758_3,
            595.508_085_021_568_7,
        ],
    );
}

#[test]
fn c1_a_conflict_is_ignored() {
    let (simulation, portfolio) = run(&[0, 2], &[2, 3], &golden());
    assert_orders(
        &simulation,
        &[G1_BUY, (3, 'S', None, Some(119.88), Some(1.196_405_991_610_787))],
    );
    assert_final(&portfolio, 1_195.209_585_619_176);
}

#[test]
fn c2_a_conflict_ends_with_the_exit() {
    let (_, portfolio) = run(
        &[0, 2],
        &[2, 3],
        &golden().with(|settings| {
            settings.rules.upon_long_conflict = Conflict::Exit;
        }),
    );
    assert_equity(&portfolio, G1_EQUITY);
}

#[test]
fn s1_a_stop_loss_fills_at_its_level() {
    let (simulation, portfolio) = run_with_range(
        &[1],
        &golden().with(|settings| {
            settings.stops.sl_stop = Some(0.1);
        }),
    );
    assert_orders(
        &simulation,
        &[
            (1, 'B', Some(9.072_754_509_136_312), Some(110.11), None),
            (2, 'S', None, Some(99.0), Some(0.898_202_696_404_494_9)),
        ],
    );
    assert_final(&portfolio, 897.304_493_708_090_4);
    assert_eq!(simulation.stops.losses, 1);
}

#[test]
fn s2_a_stop_filled_at_market_pays_slippage() {
    let settings = golden().with(|settings| {
        settings.stops.sl_stop = Some(0.1);
        settings.stops.stop_exit_price = StopExitPrice::StopMarket;
    });
    let (simulation, portfolio) = run_with_range(&[1], &settings);
    assert_orders(
        &simulation,
        &[(1, 'B', None, None, None), (2, 'S', None, Some(98.901), Some(0.897_304_493_708_090_3))],
    );
    assert_final(&portfolio, 896.407_189_214_382_1);
}

#[test]
fn s3_a_trailing_stop_follows_the_high_of_the_bar_before() {
    let (simulation, portfolio) = run_with_range(
        &[0],
        &golden().with(|settings| {
            settings.stops.sl_stop = Some(0.05);
            settings.stops.sl_trail = true;
        }),
    );
    assert_orders(
        &simulation,
        &[
            (0, 'B', None, None, None),
            (2, 'S', None, Some(106.399_999_999_999_99), Some(1.061_875_187_749_313_8)),
        ],
    );
    assert_final(&portfolio, 1_060.813_312_561_564_3);
}

#[test]
fn s4_a_take_profit_fills_at_its_level() {
    let (simulation, portfolio) = run_with_range(
        &[0],
        &golden().with(|settings| {
            settings.stops.tp_stop = Some(0.08);
        }),
    );
    assert_orders(
        &simulation,
        &[(0, 'B', None, None, None), (1, 'S', None, Some(108.0), Some(1.077_843_235_685_393_8))],
    );
    assert_final(&portfolio, 1_076.765_392_449_708_3);
    assert_eq!(simulation.stops.profits, 1);
}

#[test]
fn s5_the_stop_loss_goes_before_the_take_profit() {
    let high = [101.0, 112.0, 130.0, 121.0, 121.0];
    let prices = Prices::new(Some(&OPEN), Some(&high), Some(&LOW), &CLOSE).unwrap();
    let settings = golden().with(|settings| {
        settings.stops.sl_stop = Some(0.08);
        settings.stops.tp_stop = Some(0.08);
    });
    let (simulation, portfolio) = run_on(&prices, &signals(&[1], &[]), &settings);
    assert_orders(
        &simulation,
        &[(1, 'B', None, None, None), (2, 'S', None, Some(101.2), Some(0.918_162_756_324_594_8))],
    );
    assert_final(&portfolio, 917.244_593_568_270_1);
    assert_eq!(simulation.stops.ambiguous, 1);
}

#[test]
fn s6_a_stop_may_reverse_the_position() {
    let settings = golden().with(|settings| {
        settings.stops.sl_stop = Some(0.1);
        settings.stops.upon_stop_exit = StopExit::Reverse;
    });
    let (simulation, portfolio) = run_with_range(&[1], &settings);
    assert_orders(
        &simulation,
        &[
            (1, 'B', None, None, None),
            (2, 'S', Some(18.127_381_636_635_988), Some(99.0), None),
            (3, 'B', Some(15.506_711_221_634_953), Some(115.5), None),
            (4, 'S', Some(12.891_276_911_359_196), Some(108.0), None),
        ],
    );
    assert_final(&portfolio, 811.338_294_970_213_7);
}
