/**
 * Measures `renderChart` of a run over many bars.
 *
 *   node benches/chart.mjs [--bars N] [--rounds N]
 *
 * The result and the bars are passed as arguments, so that the store is not part of the measurement.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { randomBars } from './bars.mjs'

const { values } = parseArgs({ options: { bars: { type: 'string' }, rounds: { type: 'string' } } })
const BARS = Number(values.bars ?? 1_000_000)
const ROUNDS = Number(values.rounds ?? 9)
const require = createRequire(import.meta.url)
const { BacktestEngine } = require('../index.js')

const folder = mkdtempSync(join(tmpdir(), 'backtesting-bench-'))
const engine = new BacktestEngine({
  dataDir: folder,
  logLevel: 'off',
  maxBacktestDurationDays: 100_000,
  maxDataPoints: 100_000_000,
})
const bars = randomBars(BARS)
const result = await engine.runBacktest({
  strategyId: 'sma_crossover',
  assetSymbol: 'X',
  startDate: '1970-01-01',
  endDate: new Date(BARS * 60_000),
  initialCapital: 10_000,
  simulation: { fees: 1e-5, slippage: 1e-5 },
  bars,
  persist: false,
})
console.log(
  `\na picture of ${BARS.toLocaleString('en')} bars and ${result.trades.length.toLocaleString('en')} trades, 1200 × 800`,
)
for (const format of ['png', 'svg']) {
  const times = []
  let bytes = 0
  for (let round = -1; round < ROUNDS; round++) {
    const begin = performance.now()
    const file = await engine.renderChart(result, { format, bars })
    if (round >= 0) times.push(performance.now() - begin)
    bytes = file.length
  }
  const median = times.toSorted((a, b) => a - b)[times.length >> 1] ?? Number.NaN
  console.log(`  ${format}  ${median.toFixed(0).padStart(5)} ms  ${(bytes / 1024).toFixed(0).padStart(5)} kB`)
}
await engine.close()
rmSync(folder, { recursive: true, force: true })
