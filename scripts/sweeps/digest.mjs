/** The bytes of sweeps, to compare them between processes with different numbers of threads. */

import { createHash } from 'node:crypto'
import { randomSweep } from './random-sweep.mjs'
import { realBars, slice } from './real-bars.mjs'

/** @typedef {import('../../index.js').BacktestEngine} BacktestEngine */
/** @typedef {import('../../index.js').SweepResult} SweepResult */
/** @typedef {import('../../index.js').SweepPart} SweepPart */

/** A sweep that several threads share: 12,000 combinations in a dozen parts. */
const LARGE = {
  strategyId: 'sma_crossover',
  assetSymbol: 'OWN',
  startDate: '2000-01-01',
  endDate: '2020-12-31',
  initialCapital: 10_000,
  bars: slice(realBars('SP500'), 1000, 1300),
  parameters: {
    fast_period: { from: 1, to: 40 },
    slow_period: { from: 41, to: 140 },
    'simulation.slStop': [null, 0.02, 0.05],
  },
  sums: true,
}

/**
 * Returns a digest of each of some sweeps: of all its columns, its best combinations and its notes. The parts of the same sweep
 * must have the same columns.
 * @param {BacktestEngine} engine
 * @param {readonly string[]} metricNames
 * @param {number} seed
 * @param {number} cases
 */
export async function digests(engine, metricNames, seed, cases) {
  const requests = [
    LARGE,
    ...Array.from({ length: cases }, (_, index) => randomSweep(seed, index, metricNames).request),
  ]
  const found = []
  for (const request of requests) {
    try {
      const result = await engine.runSweep(request)
      /** @type {SweepPart[]} */
      const parts = []
      for await (const part of engine.sweep(request)) parts.push(part)
      const columns = digest([result])
      if (digest(parts) !== columns) throw new Error(`the parts of ${JSON.stringify(request.parameters)} differ`)
      const { top, plateauChoice, idleParameters, excluded, paths, bars, notes } = result
      const others = JSON.stringify({ top, plateauChoice, idleParameters, excluded, paths, bars, notes })
      found.push(createHash('sha256').update(columns).update(others).digest('hex'))
    } catch (error) {
      const { code, message } = /** @type {{ code?: string, message: string }} */ (error)
      if (code !== 'INVALID_ARGUMENT') throw error
      found.push(message)
    }
  }
  return found
}

/** @param {readonly (SweepResult | SweepPart)[]} parts */
function digest(parts) {
  /** @type {Record<string, import('node:crypto').Hash>} */
  const hashes = {}
  const add = (
    /** @type {string} */ name,
    /** @type {Float64Array | Float32Array | Uint8Array | Uint16Array | undefined} */ column,
  ) => {
    hashes[name] ??= createHash('sha256')
    if (column) hashes[name].update(column)
  }
  for (const { parameters, metrics, objective, standing, asset, timeframe, sums } of parts) {
    for (const [name, column] of Object.entries(parameters)) add(`parameters.${name}`, column)
    for (const [name, column] of Object.entries(metrics)) add(`metrics.${name}`, column)
    add('objective', objective)
    add('standing', standing)
    add('asset', asset?.index)
    add('timeframe', timeframe?.index)
    for (const [name, column] of Object.entries(sums ?? {})) add(`sums.${name}`, column)
  }
  return JSON.stringify(Object.entries(hashes).map(([name, hash]) => [name, hash.digest('hex')]))
}
