/**
 * The sweeps that are measured. `request` has what distinguishes the sweep; benches/sweep/addon.mjs adds the rest.
 *
 * - `peers`: the strategy and the settings for benches/sweep/peers.py; `sample`: the number of combinations, evenly spaced, because
 *   peers take the same time for each. A `plain` shape has the hand-written loop as a peer, too.
 * - `floor`: how the floor program measures the same (benches/sweep/floor.mjs).
 * - `threads`: whether two threads are measured, too.
 */

const range = (/** @type {number} */ from, /** @type {number} */ to, step = 1) => ({ from, to, step })

/** All pairs of averages of 2 to 101 bars, the fast one shorter: 4,950. */
const pairs = { strategyId: 'sma_crossover', parameters: { fast_period: range(2, 101), slow_period: range(2, 101) } }

const crossing = (/** @type {number} */ maximum) => ({
  strategy: {
    id: 'crossing',
    parameters: {
      fast: { type: 'integer', minimum: 1, maximum, default: 10 },
      slow: { type: 'integer', minimum: 1, maximum, default: 30 },
    },
    entries: 'crossed_above(sma(close, fast), sma(close, slow))',
    exits: 'crossed_below(sma(close, fast), sma(close, slow))',
  },
})

/** Returns the sweep over SMA pairs with other settings. */
const variant = (/** @type {object} */ simulation, /** @type {object} */ options, more = {}) => ({
  bars: 10_000,
  request: { ...pairs, simulation, ...more },
  peers: { strategy: 'sma', options },
  sample: 100,
})

const tails = ['valueAtRisk', 'conditionalValueAtRisk', 'tailRatio']

export const SHAPES = {
  sma: {
    title: 'SMA crossover, 4,950 pairs',
    bars: 10_000,
    request: pairs,
    peers: { strategy: 'sma', options: {} },
    sample: 250,
    plain: true,
    threads: true,
    floor: { mode: 'sma', dump: true },
  },
  'sma-sums': {
    title: 'the same with the sums for judging',
    bars: 10_000,
    request: { ...pairs, sums: true },
    floor: { mode: 'sma', reading: 'sums' },
  },
  'sma-long': {
    title: 'SMA crossover, 1,000 pairs',
    bars: 100_000,
    request: { strategyId: 'sma_crossover', parameters: { fast_period: range(5, 24), slow_period: range(30, 128, 2) } },
    peers: { strategy: 'sma', options: {} },
    sample: 40,
    plain: true,
    threads: true,
    floor: { mode: 'sma100k', dump: true },
  },
  million: {
    title: 'SMA crossing, all ordered pairs of 1 to 1,000',
    bars: 2_000,
    request: {
      ...crossing(1_000),
      parameters: { fast: range(1, 1_000), slow: range(1, 1_000) },
      constraints: ['fast != slow'],
    },
    peers: { strategy: 'sma', options: {} },
    sample: 1_000,
    plain: true,
    threads: true,
    rounds: 3,
    floor: { mode: 'million', dump: true },
  },
  'million-3': {
    title: 'the same with three metrics',
    bars: 2_000,
    request: {
      ...crossing(1_000),
      parameters: { fast: range(1, 1_000), slow: range(1, 1_000) },
      metrics: ['sharpeRatio', 'totalReturn', 'maxDrawdown'],
    },
    rounds: 3,
  },
  rsi: {
    title: 'RSI, 20 periods × 25 pairs of levels',
    bars: 10_000,
    request: {
      strategyId: 'rsi',
      parameters: { period: range(5, 24), oversold: range(20, 36, 4), overbought: range(64, 80, 4) },
    },
    peers: { strategy: 'rsi', options: {} },
    sample: 250,
    threads: true,
    floor: { mode: 'rsi' },
  },
  macd: {
    title: 'MACD, 20 × 24 × 8 periods',
    bars: 10_000,
    request: {
      strategyId: 'macd',
      parameters: { fast_period: range(5, 24), slow_period: range(26, 49), signal_period: range(5, 12) },
    },
    peers: { strategy: 'macd', options: {} },
    sample: 250,
    threads: true,
    floor: { mode: 'macd' },
  },
  bollinger: {
    title: 'Bollinger bands, 20 periods × two thresholds of 5',
    bars: 10_000,
    request: {
      strategy: {
        id: 'bands',
        parameters: {
          period: { type: 'integer', minimum: 2, maximum: 200, default: 20 },
          below: { type: 'number', minimum: 0, maximum: 5, default: 2 },
          above: { type: 'number', minimum: 0, maximum: 5, default: 1 },
        },
        entries: 'close < bbands_lower(close, period, below)',
        exits: 'close > bbands_upper(close, period, above)',
      },
      parameters: { period: range(10, 48, 2), below: range(1, 3, 0.5), above: range(0.5, 2.5, 0.5) },
    },
    peers: { strategy: 'bands', options: {} },
    sample: 100,
  },
  often: {
    title: 'a trade every 3 bars, 256 pairs of levels',
    bars: 10_000,
    request: {
      // A change is above the one level on two bars of three, and below the other on two of three.
      strategy: {
        id: 'often',
        parameters: {
          up: { type: 'number', minimum: -1, maximum: 1, default: -0.1 },
          down: { type: 'number', minimum: -1, maximum: 1, default: 0.1 },
        },
        entries: 'roc(close, 1) > up',
        exits: 'roc(close, 1) < down',
      },
      parameters: { up: range(-0.13, -0.1, 0.002), down: range(0.1, 0.13, 0.002) },
      simulation: { uponLongConflict: 'opposite' },
    },
    floor: { mode: 'often' },
  },
  stops: {
    title: 'SMA pairs, stop loss 1 % and take profit 2 %',
    ...variant({ slStop: 0.01, tpStop: 0.02 }, { sl: 0.01, tp: 0.02 }),
    floor: { mode: 'stops', reading: 'stops' },
  },
  trailing: {
    title: 'SMA pairs, trailing stop 1 %',
    ...variant({ slStop: 0.01, slTrail: true }, { sl: 0.01, trail: true }),
    floor: { mode: 'stops', reading: 'trailing' },
  },
  'next-open': {
    title: 'SMA pairs, filled at the next open',
    ...variant({ execution: 'nextOpen' }, { delay: true }),
  },
  short: {
    title: 'SMA pairs, short only',
    ...variant({ direction: 'shortOnly' }, { direction: 'shortonly' }),
    floor: { mode: 'short' },
  },
  both: {
    title: 'SMA pairs, long and short',
    ...variant({ direction: 'both' }, { direction: 'both' }),
  },
  half: {
    title: 'SMA pairs, half of the cash (position_size 0.5)',
    ...variant({}, { size: 0.5 }, { parameters: { ...pairs.parameters, position_size: 0.5 } }),
    floor: { mode: 'short' },
  },
  plain: {
    title: 'SMA pairs, the equity of every bar (with the tails)',
    ...variant({}, {}, { metrics: ['totalReturn', 'sharpeRatio', 'sortinoRatio', 'maxDrawdown', ...tails] }),
    threads: true,
  },
}
