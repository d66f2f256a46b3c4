/**
 * Compares a simulation with the results of vectorbt for the same case: every order, trade, equity value and metric.
 *
 * Numbers must agree to a relative error of 1e-9. If a number is a small difference of large ones, its last digits are noise
 * in both programs, and no relative tolerance can hold. Then the bound of noise.mjs applies, and the comparison counts the
 * numbers that need it.
 */

import { noise } from './noise.mjs'

/** @typedef {Float64Array | number[]} Numbers */
/**
 * @typedef {object} Expected The results of vectorbt.
 * @property {string} [error]
 * @property {Record<string, Numbers>} [orders]
 * @property {Record<string, Numbers>} [trades]
 * @property {Numbers} [equity]
 * @property {Record<string, number | null>} [metrics]
 */
/**
 * @typedef {object} Case
 * @property {number} case
 * @property {number} initialCapital
 * @property {Record<string, unknown>} options
 * @property {Float64Array} close
 * @property {Float64Array} [open]
 * @property {Float64Array} [high]
 * @property {Float64Array} [low]
 * @property {Float64Array} [timestamps]
 * @property {Uint8Array} entries
 * @property {Uint8Array} exits
 * @property {Uint8Array} [shortEntries]
 * @property {Uint8Array} [shortExits]
 * @property {Expected} expected
 */
/** @typedef {import('../../index.js').SimulationResult} SimulationResult */
/** @typedef {{ path: string, found: unknown, expected: unknown }} Difference */

/** Relative tolerance. */
export const TOLERANCE = 1e-9

const ORDER_COLUMNS = /** @type {const} */ (['bar', 'side', 'size', 'price', 'fees'])
const TRADE_COLUMNS = /** @type {const} */ ([
  'entryBar',
  'exitBar',
  'direction',
  'status',
  'size',
  'entryPrice',
  'exitPrice',
  'entryFees',
  'exitFees',
  'pnl',
  'pnlPercent',
])

/**
 * Returns the request of a case for `simulateSignals`.
 * @param {Case} one
 * @returns {import('../../index.js').SignalsRequest}
 */
export function requestOf({ case: _, expected: __, options, ...columns }) {
  return { ...columns, ...options }
}

/** Counts of compared numbers. */
export class Compared {
  /** Compared numbers. */
  numbers = 0
  /** Numbers that only agree within the rounding bound. */
  rounded = 0
  /** Numbers without a reliable digit, whose agreement is meaningless. */
  unknown = 0
  /** @type {Difference[]} */
  differences = []

  /**
   * @param {string} path
   * @param {number | null | undefined} found
   * @param {number | null | undefined} expected
   * @param {() => number} bound Evaluated only where 1e-9 relative is not met.
   */
  number(path, found, expected, bound) {
    this.numbers++
    if (found === expected) return
    const [ours, theirs] = [found ?? NaN, expected ?? NaN]
    const distance = Math.abs(ours - theirs)
    if (distance <= TOLERANCE * Math.max(Math.abs(ours), Math.abs(theirs))) return
    const allowed = bound()
    if (allowed === Infinity || allowed >= Math.abs(theirs)) {
      if (allowed === Infinity || distance <= allowed) this.unknown++
      else this.differences.push({ path, found, expected })
    } else if (distance <= allowed) this.rounded++
    else this.differences.push({ path, found, expected })
  }

  /**
   * @param {string} path
   * @param {ArrayLike<number>} found
   * @param {ArrayLike<number>} expected
   * @param {(at: number) => number} bound
   */
  column(path, found, expected, bound = () => 0) {
    if (found.length !== expected.length) {
      this.differences.push({ path: `${path}.length`, found: found.length, expected: expected.length })
    }
    for (let at = 0; at < Math.min(found.length, expected.length); at++) {
      this.number(`${path}[${at}]`, found[at], expected[at], () => bound(at))
    }
  }
}

/**
 * Compares a result with that of vectorbt.
 * @param {Case} one
 * @param {SimulationResult} result
 */
export function compare(one, result) {
  const { orders = {}, trades = {}, equity = [], metrics = {} } = one.expected
  const compared = new Compared()
  const bounds = noise(one, result)
  for (const name of ORDER_COLUMNS)
    compared.column(`orders.${name}`, result.orders[name], orders[name] ?? [], bounds.orders[name])
  for (const name of TRADE_COLUMNS)
    compared.column(`trades.${name}`, result.trades[name], trades[name] ?? [], bounds.trades[name])
  compared.column('equity', result.equityCurve, equity, bounds.equity)
  for (const [name, expected] of Object.entries(metrics)) {
    compared.number(
      `metrics.${name}`,
      result.metrics[/** @type {import('../../index.js').MetricName} */ (name)],
      expected,
      () => bounds.metric(name),
    )
  }
  return compared
}
