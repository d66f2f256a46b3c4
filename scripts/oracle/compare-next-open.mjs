/** Compares a simulation at the next open with the trades and the equity of backtesting.py for the same case. */

import { Compared } from './compare.mjs'
import { noise } from './noise.mjs'

/** @typedef {import('./compare.mjs').Case} Case */
/** @typedef {import('../../index.js').SimulationResult} SimulationResult */

const COLUMNS = /** @type {const} */ ([
  'entryBar',
  'exitBar',
  'direction',
  'status',
  'size',
  'entryPrice',
  'exitPrice',
  'pnl',
])

/**
 * Numbers must agree to a relative error of 1e-9, money at least within the rounding of the amounts that it comes from. Equity
 * is compared less the capital, so that the size of the capital hides nothing.
 * @param {Case} one
 * @param {SimulationResult} result
 */
export function compareNextOpen(one, result) {
  const { trades = {}, equity = [] } = one.expected
  const compared = new Compared()
  const bounds = noise(one, result)
  for (const name of COLUMNS)
    compared.column(`trades.${name}`, result.trades[name], trades[name] ?? [], bounds.trades[name])
  const gain = (/** @type {import('./compare.mjs').Numbers} */ column) =>
    Array.from(column, (value) => value - one.initialCapital)
  compared.column('equity', gain(result.equityCurve), gain(equity), bounds.equity)
  return compared
}
