//! CSCV against holdout-backtest, purgedcv and sharpebench, and by a plain computation.

use super::*;
use crate::compute::parallel::Sequential;
use crate::observer::NoObserver;
use crate::random::SplitMix64;
use crate::validation::moments::Moments;
use crate::validation::testing::{D, cases, numbers, same};

const ALL: SplitPlan = SplitPlan { budget: u64::MAX, seed: 0 };

/// Returns the bars of blocks of equal count; the first ones have one more.
fn block_bars(bars: usize, blocks: usize) -> Vec<usize> {
    (0..blocks).map(|block| bars / blocks + usize::from(block < bars % blocks)).collect()
}

fn block_sums(returns: &[f64], bars: &[usize]) -> Vec<[f64; 2]> {
    let mut rest = returns;
    bars.iter()
        .map(|bars| {
            let (block, after) = rest.split_at(*bars);
            rest = after;
            [block.iter().sum(), block.iter().map(|r| r * r).sum()]
        })
        .collect()
}

fn of_sums(sums: &[Vec<[f64; 2]>], bars: &[usize], plan: SplitPlan) -> Known<Cscv> {
    let read = |trial: usize, into: &mut [[f64; 2]]| into.copy_from_slice(&sums[trial]);
    let returns = BlockReturns { trials: sums.len(), bars, read: &read };
    cscv(&returns, plan, &Sequential, &NoObserver).unwrap()
}

fn of(trials: &[Vec<f64>], blocks: usize, plan: SplitPlan) -> Known<Cscv> {
    let bars = block_bars(trials[0].len(), blocks);
    let sums: Vec<_> = trials.iter().map(|returns| block_sums(returns, &bars)).collect();
    of_sums(&sums, &bars, plan)
}

fn noise(trials: usize, bars: usize, seed: u64) -> Vec<Vec<f64>> {
    let mut random = SplitMix64::new(seed);
    (0..trials).map(|_| (0..bars).map(|_| random.unit() - 0.5).collect()).collect()
}

#[test]
fn it_equals_the_reference() {
    let trials = D.map(|returns| returns.to_vec());
    let found = of(&trials, 4, ALL).unwrap();
    assert_eq!((found.pbo, found.trials, found.blocks, found.all_splits), (1.0, 4, 4, 6));
    same(found.probability_of_loss, 1.0 / 3.0);
    let line = found.line.unwrap();
    same(line.slope, -0.835_803_506_950_972);
    same(line.intercept, 0.743_673_837_172_721_7);
    same(line.r2.unwrap(), 0.399_779_726_218_217_45);
    let winners: Vec<usize> = found.splits.iter().map(|split| split.winner).collect();
    assert_eq!(winners, [3, 3, 3, 1, 0, 0]);
    let ratios_in = [
        0.528_433_786_753_169,
        0.571_264_272_791_369_3,
        0.948_574_814_739_222_9,
        0.632_433_646_283_467_3,
        0.766_548_911_006_386_1,
        0.867_759_391_580_435_1,
    ];
    let ratios_out = [
        0.434_993_845_671_550_1,
        0.359_399_180_584_076_55,
        0.179_450_736_845_614_3,
        0.034_433_784_889_587_225,
        -0.013_306_139_685_073_139,
        -0.139_432_907_007_007_22,
    ];
    for (split, (inside, outside)) in found.splits.iter().zip(ratios_in.into_iter().zip(ratios_out))
    {
        same(split.ratio_in, inside);
        same(split.ratio_out, outside);
        same(split.logit, -0.405_465_108_108_164_3);
    }
    let masks: Vec<u16> = found.splits.iter().map(|split| split.in_sample).collect();
    assert_eq!(masks, [0b0011, 0b0101, 0b1001, 0b0110, 0b1010, 0b1100]);
    assert_eq!(found.histogram.iter().sum::<u32>(), 6);
    for (blocks, pbo, loss, slope) in [
        (6, 0.75, 0.15, -0.863_072_508_192_052_4),
        (8, 0.571_428_571_428_571_4, 0.114_285_714_285_714_28, -0.839_668_701_152_925),
    ] {
        let found = of(&trials, blocks, ALL).unwrap();
        same(found.pbo, pbo);
        same(found.probability_of_loss, loss);
        same(found.line.unwrap().slope, slope);
    }
}

#[test]
fn random_searches_equal_holdout_backtest() {
    for case in cases()["searches"].as_array().unwrap() {
        let trials: Vec<Vec<f64>> =
            case["returns"].as_array().unwrap().iter().map(numbers).collect();
        let found = of(&trials, case["blocks"].as_u64().unwrap() as usize, ALL).unwrap();
        let number = |name: &str| case[name].as_f64().unwrap();
        same(found.pbo, number("pbo"));
        same(found.probability_of_loss, number("probabilityOfLoss"));
        let line = found.line.unwrap();
        for (found, name) in
            [(line.slope, "slope"), (line.intercept, "intercept"), (line.r2.unwrap(), "r2")]
        {
            assert!((found - number(name)).abs() < 1e-10, "{name}: {found}");
        }
        let winners: Vec<f64> = found.splits.iter().map(|split| split.winner as f64).collect();
        assert_eq!(winners, numbers(&case["selected"]));
        for (split, logit) in found.splits.iter().zip(numbers(&case["logits"])) {
            assert!((split.logit - logit).abs() < 1e-12);
        }
    }
}

/// The definition, from the returns themselves.
fn plain(trials: &[Vec<f64>], bars: &[usize], mask: u16) -> (usize, f64, f64) {
    let part = |returns: &[f64], inside: bool| -> Vec<f64> {
        let mut bar = 0;
        let mut kept = Vec::new();
        for (block, count) in bars.iter().enumerate() {
            if (mask >> block & 1 == 1) == inside {
                kept.extend_from_slice(&returns[bar..bar + count]);
            }
            bar += count;
        }
        kept
    };
    let ratio = |returns: &[f64], inside: bool| {
        Moments::of(&part(returns, inside)).map(|m| m.sharpe_ratio().0)
    };
    let mut best = (usize::MAX, f64::NEG_INFINITY);
    for (trial, returns) in trials.iter().enumerate() {
        if let Ok(ratio) = ratio(returns, true)
            && ratio > best.1
        {
            best = (trial, ratio);
        }
    }
    let outside: Vec<f64> =
        trials.iter().map(|returns| ratio(returns, false).unwrap_or(0.0)).collect();
    let own = outside[best.0];
    let below = outside.iter().filter(|other| **other < own).count() as f64;
    let equal = outside.iter().filter(|other| **other == own).count() as f64;
    let omega = (below + f64::midpoint(equal, 1.0)) / (trials.len() as f64 + 1.0);
    (best.0, own, (omega / (1.0 - omega)).ln())
}

#[test]
fn sixteen_blocks_equal_the_definition_also_with_flat_blocks_and_several_tiles() {
    let mut trials = noise(100, 200, 4);
    // Some trials do not trade in most blocks, one never does.
    for (trial, returns) in trials.iter_mut().enumerate().take(40) {
        returns[..trial * 5].fill(0.0);
    }
    trials[70] = vec![0.0; 200];
    let bars = block_bars(200, 16);
    let found = of(&trials, 16, ALL).unwrap();
    assert_eq!(found.splits.len(), 12_870);
    for split in found.splits.iter().step_by(97) {
        let (winner, ratio, logit) = plain(&trials, &bars, split.in_sample);
        assert_eq!(split.winner, winner);
        assert!((split.ratio_out - ratio).abs() < 1e-12);
        assert!((split.logit - logit).abs() < 1e-12, "{:b}", split.in_sample);
    }
}

#[test]
fn trials_that_failed_are_left_out() {
    let bars = block_bars(80, 8);
    let trials = noise(50, 80, 8);
    let sums: Vec<_> = trials.iter().map(|returns| block_sums(returns, &bars)).collect();
    let mut with = sums.clone();
    for place in [0, 7, 30] {
        with.insert(place, vec![[f64::NAN; 2]; 8]);
    }
    let (without, with) =
        (of_sums(&sums, &bars, ALL).unwrap(), of_sums(&with, &bars, ALL).unwrap());
    assert_eq!((with.trials, with.pbo, with.line), (50, without.pbo, without.line));
    let moved = |trial: usize| trial + 1 + usize::from(trial >= 6) + usize::from(trial >= 28);
    for (one, other) in without.splits.iter().zip(&with.splits) {
        assert_eq!((moved(one.winner), one.logit), (other.winner, other.logit));
    }
}

#[test]
fn drawn_splits_are_some_of_all_with_their_complements() {
    let trials = noise(60, 320, 5);
    let all = of(&trials, 16, ALL).unwrap();
    let plan = SplitPlan { budget: 60 * 500 + 59, seed: 3 };
    let some = of(&trials, 16, plan).unwrap();
    assert_eq!((some.splits.len(), some.all_splits), (500, 12_870));
    for split in &some.splits {
        assert!(all.splits.contains(split));
        assert!(some.splits.iter().any(|other| other.in_sample == !split.in_sample));
    }
    // Four standard deviations of 250 independent pairs.
    assert!((some.pbo - all.pbo).abs() < 4.0 * (0.25 / 250.0_f64).sqrt());
}

#[cfg(target_arch = "x86_64")]
#[test]
fn the_scalar_version_returns_the_same_bytes() {
    use crate::compute::multiversion::scalar::forced;
    let trials = noise(70, 256, 31);
    assert_eq!(forced(|| of(&trials, 8, ALL)), of(&trials, 8, ALL));
}

#[test]
fn threads_and_their_order_do_not_matter() {
    /// Executes parts backwards on two threads.
    struct Backwards;

    impl Executor for Backwards {
        fn execute(&self, parts: usize, work: &(dyn Fn(usize) + Sync)) {
            std::thread::scope(|scope| {
                for half in 0..2 {
                    scope.spawn(move || {
                        (0..parts).rev().filter(|part| part % 2 == half).for_each(work);
                    });
                }
            });
        }
    }

    let bars = block_bars(160, 8);
    let mut sums: Vec<_> =
        noise(3_000, 160, 6).iter().map(|returns| block_sums(returns, &bars)).collect();
    // Equal trials in different parts: the first one wins.
    sums[2_500] = sums[40].clone();
    let read = |trial: usize, into: &mut [[f64; 2]]| into.copy_from_slice(&sums[trial]);
    let returns = BlockReturns { trials: sums.len(), bars: &bars, read: &read };
    let one = cscv(&returns, ALL, &Sequential, &NoObserver).unwrap().unwrap();
    let two = cscv(&returns, ALL, &Backwards, &NoObserver).unwrap().unwrap();
    assert_eq!(one, two);
    assert!(one.splits.iter().all(|split| split.winner != 2_500));
}

#[test]
fn an_edge_lowers_the_probability_and_noise_is_about_a_half() {
    let mut trials = noise(50, 640, 12);
    let noise = of(&trials, 8, ALL).unwrap();
    assert!((0.1..0.9).contains(&noise.pbo) && noise.line.unwrap().slope < 0.0, "{}", noise.pbo);
    trials[9].iter_mut().for_each(|r| *r += 0.12);
    let edge = of(&trials, 8, ALL).unwrap();
    assert!(edge.pbo < 0.02, "{}", edge.pbo);
    assert!(edge.dominance.first_order && edge.dominance.second_order);
    assert_eq!(edge.probability_of_loss, 0.0);
}

#[test]
fn searches_that_cannot_be_split_have_none() {
    let bars = block_bars(80, 8);
    assert_eq!(of(&noise(1, 80, 1), 8, ALL), Err(Missing::TooFewTrials));
    assert_eq!(of(&noise(3, 81, 1), 9, ALL), Err(Missing::OutOfRange));
    assert_eq!(of(&noise(3, 80, 1), 8, SplitPlan { budget: 5, seed: 0 }), Err(Missing::NoBudget));
    assert_eq!(of_sums(&vec![vec![[0.0; 2]; 8]; 3], &bars, ALL), Err(Missing::NoVariance));
    assert_eq!(of_sums(&vec![vec![[f64::NAN; 2]; 8]; 3], &bars, ALL), Err(Missing::TooFewTrials));
    assert_eq!(
        [63, 64, 255, 256].map(blocks_for),
        [Err(Missing::TooFewBars), Ok(8), Ok(8), Ok(16)]
    );
}
