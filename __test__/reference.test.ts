import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BacktestEngine, type BacktestResult, type MetricName, type Timeframe } from '../index.js'
import { ROOT } from './support.js'

/** Results of vectorbt for one strategy on one asset; __test__/reference/README.md describes the format. */
interface Reference {
  asset: string
  bars: string
  barCount: number
  timeframe: Timeframe
  initialCapital: number
  simulation: { fees: number; slippage: number }
  cases: Case[]
}

interface Case {
  strategy: string
  parameters: Record<string, number>
  yearDays: number
  orders: Columns
  trades: Columns
  equityEvery: number
  equity: number[]
  metrics: Record<string, number | null>
}

type Columns = Record<string, number[]>

const FOLDER = join(ROOT, '__test__', 'reference', 'backtests')
const TOLERANCE = 1e-9

const files = readdirSync(FOLDER).filter((name) => name.endsWith('.json.gz'))

test('there are reference files for the three strategies', () => {
  for (const strategy of ['sma_crossover', 'rsi', 'macd']) {
    expect(
      files.some((name) => name.startsWith(strategy)),
      strategy,
    ).toBe(true)
  }
})

describe.each(files)('%s', (name) => {
  const reference: Reference = JSON.parse(gunzipSync(readFileSync(join(FOLDER, name))).toString())
  let dataDir: string
  let engine: BacktestEngine

  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'backtesting-reference-'))
    engine = new BacktestEngine({ dataDir, maxBacktestDurationDays: 20_000, logLevel: 'off' })
    const bars = join(ROOT, reference.bars)
    const { imported } = await engine.importBars({ assetSymbol: reference.asset, timeframe: reference.timeframe, bars })
    expect(imported).toBe(reference.barCount)
  })

  afterAll(async () => {
    await engine.close()
    rmSync(dataDir, { recursive: true, force: true })
  })

  test.each(reference.cases.map((one) => [title(one), one] as const))('%s equals vectorbt', async (_, one) => {
    const result = await engine.runBacktest({
      strategyId: one.strategy,
      parameters: one.parameters,
      assetSymbol: reference.asset,
      startDate: '1990-01-01',
      endDate: '2024-12-31',
      initialCapital: reference.initialCapital,
      timeframe: reference.timeframe,
      simulation: { ...reference.simulation, yearDays: one.yearDays },
      persist: false,
    })
    const differences = [
      ...compareTrades(result, one.trades),
      ...compareOrders(result, one.orders),
      ...compareEquity(result, one),
      ...compareMetrics(result, one.metrics),
    ]
    expect(differences.slice(0, 10), `${differences.length} differences`).toEqual([])
    expect(result.timestamps).toHaveLength(reference.barCount)
  })
})

function title({ parameters, yearDays }: Case): string {
  return `${Object.entries(parameters)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ')}, ${yearDays} days a year`
}

/** Describes the difference of two numbers; empty if they are equal within the tolerance. */
function compare(what: string, actual: number | null | undefined, expected: number | null | undefined): string[] {
  if (actual === null || actual === undefined || expected === null || expected === undefined) {
    return actual === expected ? [] : [`${what} is ${actual}, expected ${expected}`]
  }
  const distance = Math.abs(actual - expected)
  const scale = Math.max(Math.abs(actual), Math.abs(expected))
  return distance <= TOLERANCE * scale
    ? []
    : [`${what} is ${actual}, expected ${expected} (relative ${distance / scale})`]
}

function compareTrades({ trades, timestamps }: BacktestResult, expected: Columns): string[] {
  const count = expected.entryBar?.length ?? 0
  if (trades.length !== count) return [`there are ${trades.length} trades, expected ${count}`]
  const date = (bar: number | undefined) => new Date(Number(timestamps[Number(bar)])).toISOString()
  return trades.flatMap((trade, index) => {
    const value = (column: string) => expected[column]?.[index]
    const open = value('status') === 0
    const at = `trade ${index} of ${trade.entryDate}`
    const same: [string, unknown, unknown][] = [
      ['entryDate', trade.entryDate, date(value('entryBar'))],
      ['exitDate', trade.exitDate, open ? null : date(value('exitBar'))],
      ['direction', trade.direction, value('direction') === 0 ? 'long' : 'short'],
      ['status', trade.status, open ? 'open' : 'closed'],
    ]
    return [
      ...same
        .filter(([, found, wanted]) => found !== wanted)
        .map(([what, found, wanted]) => `${at}: ${what} is ${found}, expected ${wanted}`),
      ...compare(`${at}: quantity`, trade.quantity, value('size')),
      ...compare(`${at}: entryPrice`, trade.entryPrice, value('entryPrice')),
      ...compare(`${at}: exitPrice`, trade.exitPrice, open ? null : value('exitPrice')),
      ...compare(`${at}: fees`, trade.fees, Number(value('entryFees')) + Number(value('exitFees'))),
      ...compare(`${at}: pnl`, trade.pnl, value('pnl')),
      ...compare(`${at}: pnlPercent`, trade.pnlPercent, value('pnlPercent')),
    ]
  })
}

/** Every order is the entry or the exit of a trade: these strategies never increase or reduce a position. */
function compareOrders({ trades, timestamps }: BacktestResult, expected: Columns): string[] {
  const bars = new Map(Array.from(timestamps, (time, bar) => [time, bar]))
  const orders = trades.flatMap((trade) => [
    { bar: bars.get(Date.parse(trade.entryDate)), side: 0, size: trade.quantity, price: trade.entryPrice },
    ...(trade.exitDate === null
      ? []
      : [{ bar: bars.get(Date.parse(trade.exitDate)), side: 1, size: trade.quantity, price: trade.exitPrice }]),
  ])
  const count = expected.bar?.length ?? 0
  if (orders.length !== count) return [`there are ${orders.length} orders, expected ${count}`]
  return orders.flatMap((order, index) => [
    ...compare(`order ${index}: bar`, order.bar, expected.bar?.[index]),
    ...compare(`order ${index}: side`, order.side, expected.side?.[index]),
    ...compare(`order ${index}: size`, order.size, expected.size?.[index]),
    ...compare(`order ${index}: price`, order.price, expected.price?.[index]),
  ])
}

function compareEquity({ equityCurve, timestamps }: BacktestResult, { equity, equityEvery }: Case): string[] {
  const last = equityCurve.length - 1
  return equity.flatMap((expected, index) => {
    const bar = Math.min(index * equityEvery, last)
    return compare(`equity of ${new Date(Number(timestamps[bar])).toISOString()}`, equityCurve[bar], expected)
  })
}

/** Metrics that the reference does not have: only the simulation knows the signals that made no order. */
const WITHOUT_REFERENCE = ['unexecutedSignals']

function compareMetrics({ metrics }: BacktestResult, expected: Case['metrics']): string[] {
  const missing = Object.keys(metrics).filter((name) => !(name in expected) && !WITHOUT_REFERENCE.includes(name))
  if (missing.length > 0)
    return [`no reference for ${missing}: add it to vectorbt_metrics.py and run backtests.py in scripts/reference`]
  // A metric that the result lacks differs from a number and from null.
  return Object.entries(expected).flatMap(([name, value]) => compare(name, metrics[name as MetricName], value))
}
