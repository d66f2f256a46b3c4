/** Data of the crash tests: bars, requests and strategies that are derived from a few numbers, and digests. */

import { createHash } from 'node:crypto'

const MINUTE = 60_000
const START = Date.UTC(2020, 0, 1)

/**
 * Returns random numbers from 0 to 1; the same seed gives the same ones (mulberry32).
 * @param {number} seed
 */
export function random(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** @param {number} bar */
const shape = (bar) => 100 + 20 * Math.sin(bar / 9) + 5 * Math.sin(bar / 2.3)

/**
 * Returns the price that an import writes to a bar.
 * @param {number} bar
 * @param {number} number
 */
const price = (bar, number) => shape(bar) * (1 + number / 1e6)

/**
 * Returns the number of the import that wrote a price.
 * @param {number} bar
 * @param {number} value
 */
export const numberOf = (bar, value) => Math.round((value / shape(bar) - 1) * 1e6)

/**
 * Creates one-minute bars from the numbers of the imports that wrote them; 0 means no bar.
 * @param {ArrayLike<number>} numbers
 * @param {number} [from] the first minute
 */
export function bars(numbers, from = 0) {
  const held = Array.from(numbers, (number, at) => ({ number, bar: from + at })).filter(({ number }) => number > 0)
  const column = (/** @type {(bar: number, number: number) => number} */ value) =>
    Float64Array.from(held, ({ bar, number }) => value(bar, number))
  return {
    timestamps: column((bar) => START + bar * MINUTE),
    open: column(price),
    high: column((bar, number) => price(bar, number) + 1),
    low: column((bar, number) => price(bar, number) - 1),
    close: column(price),
  }
}

/**
 * Returns a request on stored or given bars.
 * @param {string} assetSymbol
 * @param {ReturnType<typeof bars>} [given]
 * @returns {import('../../index.js').BacktestRequest}
 */
export function request(assetSymbol, given) {
  return {
    strategyId: 'sma_crossover',
    // Without costs, so that trade prices equal bar prices; with a small position size, because synthetic prices are too profitable.
    parameters: { fast_period: 3, slow_period: 11, position_size: 0.01 },
    simulation: { fees: 0, slippage: 0 },
    assetSymbol,
    timeframe: '1m',
    startDate: '2020-01-01',
    endDate: '2020-12-31',
    initialCapital: 10_000,
    ...(given ? { bars: given } : {}),
  }
}

/**
 * Returns the bars of a request whose asset is called `GNUMBER-COUNT`.
 * @param {string} symbol
 */
export function given(symbol) {
  const [, number, count] = /^G(\d+)-(\d+)$/.exec(symbol) ?? []
  return bars(new Array(Number(count)).fill(Number(number)))
}

/**
 * Returns a request for a sweep over 760 combinations on given bars.
 * @param {string} symbol
 * @returns {import('../../index.js').SweepRequest}
 */
export function sweepRequest(symbol) {
  return /** @type {import('../../index.js').SweepRequest} */ ({
    .../** @type {any} */ (request(symbol, given(symbol))),
    parameters: { fast_period: { from: 2, to: 20 }, slow_period: { from: 21, to: 60 }, position_size: 0.01 },
    minTrades: 0,
    top: 3,
    persist: true,
  })
}

/**
 * Returns a digest of the columns and the best combinations of a sweep.
 * @param {import('../../index.js').SweepResult} result
 */
export function sweepDigest({ parameters, metrics, objective, standing, top }) {
  const hash = createHash('sha1')
  for (const column of [...Object.values(parameters), ...Object.values(metrics), objective, standing]) {
    hash.update(new Uint8Array(column.buffer, column.byteOffset, column.byteLength))
  }
  return hash.update(JSON.stringify([Object.keys(metrics), top])).digest('hex')
}

/**
 * @param {string} id
 * @param {number} number
 */
export function strategy(id, number) {
  return {
    id,
    name: `v${number}`,
    entries: `close > sma(close, ${2 + (number % 97)})`,
    exits: `close < sma(close, ${2 + (number % 97)})`,
  }
}

/**
 * Returns a digest of the results of a run.
 * @param {Pick<import('../../index.js').BacktestResult, 'timestamps' | 'equityCurve' | 'trades' | 'metrics' | 'warnings'>} result
 */
export function digest({ timestamps, equityCurve, trades, metrics, warnings }) {
  const hash = createHash('sha1')
  for (const column of [timestamps, equityCurve]) {
    hash.update(JSON.stringify(Array.from(/** @type {ArrayLike<unknown>} */ (column))))
  }
  return hash.update(JSON.stringify([trades, metrics, warnings])).digest('hex')
}
