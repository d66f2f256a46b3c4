/**
 * Compares random simulations at the next open with stops with backtesting.py: every trade and every equity value of the built
 * addon must be the same.
 *
 *     npm run test:next-open -- --cases 5000 --seed 1 --bars 100
 *
 * backtesting.py runs in its own Python environment, .venv-next-open, which is created on first use; NEXT_OPEN_PYTHON selects
 * another one.
 */

import { parseArgs } from 'node:util'
import { simulateSignals } from '../../index.js'
import { fail } from '../lib.mjs'
import { requestOf } from './compare.mjs'
import { compareNextOpen } from './compare-next-open.mjs'
import { python } from './environment.mjs'
import { frames } from './frames.mjs'

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '2000' },
    seed: { type: 'string', default: '1' },
    bars: { type: 'string', default: '100' },
  },
})
const [cases, seed, bars] = [values.cases, values.seed, values.bars].map((text, at) => {
  const number = Number(text)
  const least = at === 2 ? 3 : 1
  return Number.isSafeInteger(number) && number >= least
    ? number
    : fail(`a whole number above ${least - 1} is needed, was ${text}`)
})

const started = performance.now()
const counts = { cases: 0, bars: 0, trades: 0, sameBar: 0, numbers: 0, rounded: 0, unknown: 0, leftOut: 0 }
/** @type {{ one: import('./compare.mjs').Case, what: string }[]} */
const disagreements = []

const arguments_ = [
  'scripts/oracle/stream_next_open.py',
  '--cases',
  `${cases}`,
  '--seed',
  `${seed}`,
  '--bars',
  `${bars}`,
]
for await (const { head, columns } of frames(python('backtesting.py'), arguments_)) {
  if (head.versions) {
    const versions = Object.entries(head.versions).map(([name, version]) => `${name} ${version}`)
    console.log(`seed ${seed}, ${cases} cases of 3 to ${bars} bars, against ${versions.join(', ')}`)
    continue
  }
  for (const one of columns(head.cases)) await check(one)
  if (process.stderr.isTTY) process.stderr.write(`\r${counts.cases} cases, ${disagreements.length} disagreements`)
}
if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
report()
process.exit(disagreements.length === 0 && counts.cases + counts.leftOut === cases ? 0 : 1)

/** @param {import('./compare.mjs').Case} one */
async function check(one) {
  if (one.expected === null) {
    counts.leftOut++
    return
  }
  const result = await simulateSignals(requestOf(one))
  const { trades } = result
  counts.cases++
  counts.bars += one.close.length
  counts.trades += trades.entryBar.length
  counts.sameBar += trades.entryBar.filter((bar, at) => trades.status[at] === 1 && bar === trades.exitBar[at]).length
  const { numbers, rounded, unknown, differences } = compareNextOpen(one, result)
  counts.numbers += numbers
  counts.rounded += rounded
  counts.unknown += unknown
  if (differences.length === 0) return
  const shown = differences
    .slice(0, 4)
    .map(({ path, found, expected }) => `${path} is ${found}, backtesting.py has ${expected}`)
  disagreements.push({ one, what: `${differences.length} differences: ${shown.join('; ')}` })
}

function report() {
  const seconds = ((performance.now() - started) / 1000).toFixed(0)
  const number = (/** @type {number} */ count) => count.toLocaleString('en')
  console.log(`${number(counts.cases)} cases (${number(counts.bars)} bars) compared in ${seconds} s:`)
  console.log(`  ${number(counts.trades)} trades, ${number(counts.sameBar)} of them closed on the bar of their entry`)
  console.log(
    `  ${number(counts.numbers)} numbers in all: ${number(counts.rounded)} agree only within the bound of rounding, of ${number(counts.unknown)} it leaves no digit`,
  )
  console.log(
    `  ${number(counts.leftOut)} cases left out: backtesting.py fills a stop loss before a target that the open has passed`,
  )
  console.log(`${number(disagreements.length)} disagreements`)
  disagreements.sort((a, b) => a.one.close.length - b.one.close.length)
  for (const { one, what } of disagreements.slice(0, 10))
    console.log(`  case ${one.case} (${one.close.length} bars): ${what}`)
  const [smallest] = disagreements
  if (smallest) {
    const plain = (/** @type {string} */ _, /** @type {unknown} */ value) =>
      ArrayBuffer.isView(value) ? Array.from(/** @type {Float64Array} */ (value)) : value
    console.log(JSON.stringify(smallest.one, plain))
  }
}
