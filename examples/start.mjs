/**
 * The program behind `npm start`: runs a backtest on real bars, stores it in the embedded store and reads it back.
 *
 *   node examples/start.mjs [strategy] [asset]      the asset is the name of a file in data/: sp500, aapl, ibm, msft
 */

import { readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bold, dim, equityChart, green, heading, red, table } from './terminal.mjs'

// A server wants one log line per run; here it is noise.
process.env.LOG_LEVEL ??= 'warn'
const { getBacktestResults, importBars, listStrategies, renderChart, runBacktest } = await import(
  '@aitradepro/backtesting'
)

const [strategyId = 'sma_crossover', asset = 'sp500'] = process.argv.slice(2)
const assetSymbol = asset.toUpperCase()
const started = performance.now()

const csv = fileURLToPath(new URL(`../data/${asset.toLowerCase()}-daily.csv`, import.meta.url))
const bars = await importBars({ assetSymbol, timeframe: '1d', bars: csv })
const imported = performance.now()

const { backtestId } = await runBacktest({
  strategyId,
  assetSymbol,
  startDate: '2008-01-02',
  endDate: '2012-12-28',
  initialCapital: 10_000,
})
const computed = performance.now()

// Everything below is read from the store, not from memory.
const run = await getBacktestResults(backtestId)
if (run === null) throw new Error(`${backtestId} was not stored`)
const read = performance.now()
const picture = join(tmpdir(), `${backtestId}.png`)
writeFileSync(picture, await renderChart(backtestId, { width: 1200, height: 800 }))
const drawn = performance.now()
const strategy = (await listStrategies()).find(({ id }) => id === run.strategyId)

console.log(
  heading(`${strategy?.name ?? run.strategyId} on ${assetSymbol}`, `${day(run.startDate)} to ${day(run.endDate)}`),
)
console.log(dim(`  ${settings(run.parameters)}`))
console.log(
  dim(`  fees ${percent(run.simulation.fees * 100)}, slippage ${percent(run.simulation.slippage * 100)}, `) +
    dim(`filled at the ${run.simulation.execution === 'close' ? "signal's own close" : 'next open'}`),
)

console.log(`\n${equityChart(run.equityCurve, buyAndHold(run), { from: day(run.startDate), to: day(run.endDate) })}`)

console.log(`\n${bold('  Metrics')}`)
console.log(
  table(
    [
      ['final capital', money(run.finalCapital), 'trades', count('totalTrades')],
      ['total return', percent(metric('totalReturn')), 'won', percent(metric('winRate'))],
      ['buy and hold', percent(metric('benchmarkReturn')), 'average win', money(metric('avgWin'))],
      ['annual return', percent(metric('annualizedReturn')), 'average loss', money(metric('avgLoss'))],
      ['annual volatility', percent(metric('annualizedVolatility')), 'profit factor', ratio('profitFactor')],
      ['max drawdown', percent(metric('maxDrawdown')), 'expectancy', money(metric('expectancy'))],
      ['Sharpe ratio', ratio('sharpeRatio'), 'Sortino ratio', ratio('sortinoRatio')],
      ['Calmar ratio', ratio('calmarRatio'), 'fees paid', money(metric('totalFeesPaid'))],
    ],
    { align: ['left', 'right', 'left', 'right'], widths: [19, 14, 19, 14], gap: '   ' },
  ),
)

const shown = run.trades.length <= 14 ? run.trades : [...run.trades.slice(0, 6), null, ...run.trades.slice(-6)]
console.log(`\n${bold('  Trades')}`)
console.log(
  table(
    [
      ['entry', 'exit', 'entry price', 'exit price', 'profit', 'return'].map(dim),
      ...shown.map((trade) =>
        trade === null
          ? [dim(`… ${run.trades.length - 12} more`), '', '', '', '', '']
          : [
              day(trade.entryDate),
              trade.exitDate === null ? 'open' : day(trade.exitDate),
              number(trade.entryPrice),
              trade.exitPrice === null ? '–' : number(trade.exitPrice),
              signed(trade.pnl, money(trade.pnl)),
              signed(trade.pnl, percent(trade.pnlPercent)),
            ],
      ),
    ],
    { align: ['left', 'left', 'right', 'right', 'right', 'right'], widths: [12, 12, 12, 12, 12, 10], gap: ' ' },
  ),
)

for (const warning of run.warnings) console.log(`\n  ${warning}`)
console.log(
  dim(
    [
      '',
      `  imported  ${bars.imported.toLocaleString('en')} bars of data/${asset.toLowerCase()}-daily.csv, ${milliseconds(imported - started)}`,
      `  computed  ${run.timestamps.length.toLocaleString('en')} bars, ${milliseconds(computed - imported)}, including storage`,
      `  read back ${run.backtestId} from ${storeName()}, ${milliseconds(read - computed)}`,
      `  drawn     ${picture}, ${milliseconds(drawn - read)}`,
      '',
      '  Next: npm start -- rsi, npm start -- macd msft, node examples/own-strategy.mjs',
    ].join('\n'),
  ),
)

/** @param {import('@aitradepro/backtesting').MetricName} name */
function metric(name) {
  return run?.metrics[name] ?? null
}

/** @param {import('@aitradepro/backtesting').MetricName} name */
function ratio(name) {
  return metric(name)?.toFixed(3) ?? '–'
}

/** @param {import('@aitradepro/backtesting').MetricName} name */
function count(name) {
  return String(metric(name) ?? '–')
}

/** @param {number} value */
function number(value) {
  return value.toLocaleString('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 })
}

/** @param {number | null} value */
function money(value) {
  return value === null ? '–' : number(value)
}

/** @param {number | null} value */
function percent(value) {
  return value === null ? '–' : `${number(value)} %`
}

/** @param {number} value */
function milliseconds(value) {
  return `${value.toFixed(value < 10 ? 1 : 0)} ms`
}

/**
 * @param {number} value
 * @param {string} text
 */
function signed(value, text) {
  return value < 0 ? red(text) : green(text)
}

/** @param {string} timestamp */
function day(timestamp) {
  return timestamp.slice(0, 10)
}

/** @param {Record<string, unknown>} parameters */
function settings(parameters) {
  return Object.entries(parameters)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ')
}

/** Describes where the run is stored. */
function storeName() {
  if (process.env.DATABASE_URL) return process.env.DATABASE_URL
  return process.env.DATA_DIR ? `the store in ${process.env.DATA_DIR}` : "the store in your user's data folder"
}

/**
 * Returns the equity of buy and hold: all money invested at the first bar.
 * @param {import('@aitradepro/backtesting').BacktestResult} result
 */
function buyAndHold({ timestamps, initialCapital }) {
  const [header = '', ...rows] = readFileSync(csv, 'utf8').trimEnd().split('\n')
  const column = header.toLowerCase().split(',').indexOf('close')
  const closes = new Map(
    rows.map((row) => row.split(',')).map((fields) => [Date.parse(fields[0] ?? ''), Number(fields[column])]),
  )
  const first = Number(closes.get(Number(timestamps[0])))
  return Array.from(timestamps, (time) => (Number(closes.get(time)) / first) * initialCapital)
}
