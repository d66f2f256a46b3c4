/** Annual figures follow the trading days of the bars; a number sets them. */

import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Bars, runBacktest, simulateSignals } from '../index.js'
import { DAY, newEngine, ROOT, request, waves } from './support.js'

const AAPL = join(ROOT, 'data', 'aapl-daily.csv')
const HOUR = 3_600_000

/** Keeps the bars that a predicate on their date keeps. */
function kept(bars: Bars, keep: (date: Date) => boolean): Bars {
  const rows = [...bars.timestamps.keys()].filter((row) => keep(new Date(bars.timestamps[row] as number)))
  const column = (values: Float64Array) => Float64Array.from(rows, (row) => values[row] as number)
  const { timestamps, open, high, low, close } = bars
  return {
    timestamps: column(timestamps),
    open: column(open),
    high: column(high),
    low: column(low),
    close: column(close),
  }
}

const isWeekday = (date: Date) => ![0, 6].includes(date.getUTCDay())

async function stocks(simulation = {}) {
  const engine = newEngine()
  await engine.importBars({ assetSymbol: 'AAPL', timeframe: '1d', bars: AAPL })
  return engine.runBacktest({
    strategyId: 'buy_and_hold',
    assetSymbol: 'AAPL',
    startDate: '2008-01-01',
    endDate: '2012-12-31',
    initialCapital: 10_000,
    simulation: { fees: 0, slippage: 0, ...simulation },
  })
}

describe('real stocks', () => {
  test('have 252 bars per year, and the growth between the first and the last bar', async () => {
    const { assumptions, metrics, timestamps, finalCapital, simulation } = await stocks()
    expect(simulation.yearDays).toBe('auto')
    expect(assumptions).toMatchObject({
      barsPerYear: 252,
      barsPerYearFrom: '252 days a year, because there are bars on 5 of the 7 days of the week, × 1 bar a day',
    })
    const years = (Number(timestamps.at(-1)) - Number(timestamps[0])) / DAY / 365.25
    const growth = ((Number(finalCapital) / 10_000) ** (1 / years) - 1) * 100
    expect(metrics.annualizedReturn).toBeCloseTo(growth, 9)
    expect(growth).toBeCloseTo(22.274, 3)
  })

  test('have all other figures of yearDays 252', async () => {
    const { annualizedReturn, calmarRatio, ...metrics } = (await stocks()).metrics
    const fixed = (await stocks({ yearDays: 252 })).metrics
    expect(fixed).toMatchObject(metrics)
    // Bars ÷ 252 are nearly the years of the calendar.
    expect(annualizedReturn).toBeCloseTo(Number(fixed.annualizedReturn), 1)
    expect(calmarRatio).toBeCloseTo(Number(fixed.calmarRatio), 2)
  })

  test('have the figures of vectorbt with yearDays 365', async () => {
    const { assumptions, metrics } = await stocks({ yearDays: 365 })
    expect(assumptions).toMatchObject({ barsPerYear: 365, barsPerYearFrom: 'yearDays 365 ÷ 1 day a bar' })
    const auto = (await stocks()).metrics
    expect(Number(metrics.sharpeRatio) / Number(auto.sharpeRatio)).toBeCloseTo(Math.sqrt(365 / 252), 9)
    expect(metrics.annualizedReturn).toBeGreaterThan(33)
  })
})

describe('the number of bars per year', () => {
  const flags = (bars: Bars) => ({
    entries: Uint8Array.from(bars.close, (_, bar) => Number(bar === 1)),
    exits: Uint8Array.from(bars.close, (_, bar) => Number(bar === bars.close.length - 2)),
    initialCapital: 1000,
  })
  const session = (date: Date) => isWeekday(date) && date.getUTCHours() >= 14 && date.getUTCHours() < 21
  const halfDays = (date: Date) => session(date) && (date.getUTCDate() % 7 !== 3 || date.getUTCHours() < 17)

  test.each([
    ['days without weekends', kept(waves(400), isWeekday), 252],
    ['days that never end', waves(400), 365],
    ['hours that never end', waves(400, HOUR), 365 * 24],
    ['hours of a session', kept(waves(2400, HOUR), session), 252 * 7],
    ['hours of a session, some days half', kept(waves(2400, HOUR), halfDays), 252 * 7],
    ['weeks', waves(400, 7 * DAY), 365 / 7],
  ])('of %s', async (_, bars, expected) => {
    const { volume: _volume, ...prices } = { volume: undefined, ...bars }
    const simulated = await simulateSignals({ ...prices, ...flags(bars) })
    expect(simulated.assumptions.barsPerYear).toBeCloseTo(expected, 9)
    const run = await runBacktest(request({ bars, startDate: '2020-01-01', endDate: '2024-12-31', persist: false }))
    expect(run.assumptions?.barsPerYear).toBeCloseTo(expected, 9)
    // The same as vectorbt with that many days, for bars of that many days.
    const days = (bars.timestamps[1] as number) - (bars.timestamps[0] as number)
    const fixed = await simulateSignals({ ...prices, ...flags(bars), yearDays: (expected * days) / DAY })
    expect(simulated.metrics.sharpeRatio).toBeCloseTo(Number(fixed.metrics.sharpeRatio), 9)
    expect(simulated.metrics.alpha).toBeCloseTo(Number(fixed.metrics.alpha), 6)
  })

  test('is unknown for bars at irregular times, and assumed without timestamps', async () => {
    const bars = waves(60)
    const { timestamps: _, volume: __, ...prices } = bars
    expect((await simulateSignals({ ...prices, ...flags(bars) })).assumptions).toEqual({
      barsPerYear: 252,
      barsPerYearFrom: '252 days a year ÷ 1 day a bar: an assumption, because there are no timestamps',
    })
    const irregular = Float64Array.from(bars.timestamps, (time, bar) => time + ((bar * 7919) % 17) * HOUR * 20).sort()
    const { assumptions, metrics } = await simulateSignals({ ...prices, ...flags(bars), timestamps: irregular })
    expect(assumptions.barsPerYear).toBeNull()
    expect(metrics.sharpeRatio).toBeNull()
  })
})

test('yearDays is a number above 0 or auto', async () => {
  for (const yearDays of [0, -1, 'always', true]) {
    await expect(runBacktest(request({ simulation: { yearDays: yearDays as number } }))).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      issues: [{ path: 'simulation.yearDays' }],
    })
  }
  await expect(runBacktest(request({ simulation: { yearDays: 'x' as 'auto' } }))).rejects.toThrow(
    'simulation.yearDays must be a number or "auto", was string "x"',
  )
})
