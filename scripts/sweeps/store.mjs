/** An engine whose store has the real bars. */

import { BacktestEngine } from '../../index.js'
import { ASSETS, FILES, realBars } from './real-bars.mjs'

/**
 * Creates a store in a folder and imports the bars of all assets.
 * @param {string} dataDir
 */
export async function newStore(dataDir) {
  const opened = await openStore(dataDir)
  for (const assetSymbol of ASSETS)
    await opened.engine.importBars({ assetSymbol, timeframe: '1d', bars: FILES[assetSymbol] })
  return opened
}

/**
 * Returns an engine on such a store, and the names of all metrics.
 * @param {string} dataDir
 */
export async function openStore(dataDir) {
  const engine = new BacktestEngine({ dataDir, logLevel: 'off' })
  const { metrics } = await engine.runBacktest({
    strategyId: 'buy_and_hold',
    assetSymbol: 'AAPL',
    startDate: '2010-01-01',
    endDate: '2010-12-31',
    initialCapital: 1000,
    bars: realBars('AAPL'),
    persist: false,
  })
  return { engine, metricNames: Object.keys(metrics) }
}
