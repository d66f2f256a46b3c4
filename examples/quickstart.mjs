import { importBars, runBacktest } from '@aitradepro/backtesting'

await importBars({ assetSymbol: 'SP500', timeframe: '1d', bars: 'data/sp500-daily.csv' })

const result = await runBacktest({
  strategyId: 'sma_crossover',
  parameters: { fast_period: 20, slow_period: 100 },
  assetSymbol: 'SP500',
  startDate: '2010-01-04',
  endDate: '2014-12-31',
  initialCapital: 10_000,
})

const { totalReturn, benchmarkReturn, sharpeRatio, maxDrawdown, winRate } = result.metrics
console.log(`final capital   ${result.finalCapital?.toFixed(2)}`)
console.log(`total return    ${totalReturn?.toFixed(2)} %, buy and hold ${benchmarkReturn?.toFixed(2)} %`)
console.log(`sharpe ratio    ${sharpeRatio?.toFixed(3)}`)
console.log(`max drawdown    ${maxDrawdown?.toFixed(2)} %`)
console.log(`trades          ${result.trades.length}, ${winRate?.toFixed(0)} % won`)
