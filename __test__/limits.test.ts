import { describe, expect, test } from 'vitest'
import type { BacktestResult } from '../index.js'
import { failure, newEngine, request, waves } from './support.js'

describe('an exceeded limit is reported with the value', () => {
  test('for the duration', async () => {
    const engine = newEngine()
    const bars = waves(300, 3_600_000)
    const error = await failure(engine.runBacktest(request({ bars, endDate: '2025-01-01' })), 'LIMIT_EXCEEDED')
    expect(error.message).toBe(
      'the range of 1h bars from 2020-01-01 to 2025-01-01 is 1828 days long, the limit maxBacktestDurationDays (MAX_BACKTEST_DURATION_DAYS) is 1827',
    )
    // Five calendar years, two of them leap years.
    expect((await engine.runBacktest(request({ bars, endDate: '2024-12-31' }))).status).toBe('completed')
  })

  test('but by default not for the duration of daily and weekly bars, which a configured limit includes', async () => {
    const decades = { startDate: '1980-01-01', endDate: '2020-12-31' }
    expect((await newEngine().runBacktest(request(decades))).timestamps).toHaveLength(366)
    const engine = newEngine({ maxBacktestDurationDays: 1827 })
    const error = await failure(engine.runBacktest(request(decades)), 'LIMIT_EXCEEDED')
    expect(error.message).toMatch(/^the range from 1980-01-01 to 2020-12-31 is 14976 days long, the limit/)
  })

  test('but not for the longest allowed duration', async () => {
    const engine = newEngine({ maxBacktestDurationDays: 30 })
    expect((await engine.runBacktest(request({ endDate: '2020-01-30' }))).status).toBe('completed')
    await failure(engine.runBacktest(request({ endDate: '2020-01-31' })), 'LIMIT_EXCEEDED')
  })

  test('for the number of bars', async () => {
    const engine = newEngine({ maxDataPoints: 100 })
    const error = await failure(engine.runBacktest(request({ bars: waves(101) })), 'LIMIT_EXCEEDED')
    expect(error.message).toContain('maxDataPoints')
    expect(error.message).toContain('101')
    expect(error.message).toContain('100')
    expect((await engine.runBacktest(request({ bars: waves(100) }))).status).toBe('completed')
  })

  test('for the number of stored bars', async () => {
    const engine = newEngine({ maxDataPoints: 100 })
    await engine.importBars({ assetSymbol: 'WAVES', timeframe: '1d', bars: waves(300) })
    const { bars: _, ...stored } = request()
    const error = await failure(engine.runBacktest(stored), 'LIMIT_EXCEEDED')
    // Counting stops at the limit.
    expect(error.message).toBe('the run has more than 100 bars, the limit maxDataPoints (MAX_DATA_POINTS) is 100')
    expect((await engine.runBacktest({ ...stored, endDate: '2020-03-01' })).status).toBe('completed')
  })

  test('for the number of bars after resampling', async () => {
    const engine = newEngine({ maxDataPoints: 100 })
    await engine.importBars({ assetSymbol: 'WAVES', timeframe: '1h', bars: waves(200 * 24, 3_600_000) })
    const { bars: _, ...stored } = request({ timeframe: '1d' })
    const days = async (count: number) =>
      engine.runBacktest({ ...stored, endDate: new Date(Date.UTC(2020, 0, count, 23)) })
    expect((await days(100)).timestamps).toHaveLength(100)
    const error = await failure(days(101), 'LIMIT_EXCEEDED')
    expect(error.message).toBe('the run has more than 100 bars, the limit maxDataPoints (MAX_DATA_POINTS) is 100')
  })
})

describe('more backtests than the limit of concurrent ones', () => {
  // A small position size: with all cash, equity would overflow over that many waves.
  const parameters = { fast_period: 5, slow_period: 20, position_size: 0.001 }

  test('are queued, and end in order of arrival', async () => {
    const engine = newEngine({ maxConcurrentBacktests: 1 })
    const bars = waves(200_000, 60_000)
    const ended: number[] = []
    const runs = Array.from({ length: 6 }, async (_, index) => {
      const result = await engine.runBacktest(
        request({ bars, parameters, persist: false, initialCapital: 1000 + index }),
      )
      ended.push(result.initialCapital - 1000)
    })
    await Promise.all(runs)
    expect(ended).toEqual([0, 1, 2, 3, 4, 5])
  })

  test('never run at the same time', async () => {
    const engine = newEngine({ maxConcurrentBacktests: 2 })
    const bars = waves(100_000, 60_000)
    let done = false
    const all: Promise<BacktestResult[]> = Promise.all(
      Array.from({ length: 8 }, () => engine.runBacktest(request({ bars, parameters }))),
    ).finally(() => {
      done = true
    })
    let most = 0
    while (!done) {
      most = Math.max(most, (await engine.listBacktests({ status: 'running' })).length)
    }
    expect((await all).every((result) => result.status === 'completed')).toBe(true)
    expect(most).toBeGreaterThan(0)
    expect(most).toBeLessThanOrEqual(2)
  })

  test('release their slot when they fail', async () => {
    const engine = newEngine({ maxConcurrentBacktests: 1 })
    const outside = request({ startDate: '1999-01-01', endDate: '1999-12-31' })
    for (let run = 0; run < 3; run++) await failure(engine.runBacktest(outside), 'NO_DATA')
    expect((await engine.runBacktest(request())).status).toBe('completed')
  })
})
