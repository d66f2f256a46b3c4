import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import type { BacktestResult } from '../index.js'
import { DAY, newEngine, request, SP500, waves } from './support.js'

const SPAN = { assetSymbol: 'SP500', startDate: '2010-01-04', endDate: '2014-12-31', initialCapital: 10_000 }

describe('a backtest on real bars', () => {
  test('is computed, stored and read back unchanged', async () => {
    const engine = newEngine()
    await engine.importBars({ assetSymbol: 'SP500', timeframe: '1d', bars: SP500 })
    const result = await engine.runBacktest({ ...SPAN, strategyId: 'sma_crossover' })

    expect(result.backtestId).toMatch(/^bt-[0-9a-f]{12}$/)
    expect(result.status).toBe('completed')
    expect(result.error).toBeNull()
    expect(result.strategyId).toBe('sma_crossover')
    expect(result.assetSymbol).toBe('SP500')
    expect(result.timeframe).toBe('1d')
    expect(result.startDate).toBe('2010-01-04T00:00:00.000Z')
    expect(result.endDate).toBe('2014-12-31T23:59:59.999Z')
    expect(result.initialCapital).toBe(10_000)
    expect(result.trades.length).toBeGreaterThan(10)
    expect(await engine.getBacktestResults(result.backtestId)).toEqual(result)
  })

  test('has one equity value per bar, from the initial to the final capital', async () => {
    const result = await onRealBars()
    expect(result.timestamps).toBeInstanceOf(Float64Array)
    expect(result.equityCurve).toBeInstanceOf(Float64Array)
    expect(result.equityCurve).toHaveLength(result.timestamps.length)
    expect(result.timestamps[0]).toBe(Date.UTC(2010, 0, 4))
    expect(result.timestamps.at(-1)).toBe(Date.UTC(2014, 11, 31))
    // Five years of trading days at the New York Stock Exchange.
    expect(result.timestamps).toHaveLength(1258)
    expect(result.equityCurve[0]).toBe(10_000)
    expect(result.finalCapital).toBe(result.equityCurve.at(-1))
    expect(result.totalReturn).toBeCloseTo((Number(result.finalCapital) / 10_000 - 1) * 100, 9)
  })

  test('has trades, metrics and equity that agree with each other', async () => {
    const { trades, metrics, finalCapital } = await onRealBars()
    const closed = trades.filter((trade) => trade.status === 'closed')
    const sum = (values: number[]) => values.reduce((total, value) => total + value, 0)
    expect(metrics.totalTrades).toBe(trades.length)
    expect(metrics.closedTrades).toBe(closed.length)
    expect(metrics.openTrades).toBe(trades.length - closed.length)
    expect(metrics.winningTrades).toBe(closed.filter((trade) => trade.pnl > 0).length)
    expect(metrics.losingTrades).toBe(closed.filter((trade) => trade.pnl < 0).length)
    expect(metrics.winRate).toBeCloseTo((Number(metrics.winningTrades) / closed.length) * 100, 9)
    expect(metrics.finalCapital).toBe(finalCapital)
    expect(metrics.totalFeesPaid).toBeCloseTo(sum(trades.map((trade) => trade.fees)), 6)
    expect(10_000 + sum(trades.map((trade) => trade.pnl))).toBeCloseTo(Number(finalCapital), 6)
    for (const trade of trades) {
      expect(trade.direction).toBe('long')
      expect(trade.quantity).toBeGreaterThan(0)
      expect(trade.entryDate).toMatch(/^201\d-\d\d-\d\dT00:00:00\.000Z$/)
      if (trade.status === 'closed') expect(String(trade.exitDate) > trade.entryDate).toBe(true)
    }
  })

  test('pays fees and slippage: without them, the final capital is higher', async () => {
    const engine = newEngine()
    await engine.importBars({ assetSymbol: 'SP500', timeframe: '1d', bars: SP500 })
    const run = (simulation: object) => engine.runBacktest({ ...SPAN, strategyId: 'sma_crossover', simulation })
    const costly = await run({})
    const free = await run({ fees: 0, slippage: 0 })
    expect(costly.simulation.fees).toBe(0.001)
    expect(costly.simulation.slippage).toBe(0.001)
    expect(free.metrics.totalFeesPaid).toBe(0)
    expect(Number(free.finalCapital)).toBeGreaterThan(Number(costly.finalCapital))
  })

  async function onRealBars(): Promise<BacktestResult> {
    const engine = newEngine()
    await engine.importBars({ assetSymbol: 'SP500', timeframe: '1d', bars: SP500 })
    return engine.runBacktest({ ...SPAN, strategyId: 'sma_crossover' })
  }
})

describe('the request', () => {
  test.each(['sma_crossover', 'rsi', 'macd'])(
    'runs the built-in strategy %s with its default parameters',
    async (strategyId) => {
      const engine = newEngine()
      const { parameters: _, ...rest } = request({ strategyId })
      const result = await engine.runBacktest(rest)
      const info = (await engine.listStrategies()).find((strategy) => strategy.id === strategyId)
      expect(result.parameters).toEqual(info?.defaultParameters)
      expect(result.trades.length).toBeGreaterThan(0)
    },
  )

  test('accepts dates as text and as Date, and both ends are inclusive', async () => {
    const engine = newEngine()
    const texts = await engine.runBacktest(request({ startDate: '2020-02-01', endDate: '2020-06-30' }))
    const dates = await engine.runBacktest(
      request({ startDate: new Date(Date.UTC(2020, 1, 1)), endDate: new Date(Date.UTC(2020, 5, 30)) }),
    )
    expect(dates.timestamps).toEqual(texts.timestamps)
    expect(texts.timestamps[0]).toBe(Date.UTC(2020, 1, 1))
    expect(texts.timestamps.at(-1)).toBe(Date.UTC(2020, 5, 30))
    expect(dates.startDate).toBe('2020-02-01T00:00:00.000Z')
  })

  test('treats null like an omitted field', async () => {
    const nothing = { timeframe: null, simulation: null, userId: null, strategy: null, persist: null }
    const result = await newEngine().runBacktest({ ...request(), ...(nothing as object) })
    expect(result.status).toBe('completed')
  })

  test('returns the same numbers for the same bars', async () => {
    const engine = newEngine()
    const [first, second] = await Promise.all([engine.runBacktest(request()), engine.runBacktest(request())])
    expect(second.backtestId).not.toBe(first.backtestId)
    expect(second.equityCurve).toEqual(first.equityCurve)
    expect(second.trades).toEqual(first.trades)
    expect(second.metrics).toEqual(first.metrics)
  })

  test('creates the trades of its result on first access, and the result still behaves like a plain object', async () => {
    const result = await newEngine().runBacktest(request())
    // These are the first accesses.
    const copies = [{ ...result }, structuredClone(result), JSON.parse(JSON.stringify(result))]
    expect(result.trades.length).toBeGreaterThan(2)
    for (const copy of copies) expect(copy.trades).toEqual(result.trades)
    expect(Object.keys(result)).toContain('trades')
    expect(result.trades).toBe(result.trades)
    expect(inspect(result)).toMatch(/trades: \[\s*\{\s*entryDate: '20/)
    const first = result.trades.slice(0, 1)
    result.trades = first
    expect(result.trades).toBe(first)
    expect(structuredClone(Object.freeze(result)).trades).toEqual(first)
  })

  test('is not affected if the caller changes the bars afterwards', async () => {
    const engine = newEngine()
    const expected = await engine.runBacktest(request())
    const bars = waves(366)
    const running = engine.runBacktest(request({ bars }))
    bars.close.fill(1)
    expect((await running).equityCurve).toEqual(expected.equityCurve)
  })

  test('runs an inline strategy', async () => {
    const { strategyId: _, parameters: __, ...rest } = request()
    const result = await newEngine().runBacktest({
      ...rest,
      strategy: {
        id: 'own_crossover',
        parameters: {
          fast_period: { type: 'integer', default: 5, minimum: 1 },
          slow_period: { type: 'integer', default: 20, minimum: 1 },
        },
        constraints: ['fast_period < slow_period'],
        entries: 'crossed_above(sma(close, fast_period), sma(close, slow_period))',
        exits: 'crossed_below(sma(close, fast_period), sma(close, slow_period))',
      },
    })
    const builtIn = await newEngine().runBacktest(request())
    expect(result.strategyId).toBe('own_crossover')
    expect(result.trades).toEqual(builtIn.trades)
    expect(result.equityCurve).toEqual(builtIn.equityCurve)
  })

  test('invests the fraction of the cash that position_size sets', async () => {
    const result = await newEngine().runBacktest(
      request({
        parameters: { fast_period: 5, slow_period: 20, position_size: 0.25 },
        simulation: { fees: 0, slippage: 0 },
      }),
    )
    const [first] = result.trades
    expect(Number(first?.quantity) * Number(first?.entryPrice)).toBeCloseTo(2500, 6)
    expect(result.parameters.position_size).toBe(0.25)
  })

  test('infers the timeframe of its own bars', async () => {
    const hours = await newEngine().runBacktest(request({ bars: waves(500, DAY / 24) }))
    expect(hours.timeframe).toBe('1h')
    expect((await newEngine().runBacktest(request())).timeframe).toBe('1d')
  })

  test('uses the finest stored timeframe, and resamples to a coarser one', async () => {
    const engine = newEngine()
    const bars = waves(24 * 120, DAY / 24)
    await engine.importBars({ assetSymbol: 'WAVES', timeframe: '1h', bars })
    const { bars: _, ...stored } = request({ startDate: '2020-01-01', endDate: '2020-04-29T23:00:00Z' })
    const hourly = await engine.runBacktest(stored)
    const daily = await engine.runBacktest({ ...stored, timeframe: '1d' })
    expect(hourly.timeframe).toBe('1h')
    expect(hourly.timestamps).toHaveLength(24 * 120)
    expect(daily.timeframe).toBe('1d')
    expect(daily.timestamps).toHaveLength(120)
    expect(daily.timestamps[1]).toBe(Date.UTC(2020, 0, 2))
  })
})

describe('a value that does not exist', () => {
  test('is null, never NaN or infinite', async () => {
    // Without an entry there is no trade, no deviation and no ratio.
    const { strategyId: _, parameters: __, ...rest } = request()
    const result = await newEngine().runBacktest({
      ...rest,
      strategy: { id: 'never', entries: 'close < 0', exits: 'close < 0' },
    })
    expect(result.trades).toEqual([])
    expect(result.finalCapital).toBe(10_000)
    expect(result.metrics.totalTrades).toBe(0)
    expect(result.metrics.maxDrawdown).toBe(0)
    for (const name of ['winRate', 'avgWin', 'avgLoss', 'profitFactor', 'expectancy', 'sharpeRatio'] as const) {
      expect(result.metrics[name], name).toBeNull()
    }
    expectNoNaN(result)
  })

  test('is null in a run with winning trades only', async () => {
    const bars = waves(30)
    const rising = Float64Array.from({ length: 30 }, (_, bar) => 100 + bar)
    const shifted = (by: number) => rising.map((price) => price + by)
    const { strategyId: _, parameters: __, ...rest } = request({ endDate: '2020-01-30' })
    const result = await newEngine().runBacktest({
      ...rest,
      bars: { timestamps: bars.timestamps, open: rising, high: shifted(1), low: shifted(-1), close: rising },
      strategy: { id: 'once', entries: 'day_of_month == 3', exits: 'day_of_month == 20' },
    })
    expect(result.metrics.winningTrades).toBe(1)
    expect(result.metrics.avgLoss).toBeNull()
    expect(result.metrics.profitFactor).toBeNull()
    expectNoNaN(result)
  })

  test('is null for the exit of a trade that is still open', async () => {
    const { strategyId: _, parameters: __, ...rest } = request()
    const result = await newEngine().runBacktest({
      ...rest,
      strategy: { id: 'hold', entries: 'close > 0', exits: 'close < 0' },
    })
    expect(result.trades).toHaveLength(1)
    expect(result.trades[0]).toMatchObject({ status: 'open', exitDate: null, exitPrice: null })
    expect(result.metrics.openTrades).toBe(1)
    expect(result.metrics.closedTrades).toBe(0)
  })
})

test('a single bar is enough, and has no statistics', async () => {
  const result = await newEngine().runBacktest(request({ bars: waves(1), timeframe: '1d' }))
  expect(result.equityCurve).toEqual(new Float64Array([10_000]))
  expect(result.metrics.sharpeRatio).toBeNull()
  expectNoNaN(result)
})

function expectNoNaN(result: BacktestResult) {
  for (const [name, value] of Object.entries(result.metrics)) {
    expect(value === null || Number.isFinite(value), `${name} is ${value}`).toBe(true)
  }
  expect(result.equityCurve.every(Number.isFinite)).toBe(true)
}
