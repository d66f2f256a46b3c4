/**
 * Creates the chart in the README, docs/chart.png, and the heat map of docs/sweeps.md, docs/heatmap.png, from the bars in data/.
 *
 *   node scripts/chart.mjs
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ROOT } from './lib.mjs'

const { BacktestEngine } = createRequire(import.meta.url)('../index.js')
const dataDir = mkdtempSync(join(tmpdir(), 'backtesting-chart-'))
const engine = new BacktestEngine({ dataDir, logLevel: 'off' })
await engine.importBars({ assetSymbol: 'SP500', timeframe: '1d', bars: join(ROOT, 'data', 'sp500-daily.csv') })
const { backtestId } = await engine.runBacktest({
  strategyId: 'sma_crossover',
  parameters: { fast_period: 20, slow_period: 100 },
  assetSymbol: 'SP500',
  startDate: '2008-01-02',
  endDate: '2012-12-28',
  initialCapital: 10_000,
})
writeFileSync(join(ROOT, 'docs', 'chart.png'), await engine.renderChart(backtestId, { width: 960, height: 640 }))

await engine.importBars({
  assetSymbol: 'AAPL',
  timeframe: '1d',
  bars: join(ROOT, 'data', 'aapl-daily.csv'),
  adjust: true,
})
const sweep = await engine.runSweep({
  strategyId: 'sma_crossover',
  parameters: { fast_period: { from: 5, to: 50, step: 5 }, slow_period: { from: 20, to: 200, step: 10 } },
  assetSymbol: 'AAPL',
  startDate: '2005-01-03',
  endDate: '2010-12-31',
  initialCapital: 10_000,
})
const heatmap = await engine.renderHeatmap(sweep, { x: 'slow_period', y: 'fast_period', width: 960, height: 640 })
writeFileSync(join(ROOT, 'docs', 'heatmap.png'), heatmap)
await engine.close()
rmSync(dataDir, { recursive: true, force: true })
