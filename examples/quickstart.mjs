import { fileURLToPath } from 'node:url'
import { importBars, runBacktest } from '@aitradepro/backtesting'

// Daily bars of Apple, which come with the package.
const bars = fileURLToPath(import.meta.resolve('@aitradepro/backtesting/data/aapl-daily.csv'))
await importBars({ assetSymbol: 'AAPL', timeframe: '1d', bars, adjust: true })

const result = await runBacktest({
  strategyId: 'sma_crossover',
  parameters: { fast_period: 20, slow_period: 100 },
  assetSymbol: 'AAPL',
  startDate: '2008-01-02',
  endDate: '2012-12-31',
  initialCapital: 10_000,
})

const { totalReturn, benchmarkReturn, sharpeRatio, maxDrawdown, winRate } = result.metrics
console.log(`final capital   ${result.finalCapital?.toFixed(2)}`)
console.log(`total return    ${totalReturn?.toFixed(2)} %, buy and hold ${benchmarkReturn?.toFixed(2)} %`)
console.log(`sharpe ratio    ${sharpeRatio?.toFixed(3)}`)
console.log(`max drawdown    ${maxDrawdown?.toFixed(2)} %`)
console.log(`trades          ${result.trades.length}, ${winRate?.toFixed(0)} % won`)
