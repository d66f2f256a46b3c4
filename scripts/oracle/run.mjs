/**
 * Compares random simulations over all settings with vectorbt: every order, trade, equity value and metric of the built addon
 * must be the same.
 *
 *     npm run test:oracle -- --cases 20000 --seed 1 --bars 2000
 *
 * vectorbt runs in its own Python environment, .venv-oracle, which is created on first use; ORACLE_PYTHON selects another one.
 */

import { appendFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { BacktestError, simulateSignals } from '../../index.js'
import { fail } from '../lib.mjs'
import { compare, requestOf } from './compare.mjs'
import { Coverage } from './coverage.mjs'
import { python } from './environment.mjs'
import { frames } from './frames.mjs'

/** @typedef {import('./compare.mjs').Case} Case */
/** @typedef {{ one: Case, what: string }} Disagreement */

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '2000' },
    seed: { type: 'string', default: '1' },
    bars: { type: 'string', default: '2000' },
    save: { type: 'string' },
  },
})
const [cases, seed, bars] = [values.cases, values.seed, values.bars].map((text) => {
  const number = Number(text)
  return Number.isSafeInteger(number) && number >= 1 ? number : fail(`a whole number above 0 is needed, was ${text}`)
})

const started = performance.now()
const counts = {
  cases: 0,
  bars: 0,
  orders: 0,
  trades: 0,
  equity: 0,
  metrics: 0,
  nulls: 0,
  numbers: 0,
  rounded: 0,
  unknown: 0,
  raised: 0,
  zero: 0,
}
const coverage = new Coverage()
/** @type {Disagreement[]} */
const disagreements = []
/** @type {Record<string, number>} */
const raised = {}
/** @type {Record<string, number>} */
const places = {}
let disagreeing = 0

const arguments_ = ['scripts/oracle/stream.py', '--cases', `${cases}`, '--seed', `${seed}`, '--bars', `${bars}`]
for await (const { head, columns } of frames(python('vectorbt'), arguments_)) {
  if (head.versions) {
    const versions = Object.entries(head.versions).map(([name, version]) => `${name} ${version}`)
    console.log(`seed ${seed}, ${cases} cases of 1 to ${bars} bars, against ${versions.join(', ')}`)
    continue
  }
  /** @type {Case[]} */
  const batch = columns(head.cases)
  await Promise.all(batch.map(check))
  if (process.stderr.isTTY) process.stderr.write(`\r${counts.cases} cases, ${disagreeing} disagreements`)
}
if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
report()
process.exit(disagreeing === 0 && counts.cases === cases ? 0 : 1)

/** @param {Case} one */
async function check(one) {
  counts.cases++
  counts.bars += one.close.length
  coverage.add(one)
  const { error } = one.expected
  try {
    const result = await simulateSignals(requestOf(one))
    if (error === undefined) return judge(one, result)
    // A fill of size 0, which raises in vectorbt's trades: here, the order is rejected and the run continues.
    if (/order with size 0/.test(error)) counts.zero++
    else disagree(one, `accepted, vectorbt raises ${error}`)
  } catch (refusal) {
    if (!(refusal instanceof BacktestError)) throw refusal
    if (error === undefined || refusal.code !== 'INVALID_ARGUMENT') disagree(one, `refused: ${refusal.message}`)
    else {
      counts.raised++
      const kind = `vectorbt: ${error.replace(/[\d.]+/g, '#')} / here: ${refusal.message.replace(/[\d.]+/g, '#')}`
      raised[kind] = (raised[kind] ?? 0) + 1
    }
  }
}

/**
 * @param {Case} one
 * @param {import('../../index.js').SimulationResult} result
 */
function judge(one, result) {
  const { metrics = {} } = one.expected
  counts.orders += result.orders.bar.length
  counts.trades += result.trades.entryBar.length
  counts.equity += result.equityCurve.length
  counts.metrics += Object.keys(metrics).length
  counts.nulls += Object.values(metrics).filter((value) => value === null).length
  const { numbers, rounded, unknown, differences } = compare(one, result)
  counts.numbers += numbers
  counts.rounded += rounded
  counts.unknown += unknown
  if (differences.length === 0) return
  const kinds = new Set(differences.map(({ path }) => path.replace(/\[\d+\]/, '')))
  for (const kind of kinds) places[kind] = (places[kind] ?? 0) + 1
  const shown = differences
    .slice(0, 4)
    .map(({ path, found, expected }) => `${path} is ${found}, vectorbt has ${expected}`)
  disagree(one, `${differences.length} differences: ${shown.join('; ')}`)
}

/**
 * Keeps the disagreements with the fewest bars.
 * @param {Case} one
 * @param {string} what
 */
function disagree(one, what) {
  disagreeing++
  disagreements.push({ one, what })
  if (values.save) appendFileSync(values.save, `${JSON.stringify({ what, ...one }, plain)}\n`)
  disagreements.sort((a, b) => a.one.close.length - b.one.close.length)
  disagreements.splice(20)
}

/**
 * @param {string} _
 * @param {unknown} value
 */
function plain(_, value) {
  return ArrayBuffer.isView(value) ? Array.from(/** @type {Float64Array} */ (value)) : value
}

function report() {
  const seconds = ((performance.now() - started) / 1000).toFixed(0)
  const number = (/** @type {number} */ count) => count.toLocaleString('en')
  console.log(`${number(counts.cases)} cases (${number(counts.bars)} bars) compared in ${seconds} s:`)
  console.log(
    `  ${number(counts.orders)} orders, ${number(counts.trades)} trades, ${number(counts.equity)} equity values,`,
  )
  console.log(`  ${number(counts.metrics)} metrics (${number(counts.nulls)} of them null)`)
  console.log(
    `  ${number(counts.numbers)} numbers in all: ${number(counts.rounded)} agree only within the bound of rounding, of ${number(counts.unknown)} it leaves no digit`,
  )
  console.log(`  ${number(counts.raised)} that vectorbt raises for and that are refused here`)
  for (const [kind, count] of Object.entries(raised)) console.log(`    ${count} × ${kind}`)
  console.log(`  ${number(counts.zero)} in which vectorbt fills an order of size 0 and raises; here it is rejected`)
  console.log(`  ${coverage}`)
  console.log(`${number(disagreeing)} disagreements`)
  for (const [path, count] of Object.entries(places)) console.log(`  ${path} in ${count}`)
  for (const { one, what } of disagreements.slice(1))
    console.log(`  case ${one.case} (${one.close.length} bars): ${what}`)
  const [smallest] = disagreements
  if (smallest) {
    console.log(`The smallest, case ${smallest.one.case}: ${smallest.what}`)
    console.log(JSON.stringify(smallest.one, plain))
  }
}
