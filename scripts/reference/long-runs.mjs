/**
 * Long runs on made-up bars, the same ones that scripts/reference/long.py gives vectorbt. As a program it prints a hash of
 * the results over each length, and the number of threads that computed them: `node scripts/reference/long-runs.mjs LENGTH …`.
 * RAYON_NUM_THREADS sets that number.
 */

import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { runBacktest, simulateSignals } from '../../index.js'

/** Integers from 0 to 65,535: the upper half of a linear congruential generator (Numerical Recipes). */
function* integers(/** @type {number} */ seed) {
  let state = seed
  while (true) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    yield state >>> 16
  }
}

/** Makes bars of a minute, prices in cents as a random walk, and signals. */
export function longBars(/** @type {number} */ length) {
  const random = integers(length)
  const next = () => random.next().value ?? 0
  const column = () => new Float64Array(length)
  const bars = { timestamps: column(), open: column(), high: column(), low: column(), close: column() }
  const [entries, exits] = [new Uint8Array(length), new Uint8Array(length)]
  let cents = 10_000
  for (let bar = 0; bar < length; bar++) {
    const first = cents
    cents = Math.min(Math.max(cents + (next() % 101) - 50, 2_000), 50_000)
    bars.timestamps[bar] = Date.UTC(2020, 0, 1) + bar * 60_000
    bars.open[bar] = first / 100
    bars.high[bar] = (Math.max(first, cents) + (next() % 20)) / 100
    bars.low[bar] = (Math.min(first, cents) - (next() % 20)) / 100
    bars.close[bar] = cents / 100
    const signal = next() % 64
    entries[bar] = signal < 2 ? 1 : 0
    exits[bar] = signal > 0 && signal < 4 ? 1 : 0
  }
  return { bars, entries, exits }
}

/** Runs the signals of made-up bars with these settings. */
export function longRun(
  /** @type {number} */ length,
  /** @type {number} */ initialCapital,
  /** @type {import('../../index.js').SimulationOptions} */ settings,
) {
  const { bars, entries, exits } = longBars(length)
  return simulateSignals({ ...bars, entries, exits, initialCapital, yearDays: 365, ...settings })
}

/** Hashes all columns and metrics of the runs over a number of bars: of signals, and of strategies. */
async function hashes(/** @type {number} */ length) {
  const { bars } = longBars(length)
  const hash = createHash('sha256')
  const settings = [{}, { slStop: 0.02, tpStop: 0.05 }, /** @type {const} */ ({ direction: 'both', size: 50 })]
  for (const one of settings) {
    const { orders, trades, equityCurve, metrics, warnings } = await longRun(length, 100_000, one)
    for (const column of [...Object.values(orders), ...Object.values(trades), equityCurve]) hash.update(column)
    hash.update(JSON.stringify([metrics, warnings]))
  }
  for (const strategyId of ['sma_crossover', 'rsi', 'bollinger_reversion']) {
    const result = await runBacktest({
      strategyId,
      assetSymbol: 'MADE-UP',
      startDate: '2020-01-01',
      endDate: '2021-01-01',
      initialCapital: 100_000,
      bars,
      persist: false,
    })
    const { equityCurve, trades, metrics, warnings } = result
    hash.update(JSON.stringify([equityCurve, trades, metrics, warnings]))
  }
  return hash.digest('hex')
}

/** Counts the threads that simulate, where the system tells. */
function simulationThreads() {
  const tasks = '/proc/self/task'
  if (!existsSync(tasks)) return 0
  const names = readdirSync(tasks).map((task) => readFileSync(`${tasks}/${task}/comm`, 'utf8'))
  return names.filter((name) => name.startsWith('backtest-')).length
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  /** @type {Record<string, string | number>} */
  const found = {}
  for (const length of process.argv.slice(2).map(Number)) found[length] = await hashes(length)
  found.threads = simulationThreads()
  process.stdout.write(JSON.stringify(found))
}
