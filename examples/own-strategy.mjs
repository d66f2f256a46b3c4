/**
 * Your own strategy: typed parameters and two conditions in the strategy language, validated before it runs.
 *
 *   node examples/own-strategy.mjs
 */

import { BacktestEngine } from '@aitradepro/backtesting'

/** Buys after a sharp fall in a rising market, and sells after the recovery. */
const dip = {
  id: 'dip_in_uptrend',
  name: 'Dip in an uptrend',
  parameters: {
    trend: { type: /** @type {const} */ ('integer'), default: 200, minimum: 20, maximum: 400 },
    period: { type: /** @type {const} */ ('integer'), default: 3, minimum: 2, maximum: 50 },
    oversold: { type: /** @type {const} */ ('number'), default: 20, minimum: 1, maximum: 50 },
  },
  entries: 'close > sma(close, trend) and rsi(close, period) < oversold',
  exits: 'rsi(close, period) > 60',
}

const engine = new BacktestEngine({ dataDir: '.data', logLevel: 'warn' })
await engine.importBars({ assetSymbol: 'SP500', timeframe: '1d', bars: 'data/sp500-daily.csv' })

// Validation explains a typo.
const typo = await engine.validateStrategy({ strategy: { ...dip, exits: 'rsii(close, period) > 60' } })
console.log('With a typo:', typo.errors.join('; '))
console.log('Corrected:  ', await engine.validateStrategy({ strategy: dip }))

for (const oversold of [10, 20, 30]) {
  const { metrics } = await engine.runBacktest({
    strategy: dip,
    parameters: { oversold },
    assetSymbol: 'SP500',
    startDate: '2010-01-04',
    endDate: '2014-12-31',
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
