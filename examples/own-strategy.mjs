/**
 * Your own strategy: typed parameters and two conditions in the strategy language, validated before it runs.
 *
 *   node examples/own-strategy.mjs
 */

import { fileURLToPath } from 'node:url'
import { BacktestEngine } from '@aitradepro/backtesting'

/** Buys after a sharp fall in a rising market, and sells after the recovery. */
const dip = {
  id: 'dip_in_uptrend',
  name: 'Dip in an uptrend',
  parameters: {
    trend: { type: 'integer', default: 200, minimum: 20, maximum: 400 },
    period: { type: 'integer', default: 3, minimum: 2, maximum: 50 },
    oversold: { type: 'number', default: 20, minimum: 1, maximum: 50 },
  },
  entries: 'close > sma(close, trend) and rsi(close, period) < oversold',
  exits: 'rsi(close, period) > 60',
}

const engine = new BacktestEngine({ dataDir: '.data', logLevel: 'warn' })

// Daily bars of Apple, which come with the package.
const bars = fileURLToPath(import.meta.resolve('@aitradepro/backtesting/data/aapl-daily.csv'))
await engine.importBars({ assetSymbol: 'AAPL', timeframe: '1d', bars, adjust: true })

// Validation explains a typo.
const typo = await engine.validateStrategy({ strategy: { ...dip, exits: 'rsii(close, period) > 60' } })
console.log('With a typo:', typo.errors.join('; '))
console.log('Corrected:  ', await engine.validateStrategy({ strategy: dip }))

for (const oversold of [10, 20, 30]) {
  const { metrics } = await engine.runBacktest({
    strategy: dip,
    parameters: { oversold },
    assetSymbol: 'AAPL',
    startDate: '2008-01-02',
    endDate: '2012-12-31',
    initialCapital: 10_000,
    simulation: { execution: 'nextOpen' },
    persist: false,
  })
  const { totalTrades, winRate, totalReturn, maxDrawdown } = metrics
  console.log(
    `oversold ${oversold}: ${totalTrades} trades, ${winRate?.toFixed(0) ?? '–'} % won, ` +
      `return ${totalReturn?.toFixed(2)} %, max drawdown ${maxDrawdown?.toFixed(2)} %`,
  )
}
await engine.close()
