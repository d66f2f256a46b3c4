/**
 * Runs simulations and backtests with extreme 64-bit floating-point numbers: prices, volumes, capital, costs, sizes, stops,
 * dates and parameters at and near the limits. Every call must return finite numbers only, or reject with a documented error;
 * never with INTERNAL, and never hang.
 *
 *     npm run fuzz:numbers -- 50000 --seed 1
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { isDeepStrictEqual, parseArgs } from 'node:util'
import { Random } from './random.mjs'

/** @typedef {typeof import('../../index.js')} Backtesting */
/** @typedef {{ simulate?: any, run?: any, chart?: any, label: string }} Call */
/** @typedef {{ index: number, label: string, what: string }} Fault */

/** Amounts from the smallest to nearly the largest number. */
const MAGNITUDES = [5e-324, 2.3e-308, 1e-300, 1e-160, 1e-30, 1e-13, 1e-8, 1e-3, 1, 100, 1e9, 1e16, 1e154, 1e250, 1e300]
const HIGHEST = [1.7e308, Number.MAX_VALUE]

/** Times between two bars, milliseconds: those of timeframes, and another one. */
const STEPS = [60_000, 300_000, 3_600_000, 14_400_000, 86_400_000, 604_800_000]
const ODD_STEP = 1

/** The latest timestamp of a Date, milliseconds. */
const LAST_DATE = 8.64e15

const CHOICES = {
  sizeType: ['amount', 'value', 'percent'],
  direction: ['longOnly', 'shortOnly', 'both'],
  accumulate: ['disabled', 'both', 'addOnly', 'removeOnly'],
  uponLongConflict: ['ignore', 'entry', 'exit', 'adjacent', 'opposite'],
  uponShortConflict: ['ignore', 'entry', 'exit', 'adjacent', 'opposite'],
  uponDirConflict: ['ignore', 'long', 'short', 'adjacent', 'opposite'],
  uponOppositeEntry: ['ignore', 'close', 'closeReduce', 'reverse', 'reverseReduce'],
  stopEntryPrice: ['valPrice', 'price', 'fillPrice', 'close'],
  stopExitPrice: ['stopLimit', 'stopMarket', 'price', 'close'],
  uponStopExit: ['close', 'closeReduce', 'reverse', 'reverseReduce'],
  uponStopUpdate: ['keep', 'override', 'overrideNaN'],
  lockCash: [true, false],
  allowPartial: [true, false],
  slTrail: [true, false],
  execution: ['close', 'nextOpen'],
}

/** Functions of the language with periods at their limits; P is a period. */
const INDICATORS = [
  ...['sma', 'ema', 'wma', 'dema', 'tema', 'kama', 'trima', 'hma', 't3', 'rsi', 'roc', 'mom', 'trix', 'linreg'],
  ...['linreg_slope', 'highest', 'lowest', 'sum', 'stdev', 'rank', 'bbands_upper', 'bbands_lower', 'stochrsi_k'],
].map((name) => `${name}(X, P)`)
const BAR_INDICATORS = [
  ...['atr', 'natr', 'adx', 'plus_di', 'minus_di', 'cci', 'mfi', 'willr', 'aroon_up', 'donchian_upper', 'supertrend'],
  ...['keltner_upper', 'keltner_lower', 'ultosc', 'stoch_k', 'supertrend_direction'],
].map((name) => `${name}(P)`)
const OTHER_INDICATORS = ['obv()', 'vwap()', 'sar()', 'macd_line(X, 1, P, 9)', 'macd_hist(X, P, 2, 1)', 'sar(100, 100)']

/**
 * Returns the calls of one case.
 * @param {number} seed
 * @param {number} index
 * @returns {Call}
 */
export function extremeCall(seed, index) {
  const random = new Random(seed, index)
  const bars = extremeBars(random)
  return random.chance(0.5) ? simulation(random, bars) : backtest(random, bars)
}

/** @param {Random} random */
function magnitude(random) {
  return random.chance(0.15) ? random.pick(HIGHEST) : random.pick(MAGNITUDES)
}

/**
 * Clamps an amount to the range of prices.
 * @param {number} amount
 */
function asPrice(amount) {
  return Math.min(Math.max(amount, Number.MIN_VALUE), Number.MAX_VALUE)
}

/** @param {Random} random */
function extremeBars(random) {
  const count = random.chance(0.02) ? 2_000 + random.below(20_000) : 1 + random.below(random.chance(0.5) ? 8 : 300)
  const step = random.chance(0.02) ? ODD_STEP : random.pick(STEPS)
  const length = (count - 1) * step
  const first = random.pick([0, Date.UTC(2020, 0, 1), -LAST_DATE, LAST_DATE - length, -length, 2 ** 51 - length])
  const scales = Array.from({ length: 1 + random.below(3) }, () => magnitude(random))
  const shape = random.pick(['flat', 'alternating', 'random', 'rising', 'falling'])
  const column = () => new Float64Array(count)
  const bars = { timestamps: column(), open: column(), high: column(), low: column(), close: column() }
  const volume = random.chance(0.95) ? column() : undefined
  const volumes = [0, magnitude(random), magnitude(random)]
  let level = scales[0] ?? 1
  for (let bar = 0; bar < count; bar++) {
    if (shape === 'alternating') level = scales[bar % scales.length] ?? 1
    else if (shape === 'random') level = random.pick(scales)
    else if (shape === 'rising') level = asPrice(level * (1 + random.next() * 9))
    else if (shape === 'falling') level = asPrice(level / (1 + random.next() * 9))
    const spread = () => (shape === 'flat' ? level : asPrice(level * (0.5 + random.next())))
    const [low, open, close, high] = [spread(), spread(), spread(), spread()].sort((a, b) => a - b)
    bars.timestamps[bar] = Math.max(-LAST_DATE, Math.min(first, LAST_DATE - length)) + bar * step
    bars.low[bar] = low ?? 1
    bars.open[bar] = open ?? 1
    bars.close[bar] = close ?? 1
    bars.high[bar] = high ?? 1
    if (volume) volume[bar] = random.pick(volumes)
  }
  return { ...bars, ...(volume && { volume }) }
}

/** @param {Random} random */
function settings(random) {
  /** @type {Record<string, any>} */
  const options = {}
  for (const [name, values] of Object.entries(CHOICES)) {
    if (random.chance(0.4)) options[name] = random.pick(/** @type {any[]} */ (values))
  }
  const sizes = [Number.POSITIVE_INFINITY, 0, 0.9999999, 1, magnitude(random)]
  /** @type {Record<string, (() => any)>} */
  const numbers = {
    fees: () => random.pick([0, 0.9999999, -0.9999999, 1e300, magnitude(random)]),
    fixedFees: () => random.pick([0, magnitude(random), -magnitude(random)]),
    slippage: () => random.pick([0, 0.9999999, 1 - Number.EPSILON / 2, 5e-324]),
    size: () => (options.sizeType === 'percent' ? random.pick([0, 5e-324, 0.9999999, 1]) : random.pick(sizes)),
    minSize: () => random.pick([0, magnitude(random)]),
    maxSize: () => random.pick([Number.POSITIVE_INFINITY, magnitude(random)]),
    sizeGranularity: () => random.pick([null, magnitude(random)]),
    slStop: () => random.pick([0, 0.5, 1, magnitude(random)]),
    tpStop: () => random.pick([0, 0.5, 1, magnitude(random)]),
    riskFree: () => random.pick([0, -0.9999999, magnitude(random)]),
    yearDays: () => random.pick([365, magnitude(random)]),
  }
  for (const [name, make] of Object.entries(numbers)) if (random.chance(0.4)) options[name] = make()
  if (options.sizeType === 'percent' && options.size === undefined) options.size = 1
  return options
}

/**
 * @param {Random} random
 * @param {ReturnType<typeof extremeBars>} bars
 * @returns {Call}
 */
function simulation(random, bars) {
  const signals = () => {
    const share = random.pick([0.02, 0.3, 0.7])
    return Uint8Array.from(bars.close, () => Number(random.chance(share)))
  }
  const { timestamps, open, high, low, close } = bars
  const request = {
    ...settings(random),
    ...(random.chance(0.7) && { timestamps }),
    ...(random.chance(0.7) ? { open, high, low } : { execution: 'close' }),
    close,
    entries: signals(),
    exits: signals(),
    ...(random.chance(0.3) && { shortEntries: signals() }),
    ...(random.chance(0.3) && { shortExits: signals() }),
    initialCapital: magnitude(random),
  }
  return { simulate: request, label: 'simulateSignals' }
}

/**
 * Removes settings that runBacktest refuses and simulateSignals does not.
 * @param {Record<string, any>} options
 * @param {boolean} hasShortSignals
 */
function withoutMistakes(options, hasShortSignals) {
  const { fees, riskFree, slStop, tpStop, slTrail, size, minSize, maxSize, sizeGranularity, direction } = options
  const isOneSided = !hasShortSignals && direction !== 'both'
  const isOut = (/** @type {number | undefined} */ stop) => stop === 0 || (isOneSided && Number(stop) >= 1)
  if (fees >= 1) delete options.fees
  if (riskFree > 1) delete options.riskFree
  if (isOut(slStop)) delete options.slStop
  if (isOut(tpStop)) delete options.tpStop
  if (slTrail && options.slStop === undefined) delete options.slTrail
  if (size === 0) options.size = 1
  const most = Math.min(
    options.sizeType === 'amount' || !options.sizeType ? (options.size ?? Infinity) : Infinity,
    maxSize ?? Infinity,
  )
  if (minSize > most || (minSize === undefined && 1e-8 > most)) options.minSize = 0
  if (sizeGranularity > most) delete options.sizeGranularity
  if (options.allowPartial === false) delete options.maxSize
  if (hasShortSignals && direction === 'shortOnly') delete options.direction
  return options
}

/**
 * @param {Random} random
 * @param {ReturnType<typeof extremeBars>} bars
 * @returns {Call}
 */
function backtest(random, bars) {
  const strategy = {
    id: 'extreme',
    entries: condition(random),
    exits: condition(random),
    ...(random.chance(0.3) && { shortEntries: condition(random) }),
    ...(random.chance(0.3) && { shortExits: condition(random) }),
  }
  const timeframe = random.chance(0.1) ? random.pick(['1h', '1d', '1w']) : undefined
  const simulation = withoutMistakes(settings(random), 'shortEntries' in strategy || 'shortExits' in strategy)
  const parameters =
    simulation.size === undefined && simulation.sizeType === undefined && random.chance(0.5)
      ? { position_size: 0.9999999 }
      : undefined
  const run = {
    strategy,
    assetSymbol: 'EXTREME',
    startDate: new Date(bars.timestamps[0] ?? 0),
    endDate: new Date(bars.timestamps.at(-1) ?? 0),
    initialCapital: magnitude(random),
    ...(timeframe && { timeframe }),
    ...(parameters && { parameters }),
    simulation,
    bars,
    persist: random.chance(0.2),
  }
  const chart = random.chance(0.1) && {
    format: random.pick(['png', 'svg']),
    width: random.pick([200, 900, 4096]),
    height: random.pick([200, 600]),
    theme: random.pick(['light', 'dark']),
    bars,
  }
  return { run, ...(chart && { chart }), label: 'runBacktest' }
}

/** @param {Random} random */
function constant(random) {
  const text = `${magnitude(random)}`.replace('e+', 'e')
  return random.chance(0.2) ? `(0 - ${text})` : text
}

/**
 * @param {Random} random
 * @param {number} depth
 * @returns {string}
 */
function expression(random, depth) {
  if (depth === 0) {
    return random.chance(0.7) ? random.pick(['open', 'high', 'low', 'close', 'close', 'volume']) : constant(random)
  }
  const inner = () => expression(random, depth - 1)
  const period = `${random.pick([2, 3, 14, 200, 10_000])}`
  const indicator = random.pick([...INDICATORS, ...BAR_INDICATORS, ...OTHER_INDICATORS])
  const forms = [
    () => `(${inner()} ${random.pick(['+', '-', '*', '/', '%'])} ${inner()})`,
    () => `${random.pick(['abs', 'log', 'exp', 'sqrt', 'round', 'floor', 'ceil'])}(${inner()})`,
    () => `pow(${inner()}, ${random.pick(['2', '-2', '0.5', '1e300', 'close'])})`,
    () => `${random.pick(['shift', 'change'])}(close * ${inner()}, ${period})`,
    () => `if(${inner()} > ${inner()}, ${inner()}, ${inner()})`,
    () => indicator.replace('X', inner()).replaceAll('P', period),
    () => indicator.replace('X', inner()).replaceAll('P', period),
    () => `higher('${random.pick(['1h', '1d', '1w'])}', ${random.pick(['close', 'sma(close, 2)', 'volume'])})`,
  ]
  return random.pick(forms)()
}

/** @param {Random} random */
function condition(random) {
  const depth = random.below(3)
  const [a, b] = [expression(random, depth), expression(random, random.below(2))]
  if (random.chance(0.1)) return `crossed_above(${a}, ${b})`
  if (random.chance(0.1)) return `count(${a} > ${b}, 3) >= 1`
  return `${a} ${random.pick(['<', '<=', '>', '>=', '==', '!='])} ${b}`
}

/**
 * Returns the path of a number that is not finite, or of a text that contains one.
 * @param {unknown} value
 * @param {string} path
 * @returns {string | undefined}
 */
export function infinite(value, path = 'result') {
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : `${path} is ${value}`
  if (typeof value === 'string') {
    return /\b(?:NaN|[Ii]nf(?:inity)?)\b/.test(value) ? `${path} says ${value.slice(0, 200)}` : undefined
  }
  if (ArrayBuffer.isView(value)) {
    const numbers = /** @type {Float64Array} */ (value)
    const at = numbers.findIndex((number) => !Number.isFinite(number))
    return at < 0 ? undefined : `${path}[${at}] is ${numbers[at]}`
  }
  if (typeof value !== 'object' || value === null || value instanceof Date) return undefined
  for (const [name, field] of Object.entries(value)) {
    // Text from the caller.
    if (name === 'strategySource') continue
    const found = infinite(field, `${path}.${name}`)
    if (found) return found
  }
  return undefined
}

/** Allowed error codes. */
const EXPECTED = new Set(['INVALID_ARGUMENT', 'BAD_DATA', 'NO_DATA', 'LIMIT_EXCEEDED'])

/**
 * Returns what is wrong with a rejection.
 * @param {any} error
 */
function wrongError(error) {
  if (!EXPECTED.has(error?.code)) return `${error?.code}: ${error?.message}`
  const overflows = error.issues.some((/** @type {any} */ issue) => issue.code === 'overflow')
  if (overflows && !/ bar \d+/.test(error.message)) return `an overflow without a bar: ${error.message}`
  return undefined
}

/** Time limit for a call, generous for a busy process. */
const HANG = 30_000

/**
 * Waits for a promise with a time limit.
 * @template Value
 * @param {Promise<Value>} promise
 */
async function inTime(promise) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no result within ${HANG} ms`)), HANG)
  })
  try {
    return /** @type {Value} */ (await Promise.race([promise, late]))
  } finally {
    clearTimeout(timer)
  }
}

/**
 * Runs cases and counts how they end.
 * @param {Backtesting} backtesting
 * @param {{ cases: number, seed: number, from?: number }} options
 */
export async function fuzzNumbers({ BacktestEngine, simulateSignals }, { cases, seed, from = 0 }) {
  const folder = mkdtempSync(join(tmpdir(), 'backtesting-numbers-'))
  const engine = new BacktestEngine({ dataDir: folder, logLevel: 'off', maxBacktestDurationDays: 1_000_000 })
  /** @type {Record<string, number>} */
  const ends = { completed: 0, overflowed: 0, charts: 0, stored: 0 }
  /** @type {Fault[]} */
  const faults = []
  /** @param {string} name */
  const count = (name) => {
    ends[name] = (ends[name] ?? 0) + 1
  }
  /** @param {Call} call */
  const make = async (call) => {
    if (call.simulate) return infinite(await inTime(simulateSignals(call.simulate)))
    const result = await inTime(engine.runBacktest(call.run))
    const found = infinite(result)
    if (found) return found
    if (call.chart) {
      count('charts')
      const bytes = await inTime(engine.renderChart(result, call.chart))
      const text = call.chart.format === 'svg' ? new TextDecoder().decode(bytes) : ''
      if (/\b(?:NaN|inf)\b/.test(text)) return 'a chart has coordinates that are not finite'
    }
    if (call.run.persist) {
      count('stored')
      const stored = await inTime(engine.getBacktestResults(result.backtestId))
      if (!isDeepStrictEqual(stored, result)) return `the stored result differs: ${difference(result, stored)}`
      const metrics = await inTime(engine.getMetrics(result.backtestId))
      if (!isDeepStrictEqual({ ...metrics }, result.metrics)) return 'getMetrics gives other metrics'
    }
    return undefined
  }
  try {
    for (let index = from; index < from + cases; index++) {
      const call = extremeCall(seed, index)
      /** @type {string | undefined} */
      let what
      try {
        what = await make(call)
        count('completed')
      } catch (error) {
        what = wrongError(error)
        const { code, issues } = /** @type {any} */ (error)
        count(`${code}`)
        if (issues?.some((/** @type {any} */ issue) => issue.code === 'overflow')) count('overflowed')
      }
      if (what) faults.push({ index, label: call.label, what })
    }
  } finally {
    await engine.close()
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
  return { ends, faults }
}

/**
 * Names the first field in which two results differ.
 * @param {any} a
 * @param {any} b
 */
function difference(a, b) {
  return Object.keys(a).find((name) => !isDeepStrictEqual(a[name], b?.[name])) ?? 'one of them is not there'
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { seed: { type: 'string', default: '1' }, from: { type: 'string', default: '0' } },
  })
  const [cases, seed, from] = [positionals[0] ?? '50000', values.seed, values.from].map(Number)
  if (![cases, seed, from].every(Number.isSafeInteger)) {
    console.error('usage: npm run fuzz:numbers -- CASES [--seed SEED] [--from CASE]')
    process.exit(1)
  }
  const backtesting = process.env.FUZZ_PACKAGE
    ? await import(pathToFileURL(process.env.FUZZ_PACKAGE).href)
    : await import('../../index.js')
  const started = performance.now()
  const { ends, faults } = await fuzzNumbers(backtesting, { cases: cases ?? 0, seed: seed ?? 1, from: from ?? 0 })
  const seconds = (performance.now() - started) / 1000
  console.log(`${cases} cases of seed ${seed} in ${seconds.toFixed(1)} s: ${JSON.stringify(ends)}`)
  for (const { index, label, what } of faults.slice(0, 40)) console.log(`case ${index} (${label}): ${what}`)
  console.log(`${faults.length} faults`)
  process.exit(faults.length > 0 ? 1 : 0)
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) await main()
