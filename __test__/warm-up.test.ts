/** The bars before the range of a run, which only compute its signals. */

import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type BacktestRequest, type Bars, simulateSignals } from '../index.js'
import { DAY, failure, newEngine, ROOT, untyped, waves } from './support.js'

const AAPL = join(ROOT, 'data', 'aapl-daily.csv')
const HOUR = 3_600_000

const YEAR = { startDate: '2012-01-01', endDate: '2012-12-31', initialCapital: 10_000, persist: false }
const ABOVE = { id: 'above', entries: 'sma(close, 50) > sma(close, 200)', exits: 'sma(close, 50) < sma(close, 200)' }

async function apple(config = {}) {
  const engine = newEngine(config)
  await engine.importBars({ assetSymbol: 'AAPL', timeframe: '1d', bars: AAPL })
  const run = (strategy: { id: string; entries: string; exits: string }, more: Partial<BacktestRequest> = {}) =>
    engine.runBacktest({ ...YEAR, assetSymbol: 'AAPL', strategy, ...more } as BacktestRequest)
  return { engine, run }
}

/** All bars of AAPL. */
async function history(): Promise<Bars> {
  const engine = newEngine({ maxBacktestDurationDays: 100_000 })
  await engine.importBars({ assetSymbol: 'AAPL', timeframe: '1d', bars: AAPL })
  let found: Bars | undefined
  await engine.registerStrategy({
    id: 'spy',
    generateSignals(bars) {
      if (!found || bars.close.length > found.close.length) found = bars
      return { entries: new Uint8Array(bars.close.length), exits: new Uint8Array(bars.close.length) }
    },
  })
  const range = { startDate: '1980-01-01', endDate: '2030-01-01' }
  await engine.runBacktest({ ...YEAR, ...range, assetSymbol: 'AAPL', strategyId: 'spy' })
  return found as Bars
}

function sma(values: Float64Array, period: number): Float64Array {
  return values.map((_, bar) =>
    bar < period - 1
      ? Number.NaN
      : values.subarray(bar - period + 1, bar + 1).reduce((sum, value) => sum + value, 0) / period,
  )
}

describe('stored bars before startDate', () => {
  test('warm indicators up, and are neither traded nor measured', async () => {
    const { run } = await apple()
    const result = await run(ABOVE)
    // The signals of the whole history, computed here, on the bars of the range.
    const bars = await history()
    const [fast, slow] = [sma(bars.close, 50), sma(bars.close, 200)]
    const from = bars.timestamps.findIndex((time) => time >= Date.UTC(2012, 0, 1))
    const to = bars.timestamps.findIndex((time) => time >= Date.UTC(2013, 0, 1))
    const part = (column: Float64Array) => column.slice(from, to)
    const flags = (holds: (bar: number) => boolean) =>
      Uint8Array.from({ length: to - from }, (_, bar) => Number(holds(from + bar)))
    const expected = await simulateSignals({
      timestamps: part(bars.timestamps),
      open: part(bars.open),
      high: part(bars.high),
      low: part(bars.low),
      close: part(bars.close),
      entries: flags((bar) => Number(fast[bar]) > Number(slow[bar])),
      exits: flags((bar) => Number(fast[bar]) < Number(slow[bar])),
      initialCapital: 10_000,
    })
    expect(result.equityCurve).toEqual(expected.equityCurve)
    expect(result.metrics).toEqual(expected.metrics)
    expect(result.timestamps[0]).toBe(Date.UTC(2012, 0, 3))
    expect(result.timestamps).toHaveLength(250)
    // It holds on the first bar of the range, which enters there.
    expect(result.trades[0]?.entryDate).toBe('2012-01-03T00:00:00.000Z')
    expect(result.assumptions).toMatchObject({
      warmupBars: 199,
      warmupFrom: 'as many as the signals depend on',
      firstBar: '2012-01-03T00:00:00.000Z',
      bars: 250,
    })
  })

  test('are not used with none, as if the range were all there is, and that is the first warning', async () => {
    const { run } = await apple()
    const result = await run(ABOVE, { warmup: 'none' })
    expect(result.warnings[0]).toBe(
      "the first 199 of 250 bars only warm up the indicators, and the strategy cannot enter on them: it needs 199 bars before the range and has 0; warmup: 'auto' uses the bars before startDate",
    )
    expect(result.notes?.[0]).toMatchObject({
      code: 'WARMUP_MISSING',
      data: { missing: 199, needed: 199, available: 0, setting: 'warmup' },
    })
    const { run: runAlone, engine } = await apple()
    await engine.deleteBars({ assetSymbol: 'AAPL', to: '2011-12-31' })
    const alone = await runAlone(ABOVE)
    expect(alone.equityCurve).toEqual(result.equityCurve)
    expect(alone.warnings[0]).toMatch(/^the first 199 of 250 bars .* import earlier bars, or begin later$/)
    expect(alone.assumptions).toMatchObject({
      warmupBars: 0,
      warmupFrom: 'all earlier bars that there are; 199 are needed',
    })
  })

  test('are as many as a number says', async () => {
    const { run } = await apple()
    expect((await run(ABOVE, { warmup: 199 })).equityCurve).toEqual((await run(ABOVE)).equityCurve)
    const few = await run(ABOVE, { warmup: 190 })
    // Nine of 250 bars are less than a tenth.
    expect(few.notes?.map(({ code }) => code)).not.toContain('WARMUP_MISSING')
    expect(few.assumptions).toMatchObject({ warmupBars: 190, warmupFrom: 'as the setting says' })
    expect(few.trades[0]?.entryDate).toBe('2012-01-17T00:00:00.000Z')
    expect((await run(ABOVE, { warmup: 0 })).assumptions?.warmupBars).toBe(0)
  })

  test.each([
    ['ema', 'close > ema(close, 100)', 'close < ema(close, 100)'],
    ['rsi', 'rsi(close, 14) < 45', 'rsi(close, 14) > 60'],
    ['macd', 'crossed_above(macd_line(close, 12, 26, 9), macd_signal(close, 12, 26, 9))', 'macd_hist() < 0'],
    ['adx', 'adx(14) > 20 and plus_di(14) > minus_di(14)', 'adx(14) < 20'],
    ['keltner', 'close > keltner_upper()', 'close < keltner_middle()'],
    ['higher', "higher('1w', close > sma(close, 20))", "higher('1w', close < sma(close, 20))"],
  ])('make the start invisible: %s', async (id, entries, exits) => {
    const { run } = await apple()
    const range = { startDate: '2011-06-01', endDate: '2012-12-31' }
    const auto = await run({ id, entries, exits }, range)
    const whole = await run({ id, entries, exits }, { ...range, warmup: 100_000 })
    expect(auto.assumptions?.warmupBars).toBeLessThan(Number(whole.assumptions?.warmupBars))
    expect(auto.trades.length).toBeGreaterThan(1)
    expect(auto.equityCurve).toEqual(whole.equityCurve)
  })

  test('are at most 10,000 with auto, for what counts every earlier bar', async () => {
    const engine = newEngine()
    await engine.importBars({ assetSymbol: 'LONG', timeframe: '1h', bars: waves(14_000, HOUR) })
    const start = Date.UTC(2020, 0, 1)
    const request = {
      assetSymbol: 'LONG',
      startDate: new Date(start + 12_000 * HOUR),
      endDate: new Date(start + 13_999 * HOUR),
      initialCapital: 1000,
      persist: false,
    }
    const strategy = { id: 'obv', entries: 'obv() > sma(obv(), 20)', exits: 'obv() < sma(obv(), 20)' }
    const result = await engine.runBacktest({ ...request, strategy })
    expect(result.assumptions).toMatchObject({
      warmupBars: 10_000,
      warmupFrom: 'the maximum: every earlier bar counts in a part of the strategy',
      bars: 2000,
    })
    const all = await engine.runBacktest({ ...request, strategy, warmup: 50_000 })
    expect(all.assumptions).toMatchObject({
      warmupBars: 12_000,
      warmupFrom: 'all earlier bars that there are; the setting asks for 50000',
    })
  })

  test('do not fill a signal of theirs at the first open', async () => {
    const { run } = await apple()
    const result = await run(
      { id: 'always', entries: 'close > 0', exits: 'close < 0' },
      { warmup: 5, simulation: { execution: 'nextOpen' } },
    )
    expect(result.trades[0]?.entryDate).toBe('2012-01-04T00:00:00.000Z')
  })

  test('count towards maxDataPoints and not towards the duration', async () => {
    const { run } = await apple({ maxDataPoints: 448, maxBacktestDurationDays: 366 })
    const error = await failure(run(ABOVE), 'LIMIT_EXCEEDED')
    expect(error.message).toBe(
      "the run has 449 bars, 199 of them for the warm-up, the limit maxDataPoints (MAX_DATA_POINTS) is 448; set warmup to fewer bars or to 'none', or shorten the range",
    )
    expect((await run(ABOVE, { warmup: 198 })).timestamps).toHaveLength(250)
  })

  test('are resampled with those of the range, also if that begins within a bar', async () => {
    const engine = newEngine()
    await engine.importBars({ assetSymbol: 'W', timeframe: '1h', bars: waves(24 * 100, HOUR) })
    const strategy = { id: 'x', entries: 'close > sma(close, 30)', exits: 'close < sma(close, 30)' }
    const request = { assetSymbol: 'W', timeframe: '1d' as const, initialCapital: 1000, strategy, persist: false }
    const end = { endDate: '2020-04-05' }
    const whole = await engine.runBacktest({ ...request, ...end, startDate: '2020-01-01' })
    for (const startDate of ['2020-03-01', '2020-03-01T10:00:00Z']) {
      const result = await engine.runBacktest({ ...request, ...end, startDate })
      expect(result.assumptions).toMatchObject({ firstBar: '2020-03-01T00:00:00.000Z', bars: 36 })
      expect(result.notes?.map(({ code }) => code)).not.toContain('WARMUP_MISSING')
      // From its first flat bar on, the longer run has the same trades.
      const dates = result.trades.slice(1).map(({ entryDate, exitDate }) => [entryDate, exitDate])
      const later = whole.trades.map(({ entryDate, exitDate }) => [entryDate, exitDate]).slice(-dates.length)
      expect(dates.length).toBeGreaterThan(2)
      expect(dates).toEqual(later)
    }
  })

  test.each([
    ['1m', 60_000, 20],
    ['15m', 60_000, 20],
    ['1h', HOUR, 40],
    ['1d', DAY, 400],
  ] as const)('are found before a long closure: %s', async (timeframe, step, closed) => {
    const engine = newEngine()
    const before = waves(3000, step)
    const resume = Number(before.timestamps.at(-1)) + closed * DAY
    const after = waves(300, step)
    const shifted = Math.ceil(resume / DAY) * DAY - Number(after.timestamps[0])
    after.timestamps = after.timestamps.map((time) => time + shifted)
    const source = timeframe === '15m' ? '1m' : timeframe
    for (const bars of [before, after]) await engine.importBars({ assetSymbol: 'G', timeframe: source, bars })
    const result = await engine.runBacktest({
      strategy: { id: 'q', entries: 'close > sma(close, 20)', exits: 'close < sma(close, 20)' },
      assetSymbol: 'G',
      timeframe,
      startDate: new Date(Number(after.timestamps[0])),
      endDate: new Date(Number(after.timestamps.at(-1))),
      initialCapital: 1000,
    })
    expect(result.assumptions).toMatchObject({ warmupBars: 19, warmupFrom: 'as many as the signals depend on' })
  })

  test('are as many for a range that begins within a week as for one that begins with it', async () => {
    const { run } = await apple()
    const strategy = { id: 'w', entries: 'close > sma(close, 10)', exits: 'close < sma(close, 10)' }
    const weekly = { timeframe: '1w' as const, endDate: '2012-12-31' }
    for (const startDate of ['2012-02-27', '2012-02-29', '2012-03-02']) {
      const auto = await run(strategy, { ...weekly, startDate })
      expect(auto.assumptions?.warmupBars).toBe(9)
      const whole = await run(strategy, { ...weekly, startDate, warmup: 1000 })
      expect(auto.equityCurve).toEqual(whole.equityCurve)
      expect((await run(strategy, { ...weekly, startDate, warmup: 5 })).assumptions?.warmupBars).toBe(5)
    }
  })

  test('count as bars that a stored run was computed on', async () => {
    const { engine, run } = await apple()
    const status = async (id: string) => (await engine.getBacktestResults(id))?.barsStatus
    const { backtestId } = await run(ABOVE, { persist: true })
    const cold = await run(ABOVE, { persist: true, warmup: 'none' })
    // Bars before the warm-up do not matter.
    await engine.deleteBars({ assetSymbol: 'AAPL', to: '2005-12-31' })
    expect([await status(backtestId), await status(cold.backtestId)]).toEqual(['present', 'present'])
    await engine.deleteBars({ assetSymbol: 'AAPL', from: '2011-06-01', to: '2011-06-02' })
    expect([await status(backtestId), await status(cold.backtestId)]).toEqual(['changed', 'present'])
    await engine.deleteBars({ assetSymbol: 'AAPL', to: '2011-12-31' })
    expect([await status(backtestId), await status(cold.backtestId)]).toEqual(['changed', 'present'])
  })

  test('do not change whether the bars of a stored run are there', async () => {
    const { engine, run } = await apple()
    const { backtestId } = await run(ABOVE, { persist: true })
    const back = await engine.getBacktestResults(backtestId)
    expect(back).toMatchObject({ barsStatus: 'present', assumptions: { warmupBars: 199 } })
    expect((await engine.renderChart(backtestId)).length).toBeGreaterThan(1000)
  })
})

describe('a strategy in JavaScript', () => {
  test('gets no bars before the range, unless a number asks for them', async () => {
    const { engine } = await apple()
    const lengths: number[] = []
    await engine.registerStrategy({
      id: 'third',
      generateSignals({ close }) {
        lengths.push(close.length)
        return {
          entries: Uint8Array.from(close, (_, bar) => Number(bar % 3 === 0)),
          exits: new Uint8Array(close.length),
        }
      },
    })
    lengths.length = 0
    const request = { ...YEAR, assetSymbol: 'AAPL', strategyId: 'third' }
    expect((await engine.runBacktest(request)).assumptions).toMatchObject({
      warmupBars: 0,
      warmupFrom: 'none: how many bars a function needs is not known',
    })
    expect(Math.max(...lengths)).toBe(250)
    const warm = await engine.runBacktest({ ...request, warmup: 20 })
    expect(Math.max(...lengths)).toBe(270)
    // Bar 21 of 270 is bar 1 of the range.
    expect(warm.trades[0]?.entryDate).toBe('2012-01-04T00:00:00.000Z')
  })
})

describe('bars of the request', () => {
  const strategy = { id: 'x', entries: 'close > sma(close, 50)', exits: 'close < sma(close, 50)' }
  const base = {
    strategy,
    assetSymbol: 'W',
    startDate: '2020-01-01',
    endDate: '2020-07-18',
    initialCapital: 1000,
    bars: waves(200),
    persist: false,
  }

  test('are traded from tradeFrom on', async () => {
    const engine = newEngine()
    const result = await engine.runBacktest({ ...base, tradeFrom: '2020-04-10' })
    const stored = newEngine()
    await stored.importBars({ assetSymbol: 'W', timeframe: '1d', bars: waves(200) })
    const { bars: _, ...rest } = base
    const expected = await stored.runBacktest({ ...rest, startDate: '2020-04-10' })
    expect(result.equityCurve).toEqual(expected.equityCurve)
    expect(result.trades).toEqual(expected.trades)
    expect(result.startDate).toBe('2020-04-10T00:00:00.000Z')
    expect(result.assumptions).toMatchObject({
      firstBar: '2020-04-10T00:00:00.000Z',
      warmupBars: 100,
      warmupFrom: 'the bars of the request before tradeFrom',
      bars: 100,
      missingBars: 0,
    })
    expect(expected.assumptions?.warmupBars).toBe(49)
    const chart = await engine.renderChart(result, { bars: base.bars, format: 'svg' })
    expect(chart.length).toBeGreaterThan(1000)
  })

  test('without tradeFrom are as they are', async () => {
    const { assumptions, notes } = await newEngine().runBacktest(base)
    expect(assumptions).toMatchObject({ warmupBars: 0, bars: 200 })
    expect(notes?.[0]).toMatchObject({ code: 'WARMUP_MISSING', data: { missing: 49, setting: 'tradeFrom' } })
  })

  test.each([
    [
      { tradeFrom: '2019-12-31' },
      'tradeFrom must be between startDate 2020-01-01 and endDate 2020-07-18, was 2019-12-31',
    ],
    [{ tradeFrom: 'soon' }, 'tradeFrom must be an ISO 8601 date or a valid Date, was string "soon"'],
    [{ warmup: 10 }, 'warmup is for stored bars; for bars of the request, set tradeFrom to where trading begins'],
    [{ warmup: -1 }, 'warmup must be between 0 and 1000000000, was -1'],
    [{ warmup: 1.5 }, 'warmup must be a whole number, was 1.5'],
    [
      { warmup: 'none', tradeFrom: '2020-02-01' },
      'warmup none and tradeFrom contradict each other: the bars before tradeFrom are the warm-up; pass one of them',
    ],
    [{ warmup: 'all' }, 'warmup must be a number or "auto" or "none", was string "all"'],
    [
      { bars: undefined, tradeFrom: '2020-02-01' },
      'tradeFrom is for bars of the request; for stored bars, set startDate to where trading begins, and warmup',
    ],
  ])('reject %j', async (change, message) => {
    const error = await failure(newEngine().runBacktest(untyped({ ...base, ...change })), 'INVALID_ARGUMENT')
    expect(error.issues.map((issue) => issue.message)).toEqual([message])
  })

  test('accept warmup auto and none', async () => {
    for (const warmup of ['auto', 'none', 0] as const)
      expect((await newEngine().runBacktest({ ...base, warmup })).assumptions?.warmupBars).toBe(0)
  })
})

describe('endDate', () => {
  test('as a date alone means the whole day, as an instant itself', async () => {
    const engine = newEngine()
    await engine.importBars({ assetSymbol: 'W', timeframe: '1h', bars: waves(24 * 10, HOUR) })
    const run = (endDate: string | Date) =>
      engine.runBacktest({
        strategyId: 'buy_and_hold',
        assetSymbol: 'W',
        startDate: '2020-01-02',
        endDate,
        initialCapital: 1000,
      })
    const day = await run('2020-01-03')
    expect(day.endDate).toBe('2020-01-03T23:59:59.999Z')
    expect(day.timestamps).toHaveLength(48)
    expect(day.assumptions?.missingBars).toBe(0)
    const instant = await run('2020-01-03T00:00:00Z')
    expect(instant.endDate).toBe('2020-01-03T00:00:00.000Z')
    expect(instant.timestamps).toHaveLength(25)
    expect((await run(new Date(Date.UTC(2020, 0, 3)))).timestamps).toHaveLength(25)
    expect((await run('2020-01-03T11:59')).timestamps).toHaveLength(36)
    expect((await run('2020-01-03T12:59+01:00')).timestamps).toHaveLength(36)
    // One day is a range.
    expect((await run('2020-01-02')).timestamps).toHaveLength(24)
    await failure(run('2020-01-01'), 'INVALID_ARGUMENT')
    expect(DAY).toBe(24 * HOUR)
  })
})
