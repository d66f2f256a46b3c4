/**
 * The floor: a program that computes twenty metrics of the same sweeps as fast as a machine can, given by its path. It prints lines
 * such as "5  all 20 metrics    med 0.3221 min 0.3103 ns/bar/combo", takes the closes from the file CLOSES, and writes the metrics of
 * all combinations to the file DUMP.
 */

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** Adjusts the skewness of a population to that of a sample, as ours is. */
const skewOf = (/** @type {number} */ value, /** @type {number} */ bars) =>
  (value * Math.sqrt(bars * (bars - 1))) / (bars - 2)

/** The same for kurtosis, which is ours above 3. */
const kurtosisOf = (/** @type {number} */ value, /** @type {number} */ bars) =>
  ((bars - 1) / ((bars - 2) * (bars - 3))) * ((bars + 1) * (value - 3) + 6)

/** The metrics in a dump, and what ours are in units of theirs. */
export const FLOOR_METRICS = /** @type {const} */ ([
  ['finalCapital', 1],
  ['totalReturn', 100],
  ['annualizedReturn', 100],
  ['annualizedVolatility', 100],
  ['sharpeRatio', 1],
  ['sortinoRatio', 1],
  ['calmarRatio', 1],
  ['omegaRatio', 1],
  ['maxDrawdown', 100],
  ['skew', skewOf],
  ['kurtosis', kurtosisOf],
  ['ulcerIndex', 100],
  ['winRate', 100],
  ['profitFactor', 1],
  ['expectancy', 1],
  ['totalTrades', 1],
  ['bestTrade', 100],
  ['worstTrade', 100],
  ['timeInMarket', 100],
  ['totalFeesPaid', 1],
])

/**
 * Runs the floor program.
 * @param {string} program
 * @param {string} mode
 * @param {Record<string, string>} environment CLOSES, DUMP
 */
export function runFloor(program, mode, environment) {
  const { error, status, stdout } = spawnSync(program, [mode], {
    encoding: 'utf8',
    env: { ...process.env, ...environment },
    maxBuffer: 1 << 24,
  })
  if (error || status !== 0) throw new Error(`${program} ${mode} failed: ${error?.message ?? `status ${status}`}`)
  return stdout
}

/**
 * Returns what a floor program takes for one bar of one combination, in nanoseconds, with all preparation.
 * @param {string} text what it printed
 * @param {string} mode
 * @param {string} [reading] which of its lines, if there are several
 */
export function nanoseconds(text, mode, reading) {
  const all = (/** @type {RegExp} */ pattern) => [...text.matchAll(pattern)].map(([, number]) => Number(number))
  const median = (/** @type {string} */ label) => all(new RegExp(`^\\s*${label}.*? med +([\\d.]+)`, 'gm'))
  if (reading === 'stops' || reading === 'trailing') {
    const place = reading === 'stops' ? 0 : 1
    return (
      (median('table of first hits')[place] ?? Number.NaN) +
      (all(/spread over these combinations: ([\d.]+)/g)[place] ?? 0)
    )
  }
  // Bars of such sweeps are held half of the time.
  if (mode === 'short') return (median('\\+ third and fourth powers')[0] ?? Number.NaN) / 2
  const [whole = Number.NaN] = median('5  all 20 metrics')
  if (mode === 'rsi') return whole + (median('1a')[0] ?? Number.NaN) + (median('1b')[0] ?? Number.NaN)
  const prepared = (all(/with the preparation: ([\d.]+)/g)[0] ?? whole) - whole
  if (reading === 'sums') return (median('6a')[0] ?? Number.NaN) + prepared
  return Math.min(whole, ...median('5t all 20 metrics')) + prepared
}

/**
 * Checks a mode that writes no dump. The program compares its metrics with a pass over the bars and prints the largest relative
 * difference; on the same closes, it must also trade as often as the addon. Stops are checked by the first alone, because its highs
 * and lows are its own, and `short` times given holdings, without any results.
 * @param {string} text what it printed
 * @param {string} mode
 * @param {number} [barsATrade] what the addon found
 */
export function checkFloor(text, mode, barsATrade) {
  const worst = [...text.matchAll(/against the plain pass: worst ([^ ;]+)/g)].map(([, number]) => Number(number))
  if (mode !== 'short' && worst.length === 0) throw new Error(`the floor program checked nothing of ${mode}`)
  for (const difference of worst) {
    if (!(difference < 1e-6)) throw new Error(`results of the floor program for ${mode} differ by ${difference}`)
  }
  const [, printed = ''] = /([\d.]+) bars a trade/.exec(text) ?? []
  if (barsATrade === undefined) return
  // As many digits as it prints.
  const digits = printed.split('.')[1]?.length ?? 0
  if (printed !== barsATrade.toFixed(digits)) {
    throw new Error(
      `${mode} has a trade every ${printed} bars in the floor program, and every ${barsATrade.toFixed(digits)} here`,
    )
  }
}

/**
 * Returns the metrics of a dump by pair of averages.
 * @param {string} file
 * @param {string} mode
 */
export function readDump(file, mode) {
  const bytes = readFileSync(file)
  const values = new Float64Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 8)
  const rows = /** @type {Map<string, Float64Array>} */ (new Map())
  let at = 0
  for (const pair of pairsOf(mode)) {
    rows.set(pair, values.subarray(at, at + FLOOR_METRICS.length))
    at += FLOOR_METRICS.length
  }
  if (at !== values.length) throw new Error(`the floor program wrote ${values.length} values, not ${at}`)
  return rows
}

/** The pairs of averages of a mode, in its order. */
function* pairsOf(/** @type {string} */ mode) {
  if (mode === 'sma') for (let f = 2; f < 102; f++) for (let s = f + 1; s < 102; s++) yield `${f} ${s}`
  if (mode === 'sma100k') for (let f = 5; f < 25; f++) for (let s = 30; s < 130; s += 2) yield `${f} ${s}`
  if (mode !== 'million') return
  for (let fs = 1; fs <= 1000; fs += 50)
    for (let ss = 1; ss <= 1000; ss += 50)
      for (let f = fs; f < fs + 50; f++) for (let s = ss; s < ss + 50; s++) if (f !== s) yield `${f} ${s}`
}

/**
 * Returns the milliseconds of single runs of the floor program, SMA 10/30 with all metrics and with tails, by the number of bars.
 * @param {string} text what it printed for the mode `single`
 */
export function singleRuns(text) {
  const runs = /** @type {Map<number, number>} */ (new Map())
  for (const [, bars, milliseconds] of text.matchAll(/^\s*(\d+) bars, with tails.*\n\s*= ([\d.]+) ms/gm)) {
    runs.set(Number(bars), Number(milliseconds))
  }
  return runs
}
