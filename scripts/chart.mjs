/**
 * Creates the chart in the README, docs/chart.png, from a run on the bars in data/.
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
await engine.close()
rmSync(dataDir, { recursive: true, force: true })
