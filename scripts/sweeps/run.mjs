/**
 * Compares random sweeps on real bars with single runs: strategies, grids, constraints, settings, assets, ranges.
 *
 *     npm run test:sweeps -- --cases 2000 --seed 1 --bars 1200 --combinations 12
 *
 * `--case N` runs one of them and prints its request.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { fail } from '../lib.mjs'
import { Checked, checkSweep } from './check.mjs'
import { randomSweep } from './random-sweep.mjs'
import { newStore } from './store.mjs'

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '500' },
    seed: { type: 'string', default: '1' },
    bars: { type: 'string', default: '1200' },
    combinations: { type: 'string', default: '12' },
    case: { type: 'string' },
  },
})
const number = (/** @type {string} */ text, least = 1) => {
  const value = Number(text)
  return Number.isSafeInteger(value) && value >= least
    ? value
    : fail(`a whole number from ${least} on is needed, was ${text}`)
}
const [cases, seed] = [number(values.cases), number(values.seed)]
const limits = { bars: number(values.bars, 60), combinations: number(values.combinations) }
const only = values.case === undefined ? undefined : number(values.case, 0)

const started = performance.now()
const dataDir = mkdtempSync(join(tmpdir(), 'backtesting-sweeps-'))
const { engine, metricNames } = await newStore(dataDir)
const all = new Checked()
/** @type {string[]} */
const disagreements = []
try {
  for (let index = only ?? 0; index < (only === undefined ? cases : only + 1); index++) {
    const one = randomSweep(seed, index, metricNames, limits)
    if (only !== undefined) console.log(JSON.stringify({ ...one.request, bars: one.request.bars && 'bars' }, null, 2))
    const checked = await checkSweep(engine, one)
    all.add(checked)
    for (const difference of checked.differences.slice(0, only === undefined ? 3 : 100))
      disagreements.push(`case ${index}: ${difference}`)
    if (process.stderr.isTTY) process.stderr.write(`\r${index + 1} sweeps, ${disagreements.length} disagreements`)
  }
} finally {
  await engine.close()
  rmSync(dataDir, { recursive: true, force: true })
}
if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')

const count = (/** @type {number} */ value) => value.toLocaleString('en')
console.log(
  `${count(all.sweeps)} sweeps of seed ${seed} compared with single runs in ${((performance.now() - started) / 1000).toFixed(0)} s:`,
)
console.log(
  `  ${count(all.combinations)} combinations with ${count(all.trades)} trades, ${count(all.failed)} of them failed in both`,
)
console.log(
  `  ${count(all.excluded)} combinations that neither accepts, ${count(all.refused)} sweeps that are refused like their runs`,
)
console.log(
  `  ${count(all.numbers)} metrics: ${count(all.equal)} are the same number, ${count(all.rounded)} agree only within the bound of rounding, of ${count(all.unknown)} it leaves no digit`,
)
console.log(`${count(all.differences.length)} disagreements`)
for (const text of disagreements.slice(0, 40)) console.log(`  ${text}`)
process.exit(all.differences.length === 0 ? 0 : 1)
