/** Random sweeps on real bars: a strategy, axes over its parameters and over settings, constraints, settings, a range. */

import { Random } from '../fuzz/random.mjs'
import { randomStrategy } from './random-strategy.mjs'
import { ASSETS, realBars, slice } from './real-bars.mjs'

/** @typedef {number | boolean | null} Value */
/** @typedef {import('../../index.js').ParameterRange} ParameterRange */
/** @typedef {{ name: string, range: ParameterRange, values: Value[] }} Axis */
/** @typedef {import('./random-strategy.mjs').Constraint} Constraint */
/** @typedef {import('./random-strategy.mjs').Parameter} Parameter */
/** @typedef {import('./real-bars.mjs').Columns} Columns */
/**
 * @typedef {object} RandomSweep
 * @property {any} request The request for `runSweep`.
 * @property {any} run What all its runs have in common: the request for `runBacktest` without parameters.
 * @property {Axis[]} axes
 * @property {Constraint[]} constraints Those of the strategy and of the request.
 * @property {Record<string, number>} defaults The values of the parameters that are not swept, by name.
 * @property {string[]} assets
 * @property {string[]} timeframes
 */

const HOUR = 3_600_000

/** Metrics that a sweep only computes if they are named. */
export const NOT_BY_DEFAULT = [
  'avgDrawdownDurationDays',
  'conditionalValueAtRisk',
  'maxDrawdownDurationDays',
  'tailRatio',
  'valueAtRisk',
]

/**
 * Returns the sweep of a case.
 * @param {number} seed
 * @param {number} index
 * @param {readonly string[]} metricNames All metrics.
 * @param {{ combinations?: number, bars?: number }} [limits]
 * @returns {RandomSweep}
 */
export function randomSweep(seed, index, metricNames, { combinations = 12, bars = 1200 } = {}) {
  const random = new Random(seed, index)
  const place = random.chance(0.5) ? storedBars(random, bars) : ownBars(random, bars)
  const { choice, parameters, constraints } = randomStrategy(random, place.coarser)
  const ownShort = 'strategy' in choice && 'shortEntries' in choice.strategy
  const simulation = randomSettings(random, ownShort)
  const axes = randomAxes(random, parameters, simulation, combinations)
  const more = requestConstraints(random, axes)
  const run = {
    ...choice,
    ...place.range,
    initialCapital: random.pick([1000, 10_000, 10_000, 123_456.78]),
    ...(Object.keys(simulation).length > 0 && { simulation }),
  }
  const all = [...constraints, ...more]
  const request = {
    ...run,
    ...place.series,
    parameters: Object.fromEntries(axes.map(({ name, range }) => [name, range])),
    ...(more.length > 0 && { constraints: more.map(({ text }) => text) }),
    ...(random.chance(0.15) && { sample: { count: 1 + random.below(combinations), seed: random.below(1000) } }),
    ...objective(random),
    ...metrics(random, metricNames),
    ...(random.chance(0.4) && { minTrades: random.below(8) }),
    ...(random.chance(0.3) && { top: random.below(5) }),
    ...(random.chance(0.25) && { sums: true }),
  }
  const defaults = Object.entries(parameters).map(([name, { default: value }]) => [name, Number(value)])
  return {
    request,
    run,
    axes,
    constraints: all,
    defaults: Object.fromEntries(defaults),
    assets: place.assets,
    timeframes: place.timeframes,
  }
}

/**
 * A range of stored bars of one or several assets, with bars before it.
 * @param {Random} random
 * @param {number} most
 */
function storedBars(random, most) {
  const all = realBars('AAPL').timestamps
  const length = 30 + random.below(most - 30)
  const from = random.below(all.length - length)
  const day = (/** @type {number} */ bar) => new Date(Number(all[bar])).toISOString().slice(0, 10)
  const assets = random.chance(0.25) ? ['MSFT', random.pick(['IBM', 'SP500'])] : [random.pick(ASSETS)]
  const lists = assets.length > 1 || random.chance(0.1)
  const weekly = random.chance(0.15)
  const several = !weekly && length > 300 && random.chance(0.1)
  const timeframes = several ? ['1w', '1d'] : [weekly ? '1w' : '1d']
  return {
    coarser: ['1w'],
    range: {
      startDate: day(from),
      endDate: day(from + length),
      ...(random.chance(0.3) && { warmup: random.pick(['none', 50, 'auto', 0]) }),
    },
    series: {
      ...(lists ? { assetSymbols: assets } : { assetSymbol: assets[0] }),
      ...(several ? { timeframes } : weekly && { timeframe: '1w' }),
    },
    assets,
    timeframes,
  }
}

/**
 * Bars of the request: real ones, some of them with the times of hours.
 * @param {Random} random
 * @param {number} most
 */
function ownBars(random, most) {
  const all = realBars(random.pick(ASSETS))
  const length = 2 + random.below(most - 2)
  const from = random.below(all.close.length - length)
  const bars = slice(all, from, from + length)
  const hourly = random.chance(0.3)
  if (hourly) bars.timestamps = bars.timestamps.map((_, bar) => Date.UTC(2015, 0, 1) + bar * HOUR)
  const at = (/** @type {number} */ bar) => new Date(Number(bars.timestamps[bar])).toISOString()
  const trades = random.chance(0.4) ? { tradeFrom: at(random.below(length)) } : {}
  return {
    coarser: hourly ? ['4h', '1d', '1w'] : ['1w'],
    range: { startDate: at(0), endDate: at(length - 1), bars, ...trades },
    series: { assetSymbol: 'OWN' },
    assets: ['OWN'],
    timeframes: [hourly ? '1h' : '1d'],
  }
}

/**
 * @param {Random} random
 * @param {boolean} ownShort Whether the strategy has short signals of its own.
 * @returns {Record<string, any>}
 */
function randomSettings(random, ownShort) {
  if (random.chance(0.15)) return {}
  /** @type {Record<string, any>} */
  const settings = {}
  const set = (/** @type {number} */ chance, /** @type {string} */ name, /** @type {any[]} */ values) => {
    if (random.chance(chance)) settings[name] = random.pick(values)
  }
  set(0.4, 'fees', [0, 0.0005, 0.002, 0.01])
  set(0.15, 'fixedFees', [0, 1, 7.5])
  set(0.4, 'slippage', [0, 0.0005, 0.003])
  if (!ownShort) set(0.3, 'direction', ['shortOnly', 'both', 'longOnly'])
  set(0.3, 'execution', ['nextOpen', 'close'])
  set(0.3, 'slStop', [0.02, 0.05, 0.15])
  set(0.2, 'tpStop', [0.03, 0.1, 0.4])
  if (settings.slStop !== undefined) set(0.3, 'slTrail', [true, false])
  if (random.chance(0.3)) {
    const type = random.pick(['amount', 'value', 'percent'])
    const sizes = { amount: [0.5, 3, 20], value: [500, 5000], percent: [0.1, 0.5, 1] }
    if (type !== 'amount' || random.chance(0.5)) settings.sizeType = type
    settings.size = random.pick(sizes[/** @type {keyof typeof sizes} */ (type)])
  }
  set(0.15, 'accumulate', ['both', 'addOnly', 'removeOnly'])
  set(0.1, 'uponLongConflict', ['entry', 'exit', 'adjacent', 'opposite'])
  set(0.1, 'uponShortConflict', ['entry', 'exit', 'adjacent', 'opposite'])
  set(0.1, 'uponDirConflict', ['long', 'short', 'adjacent', 'opposite'])
  set(0.15, 'uponOppositeEntry', ['ignore', 'close', 'closeReduce', 'reverse'])
  set(0.1, 'stopEntryPrice', ['valPrice', 'price', 'close'])
  set(0.1, 'stopExitPrice', ['stopLimit', 'price', 'close'])
  set(0.1, 'uponStopExit', ['closeReduce', 'reverse', 'reverseReduce'])
  set(0.05, 'sizeGranularity', [1, 0.1])
  set(0.05, 'maxSize', [5, 50])
  set(0.05, 'lockCash', [true])
  set(0.05, 'allowPartial', [false])
  set(0.15, 'riskFree', [0.02, -0.005])
  set(0.15, 'yearDays', [252, 365, 'auto'])
  return settings
}

/**
 * Axes over parameters and settings that are not stated.
 * @param {Random} random
 * @param {Record<string, Parameter>} parameters
 * @param {Record<string, any>} simulation
 * @param {number} most
 * @returns {Axis[]}
 */
function randomAxes(random, parameters, simulation, most) {
  /** @type {Record<string, Value[]>} */
  const settings = {
    fees: [0, 0.001, 0.004],
    slippage: [0, 0.001, 0.002],
    fixedFees: [0, 2],
    slStop: [null, 0.02, 0.05, 0.1],
    tpStop: [0.05, null, 0.2],
    riskFree: [0, 0.02],
    yearDays: [252, 365],
    lockCash: [false, true],
  }
  if ('slStop' in simulation) settings.slTrail = [false, true]
  if (!('sizeType' in simulation)) settings.size = [1, 7.5, null]
  /** @type {[string, Value[] | undefined, Parameter | undefined][]} */
  const own = Object.entries(parameters).map(([name, parameter]) => [name, undefined, parameter])
  /** @type {[string, Value[] | undefined, Parameter | undefined][]} */
  const others = Object.entries(settings)
    .filter(([name]) => !(name in simulation))
    .map(([name, values]) => [`simulation.${name}`, values, undefined])
  if (!('size' in simulation) && !('sizeType' in simulation)) others.push(['position_size', [0.25, 0.5, 1], undefined])
  /** @type {Axis[]} */
  const axes = []
  let left = most
  const chosen = [
    ...shuffled(random, own).slice(0, 3),
    ...(random.chance(0.5) ? shuffled(random, others).slice(0, 2) : []),
  ]
  const excludes = (/** @type {string} */ name) => axes.some((axis) => axis.name === name)
  for (const [name, values, parameter] of shuffled(random, chosen)) {
    if (name === 'position_size' && excludes('simulation.size')) continue
    if (name === 'simulation.size' && excludes('position_size')) continue
    const count = 1 + random.below(Math.min(left, random.chance(0.3) ? 6 : 4))
    const axis = parameter
      ? parameterAxis(random, name, parameter, count)
      : listed(name, shuffled(random, values ?? []).slice(0, count))
    axes.push(axis)
    left = Math.floor(left / axis.values.length)
    if (left < 1) break
  }
  return axes
}

/**
 * @param {string} name
 * @param {Value[]} values
 * @returns {Axis}
 */
function listed(name, values) {
  return { name, range: values, values }
}

/**
 * @param {Random} random
 * @param {string} name
 * @param {Parameter} parameter
 * @param {number} count
 * @returns {Axis}
 */
function parameterAxis(random, name, parameter, count) {
  if (parameter.type === 'boolean') return listed(name, shuffled(random, [false, true]).slice(0, count))
  const { minimum, maximum } = parameter
  const whole = parameter.type === 'integer'
  const round = (/** @type {number} */ value) => (whole ? Math.round(value) : Number(value.toFixed(2)))
  const within = () => round(minimum + (maximum - minimum) * random.next())
  if (count === 1 && random.chance(0.3)) {
    const value = within()
    return { name, range: value, values: [value] }
  }
  const [low, high] = [within(), within()].sort((a, b) => a - b)
  if (low === undefined || high === undefined || low === high || random.chance(0.5)) {
    const values = [...new Set(Array.from({ length: count }, within))]
    return listed(name, values)
  }
  if (random.chance(0.5)) {
    const step = Math.max(round((high - low) / count), whole ? 1 : 0.01)
    const values = []
    for (let at = 0; low + at * step <= high + 1e-9; at++) values.push(round(low + at * step))
    return { name, range: { from: low, to: high, step }, values }
  }
  const logarithmic = low > 0 && random.chance(0.5)
  const values = Array.from({ length: count }, (_, at) => {
    if (at === 0) return low
    if (at === count - 1) return high
    const share = at / (count - 1)
    const value = logarithmic ? low * Math.exp(share * Math.log(high / low)) : low * (1 - share) + high * share
    return whole ? Math.round(value) : Number(value.toPrecision(logarithmic ? 12 : 15))
  })
  const range = { from: low, to: high, count, ...(logarithmic && { scale: /** @type {'log'} */ ('log') }) }
  return { name, range, values: [...new Set(values)] }
}

/**
 * A constraint of the request, most often one that leaves some combinations.
 * @param {Random} random
 * @param {Axis[]} axes
 * @returns {Constraint[]}
 */
function requestConstraints(random, axes) {
  const numbers = axes.filter(({ values }) => values.every((value) => typeof value !== 'boolean'))
  if (numbers.length === 0 || !random.chance(0.25)) return []
  const [one, other] = [random.pick(numbers), random.pick(numbers)]
  const [a, b] = [one.name, other.name]
  const level = Number(random.pick(one.values) ?? 0)
  return [
    random.pick([
      { text: `${a} >= ${level}`, holds: (of) => Number(of[a]) >= level },
      { text: `not (${a} > ${level})`, holds: (of) => !(Number(of[a]) > level) },
      {
        text: `${a} != ${level} or ${b} <= 1`,
        holds: (of) => Number(of[a]) < level || Number(of[a]) > level || Number(of[b]) <= 1,
      },
      { text: `${a} < 2 * ${b}`, holds: (of) => Number(of[a]) < 2 * Number(of[b]) },
      { text: `${a} + ${b} >= ${2 * level}`, holds: (of) => Number(of[a]) + Number(of[b]) >= 2 * level },
    ]),
  ]
}

/**
 * Returns the values of a combination as constraints see them: a setting that is off or has no limit has no number.
 * @param {Record<string, Value>} combination
 * @returns {Record<string, number>}
 */
export function numbersOf(combination) {
  return Object.fromEntries(
    Object.entries(combination).map(([name, value]) => [name, value === null ? NaN : Number(value)]),
  )
}

/** @param {Random} random */
function objective(random) {
  return random.pick([
    {},
    {},
    { objective: 'totalReturn' },
    { objective: '-maxDrawdown' },
    { objective: 'sharpeRatio - 0.5 * maxDrawdown / 10' },
    { objective: 'if(totalTrades >= 4, totalReturn, 0 - 100)' },
  ])
}

/**
 * @param {Random} random
 * @param {readonly string[]} names
 */
function metrics(random, names) {
  if (random.chance(0.6)) return {}
  if (random.chance(0.5)) return { metrics: [...names] }
  return { metrics: shuffled(random, names).slice(0, 1 + random.below(8)) }
}

/**
 * @template Item
 * @param {Random} random
 * @param {readonly Item[]} items
 * @returns {Item[]}
 */
function shuffled(random, items) {
  const all = [...items]
  for (let at = all.length - 1; at > 0; at--) {
    const other = random.below(at + 1)
    const [a, b] = [all[at], all[other]]
    all[at] = /** @type {Item} */ (b)
    all[other] = /** @type {Item} */ (a)
  }
  return all
}
