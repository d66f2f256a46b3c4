/** What people hand in as bars: times in every unit and zone, two bars of one interval, holes, splits, ticks. */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tableFromArrays, tableToIPC } from 'apache-arrow'
import { describe, expect, test } from 'vitest'
import { type BacktestEngine, type BacktestResult, type Bars, simulateSignals, type Timeframe } from '../index.js'
import { DAY, failure, folder, issueAt, newEngine, ROOT, request, untyped } from './support.js'

const HOUR = 3_600_000

/** Bars whose four prices are the same. */
function flat(timestamps: number[], price: (bar: number) => number = (bar) => 100 + bar): Bars {
  const close = Float64Array.from(timestamps, (_, bar) => price(bar))
  return {
    timestamps: Float64Array.from(timestamps),
    open: close.slice(),
    high: close.slice(),
    low: close.slice(),
    close,
  }
}

const days = (count: number, first = Date.UTC(2024, 0, 1)) =>
  Array.from({ length: count }, (_, day) => first + day * DAY)

/** Writes lines to a file. */
function csv(...lines: string[]): string {
  const path = join(folder(), 'bars.csv')
  writeFileSync(path, lines.map((line) => `${line}\n`).join(''))
  return path
}

const HEADER = 'date,open,high,low,close,volume'
const row = (date: string | number, price = 100) => `${date},${price},${price + 2},${price - 1},${price + 1},10`

/** Imports and returns the bars as a strategy sees them, with the notes. */
async function imported(bars: string | Bars | Uint8Array, timeframe: Timeframe = '1d', options: object = {}) {
  const engine = newEngine({ maxBacktestDurationDays: 36_500 })
  const summary = await engine.importBars({ assetSymbol: 'A', timeframe, bars, ...options })
  return { ...(await seen(engine, summary.first, summary.last)), notes: summary.notes, engine }
}

async function seen(engine: BacktestEngine, startDate: string, endDate: string) {
  let bars: { timestamps: Float64Array; close: Float64Array; volume?: Float64Array } | undefined
  await engine.registerStrategy({
    id: 'spy',
    generateSignals(all) {
      if (bars === undefined || all.close.length > bars.close.length) bars = all
      const none = new Uint8Array(all.close.length)
      return { entries: none, exits: none }
    },
  })
  const run = { strategyId: 'spy', assetSymbol: 'A', startDate, endDate, initialCapital: 1000, persist: false }
  const result = await engine.runBacktest(run)
  const times = Array.from(bars?.timestamps ?? [], (time) => new Date(time).toISOString())
  return { times, close: bars?.close, volume: bars?.volume, result }
}

const codes = (notes: { code: string }[]) => notes.map((note) => note.code)

/** Runs rules on bars of the request. */
const runOn = (bars: Bars, entries = 'close > 0', changes: object = {}, engine = newEngine()) =>
  engine.runBacktest(
    request({
      ...untyped<{ strategyId: string }>({ strategyId: undefined }),
      parameters: {},
      strategy: { id: 'x', entries, exits: 'close < 0' },
      startDate: '2024-01-01',
      endDate: '2024-12-31',
      bars,
      persist: false,
      ...changes,
    }),
  )

describe('times', () => {
  test('a column may change from milliseconds to microseconds, or from seconds to milliseconds', async () => {
    const last = Date.UTC(2024, 11, 31, 23, 59)
    const { times, notes } = await imported(
      csv(HEADER, row(last), row((last + 60_000) * 1000, 101), row((last + 120_000) * 1000, 102)),
      '1m',
    )
    expect(times).toEqual(['2024-12-31T23:59:00.000Z', '2025-01-01T00:00:00.000Z', '2025-01-01T00:01:00.000Z'])
    expect(codes(notes)).toContain('UNITS_MIXED')
    const first = Date.UTC(2020, 0, 1)
    const other = await imported(csv(HEADER, row(first / 1000), row(first + DAY), row(first + 2 * DAY)))
    expect(other.times[0]).toBe('2020-01-01T00:00:00.000Z')
    expect(other.times.at(-1)).toBe('2020-01-03T00:00:00.000Z')
  })

  test('numbers that no unit puts in order are refused with their rows', async () => {
    const first = Date.UTC(2025, 0, 1)
    const error = await failure(
      imported(csv(HEADER, row(first), row((first - DAY) / 1000), row(first + DAY))),
      'BAD_DATA',
    )
    expect(error.message).toContain('line 2 has 1735689600000 (milliseconds), line 3 has 1735603200 (seconds)')
  })

  test('the same numbers in Parquet and Arrow are read by their size', async () => {
    const parquet = await imported(join(ROOT, '__test__', 'fixtures', 'bars', 'seconds.parquet'))
    expect(parquet.times[0]?.slice(0, 4)).toBe('2020')
    const seconds = days(5).map((time) => BigInt(time / 1000))
    const { timestamps: _, ...prices } = flat(days(5))
    const table = tableFromArrays({ time: BigInt64Array.from(seconds), ...prices })
    const arrow = await imported(tableToIPC(table, 'stream'))
    expect(arrow.times[0]).toBe('2024-01-01T00:00:00.000Z')
  })

  test('seconds in typed arrays are refused, one bar at a time too, and true times of 1970 are allowed', async () => {
    const seconds = days(300).map((time) => time / 1000)
    const close = Float64Array.from(seconds, (_, bar) => 100 + bar)
    const signals = { close, entries: new Uint8Array(300), exits: new Uint8Array(300), initialCapital: 1000 }
    const error = await failure(simulateSignals({ ...signals, timestamps: Float64Array.from(seconds) }), 'BAD_DATA')
    expect(error.message).toBe(
      'timestamps[0] must be UTC milliseconds, was 1704067200, which are seconds of 2024-01-01: multiply them by 1000',
    )
    expect(issueAt(error, 'timestamps[0]').code).toBe('unit')
    await failure(simulateSignals({ ...signals, timestamps: Array.from(seconds) as never }), 'BAD_DATA')
    await failure(runOn(flat(seconds)), 'BAD_DATA')
    const engine = newEngine()
    for (const second of seconds.slice(0, 2)) {
      const one = { assetSymbol: 'A', timeframe: '1d' as const, bars: flat([second]) }
      await failure(engine.importBars(one), 'BAD_DATA')
    }
    await failure(runOn(flat(days(3).map((time) => time * 1000))), 'BAD_DATA')
    const early = await runOn(flat(days(300, 0)), 'close > 0', { startDate: '1970-01-01', endDate: '1971-12-31' })
    expect(early.assumptions).toMatchObject({ bars: 300, firstBar: '1970-01-01T00:00:00.000Z' })
  })

  test.each([
    ['date,time,open,high,low,close', '20240102,000000', '2024-01-02T00:00:00.000Z'],
    ['date,time,open,high,low,close', '20240102,093000', '2024-01-02T09:30:00.000Z'],
    ['date,open,high,low,close', '02.01.2024 10:00:00.000 GMT+0100', '2024-01-02T09:00:00.000Z'],
    ['date,open,high,low,close', '202401020930', '2024-01-02T09:30:00.000Z'],
    ['date,open,high,low,close', '20240102093005', '2024-01-02T09:30:05.000Z'],
    ['date,open,high,low,close', '20240102093005250', '2024-01-02T09:30:05.250Z'],
    ['date,open,high,low,close', '2024-01-02 09:30 America/New_York', '2024-01-02T14:30:00.000Z'],
  ])('%s with %s', async (header, time, expected) => {
    const { times } = await imported(csv(header, `${time},100,102,99,101`), '1m')
    expect(times).toEqual([expected])
  })

  test('a time that cannot be read is shown with its line and why', async () => {
    const error = await failure(imported(csv(HEADER, row('2024-01-02 09:30 EST'))), 'BAD_DATA')
    expect(error.message).toContain(
      'line 2, column "date" must be a date or a time such as 2020-01-31 14:30, was "2024-01-02 09:30 EST": its zone "EST" is not known; write an offset such as +01:00, or pass timezone',
    )
  })

  test('the request may name the columns, the unit and the time zone', async () => {
    const file = csv('when,first,top,bottom,last,size', '600000,100,102,99,101,10', '660000,101,103,100,102,11')
    const columns = { timestamp: 'when', open: 'first', high: 'top', low: 'bottom', close: 'last', volume: 'size' }
    const { times, volume } = await imported(file, '1m', { columns, timeUnit: 'ms' })
    expect(times).toEqual(['1970-01-01T00:10:00.000Z', '1970-01-01T00:11:00.000Z'])
    expect(volume?.[1]).toBe(11)
    const local = await imported(csv(HEADER, row('2024-07-01 09:30'), row('2024-07-01 10:30')), '1h', {
      timezone: 'America/New_York',
    })
    expect(local.times).toEqual(['2024-07-01T13:30:00.000Z', '2024-07-01T14:30:00.000Z'])
    const engine = newEngine()
    const bad = { assetSymbol: 'A', timeframe: '1d' as const, bars: file }
    const error = await failure(engine.importBars({ ...bad, columns: { open: 'opening' } }), 'BAD_DATA')
    expect(error.message).toContain('columns.open names a column "opening" that does not exist; the columns are "when"')
    await failure(engine.importBars({ ...bad, timezone: 'Europe/Atlantis' }), 'INVALID_ARGUMENT')
    await failure(engine.importBars({ ...bad, timeUnit: untyped('m') }), 'INVALID_ARGUMENT')
    await failure(engine.importBars({ ...bad, columns: untyped({ opne: 'first' }) }), 'INVALID_ARGUMENT')
  })
})

describe('one bar an interval', () => {
  test('a live row beside the daily one is refused', async () => {
    const error = await failure(
      imported(csv(HEADER, row('2024-01-15'), row('2024-01-16'), row('2024-01-16T19:44:00Z'))),
      'BAD_DATA',
    )
    expect(error.message).toContain(
      '2024-01-16 and 2024-01-16T19:44:00.000Z are two 1d bars of one day; remove one of them',
    )
  })

  test('the whole series of the store is checked, on both sides of an import', async () => {
    const engine = newEngine()
    const bars = (...times: number[]) => ({ assetSymbol: 'A', timeframe: '4h' as const, bars: flat(times) })
    const first = Date.UTC(2024, 0, 1)
    await engine.importBars(bars(first, first + 4 * HOUR, first + 12 * HOUR))
    const after = await failure(engine.importBars(bars(first + 13.5 * HOUR)), 'BAD_DATA')
    expect(after.message).toBe(
      'the new 4h bar 2024-01-01T13:30:00.000Z is too close to the stored bar 2024-01-01T12:00:00.000Z to be of another interval; give it the timestamp of the stored bar to replace that, or remove the stored bar with deleteBars',
    )
    await failure(engine.importBars(bars(first - 0.5 * HOUR, first + 5.25 * HOUR)), 'BAD_DATA')
    const [asset] = await engine.listAssets()
    expect(asset?.timeframes[0]?.bars).toBe(3)
    // A bar between them, and a bar that replaces one.
    expect(await engine.importBars(bars(first + 4 * HOUR, first + 8 * HOUR))).toMatchObject({
      imported: 2,
      replaced: 1,
    })
  })

  test('many bars are checked across the chunks of the store', async () => {
    const engine = newEngine()
    const minutes = (from: number, count: number, step = 60_000) =>
      flat(Array.from({ length: count }, (_, bar) => from + bar * step))
    const first = Date.UTC(2024, 0, 1)
    const all = { assetSymbol: 'A', timeframe: '1m' as const, bars: minutes(first, 20_000) }
    await engine.importBars(all)
    for (const bar of [0, 8191, 8192, 16_383, 16_384, 19_999]) {
      const late = { ...all, bars: flat([first + bar * 60_000 + 30_000]) }
      await failure(engine.importBars(late), 'BAD_DATA')
    }
    const [asset] = await engine.listAssets()
    expect(asset?.timeframes[0]?.bars).toBe(20_000)
  })

  test('the same days without and with a zone are one series', async () => {
    const engine = newEngine()
    const asset = { assetSymbol: 'A', timeframe: '1d' as const }
    await engine.importBars({ ...asset, bars: csv(HEADER, row('2024-01-02'), row('2024-01-03', 101)) })
    const again = await engine.importBars({
      ...asset,
      bars: csv(HEADER, row('2024-01-02 00:00:00-05:00'), row('2024-01-03 00:00:00-05:00', 101)),
    })
    expect(again).toMatchObject({ imported: 2, replaced: 2 })
  })

  test('bars of another timeframe are refused in requests', async () => {
    const times = Array.from({ length: 50 }, (_, bar) => Date.UTC(2024, 0, 1) + bar * 45 * 60_000)
    await failure(runOn(flat(times), 'close > 0', { timeframe: '1h' }), 'INVALID_ARGUMENT')
    // A session of two bars, the first of which is shorter.
    const sessions = days(30).flatMap((day) => [day + 14.5 * HOUR, day + 17 * HOUR])
    expect((await runOn(flat(sessions), 'close > 0', { timeframe: '4h' })).assumptions?.bars).toBe(60)
  })

  test('bars of a request are warned of', async () => {
    const times = days(10)
    times.splice(5, 0, (times[4] as number) + 19 * HOUR)
    const { warnings } = await runOn(flat(times))
    expect(warnings.join('\n')).toContain(
      '2024-01-05 and 2024-01-05T19:00:00.000Z are two 1d bars of one day; each counts as a bar',
    )
  })
})

describe('local days', () => {
  test.each([
    ['Tokyo', ['2024-01-15 00:00+09:00', '2024-01-16 00:00+09:00']],
    ['Berlin', ['2024-01-15 00:00+01:00', '2024-01-16 00:00+01:00']],
    ['New York', ['2024-01-15 00:00-05:00', '2024-01-16 00:00-05:00']],
  ])('daily bars of %s are kept under 00:00 UTC of their local day', async (_, times) => {
    const found = await imported(csv(HEADER, ...times.map((time, bar) => row(time, 100 + bar))))
    expect(found.times).toEqual(['2024-01-15T00:00:00.000Z', '2024-01-16T00:00:00.000Z'])
    const note = found.notes.find(({ code }) => code === 'LOCAL_DAYS')
    expect(note?.data).toEqual({ bars: 2 })
    const monday = await found.engine.runBacktest({
      strategy: { id: 'x', entries: 'day_of_week == 1', exits: 'close < 0' },
      assetSymbol: 'A',
      startDate: '2024-01-15',
      endDate: '2024-01-16',
      initialCapital: 1000,
      simulation: { fees: 0, slippage: 0, execution: 'close' },
      persist: false,
    })
    expect(monday.trades[0]).toMatchObject({ entryDate: '2024-01-15T00:00:00.000Z', entryPrice: 101 })
  })

  test('in typed arrays and files without a zone, weekdays or the request decide', async () => {
    const first = Date.UTC(2024, 0, 1)
    const weekdays = days(60, first).filter((time) => ![0, 6].includes(new Date(time).getUTCDay()))
    const tokyo = await imported(flat(weekdays.map((time) => time - 9 * HOUR)))
    expect(tokyo.times[0]).toBe('2024-01-01T00:00:00.000Z')
    // London: 23:00 UTC in summer.
    const spring = days(60, Date.UTC(2024, 2, 1)).filter((time) => ![0, 6].includes(new Date(time).getUTCDay()))
    const london = await imported(flat(spring.map((time) => (time >= Date.UTC(2024, 3, 1) ? time - HOUR : time))))
    expect(london.times.map((time) => time.slice(11, 16))).toEqual(spring.map(() => '00:00'))
    // Dates are dates, whatever the zone of the market.
    const dates = await imported(flat(weekdays), '1d', { timezone: 'America/New_York' })
    expect(dates.times[0]).toBe('2024-01-01T00:00:00.000Z')
    const auckland = await imported(flat(weekdays.map((time, day) => time - (day < 20 ? 13 : 12) * HOUR)))
    expect(auckland.times.map((time) => time.slice(0, 10))).toEqual(
      weekdays.map((time) => new Date(time).toISOString().slice(0, 10)),
    )
    // The close of New York stays what it is.
    const close = await imported(flat(weekdays.map((time) => time + 21 * HOUR)))
    expect(close.times[0]).toBe('2024-01-01T21:00:00.000Z')
    const stated = await imported(flat(weekdays.map((time) => time + 21 * HOUR)), '1d', {
      timezone: 'America/New_York',
    })
    expect(stated.times[0]).toBe('2024-01-01T00:00:00.000Z')
    // A market without weekends at 12:00 may be Auckland, or noon.
    const unknown = await imported(flat(days(30, first).map((time) => time - 12 * HOUR)))
    expect(unknown.times[0]).toBe('2023-12-31T12:00:00.000Z')
    expect(codes(unknown.notes)).toEqual(['DAYS_UNKNOWN'])
  })

  test('a few bars are read like the stored ones of their series', async () => {
    const engine = newEngine()
    const weekdays = days(40).filter((time) => ![0, 6].includes(new Date(time).getUTCDay()))
    const last = weekdays.at(-1) as number
    const bars = (assetSymbol: string, hours: number, times: number[], options: object = {}) =>
      engine.importBars({
        assetSymbol,
        timeframe: '1d',
        bars: flat(times.map((time) => time + hours * HOUR)),
        ...options,
      })
    await bars('NY', 21, weekdays)
    const next = await bars('NY', 21, [last + DAY])
    expect(next).toMatchObject({ first: new Date(last + DAY + 21 * HOUR).toISOString(), notes: [] })
    await bars('TOKYO', -9, weekdays)
    const error = await failure(bars('TOKYO', -9, [last + DAY]), 'BAD_DATA')
    expect(error.message).toContain('the stored bars of the series are at 00:00 UTC; pass timezone')
    const stated = await bars('TOKYO', -9, [last + DAY], { timezone: 'Asia/Tokyo' })
    expect(stated.first).toBe(new Date(last + DAY).toISOString())
    expect(codes((await bars('NEW', 21, [last])).notes)).toEqual(['DAYS_UNKNOWN'])
  })

  test('bars of a request keep their timestamps, with a warning', async () => {
    const weekdays = days(60).filter((time) => ![0, 6].includes(new Date(time).getUTCDay()))
    const { warnings } = await runOn(flat(weekdays.map((time) => time - 9 * HOUR)))
    expect(warnings.join('\n')).toContain('stamped at midnight of a time zone east of Greenwich')
  })
})

describe('irregular bars', () => {
  const ANNUAL = ['sharpeRatio', 'annualizedReturn', 'annualizedVolatility', 'avgTradeDurationDays'] as const

  test('have no annual figures and durations, with the reason', async () => {
    const gaps = [1, 900, 7, 30, 2, 5000, 11, 60]
    let time = Date.UTC(2024, 0, 2)
    const timestamps = Float64Array.from({ length: 200 }, (_, tick) => (time += (gaps[tick % 8] as number) * 1000))
    const close = Float64Array.from(timestamps, (_, tick) => 100 + 5 * Math.sin(tick / 3))
    const flags = (phase: number) => Uint8Array.from({ length: 200 }, (_, tick) => +(tick % 20 === phase))
    const { metrics, warnings } = await simulateSignals({
      timestamps,
      close,
      entries: flags(0),
      exits: flags(10),
      initialCapital: 1000,
    })
    for (const name of ANNUAL) expect(metrics[name], name).toBeNull()
    expect(metrics.maxDrawdown).toBeGreaterThan(0)
    expect(metrics.winRate).not.toBeNull()
    expect(warnings.join('\n')).toContain('the bars are at irregular times')
  })

  test('two daily bars over a weekend are daily', async () => {
    const friday = Date.UTC(2024, 0, 5)
    const { timeframe, metrics } = await runOn(flat([friday, friday + 3 * DAY]), 'close > 0', {
      startDate: '2024-01-05',
      endDate: '2024-01-08',
    })
    expect(timeframe).toBe('1d')
    const close = Float64Array.of(100, 101)
    const flags = { entries: Uint8Array.of(1, 0), exits: new Uint8Array(2) }
    const timestamps = Float64Array.of(friday, friday + 3 * DAY)
    const options = { close, ...flags, initialCapital: 1000, fees: 0, slippage: 0, yearDays: 365 }
    const simulated = await simulateSignals({ ...options, timestamps })
    const plain = await simulateSignals(options)
    expect(simulated.metrics).toEqual(plain.metrics)
    expect(metrics.annualizedVolatility).not.toBeNull()
  })
})

test.each([
  ['days since 1900', '43850'],
  ['numbers of rows', '7'],
])('%s are not times of 1970', async (_, time) => {
  const error = await failure(imported(csv(HEADER, row(time))), 'BAD_DATA')
  expect(error.message).toContain('would be times of January 1970')
  const number = Number(time)
  const arrays = await failure(imported(flat([number])), 'BAD_DATA')
  expect(arrays.message).toContain(
    `bars.timestamps[0] must be UTC milliseconds, was ${number}, which would be 1970-01-01T`,
  )
  const entries = new Uint8Array(2)
  const timestamps = Float64Array.of(number, number + 1)
  const signals = { close: Float64Array.of(1, 2), entries, exits: entries.slice(), timestamps, initialCapital: 1 }
  await failure(simulateSignals(signals), 'BAD_DATA')
})

describe('few bars', () => {
  test('on both sides of a weekend, a night or a month are imported', async () => {
    const engine = newEngine()
    const bars = (timeframe: Timeframe, ...times: string[]) =>
      engine.importBars({ assetSymbol: 'A', timeframe, bars: flat(times.map((time) => Date.parse(time))) })
    await bars('1d', '2023-01-06', '2023-01-09')
    await bars('1d', '2023-12-22', '2023-12-26', '2024-01-26')
    await bars('1h', '2023-01-06T20:30Z', '2023-01-09T14:30Z')
    await bars('1m', '2023-01-06T20:30Z', '2023-01-06T23:12Z')
    await bars('1w', '2023-01-02', '2023-03-06')
    // A listing on a Friday, and a session that begins within an hour.
    await bars('1w', '2015-01-02', '2015-01-05', '2015-01-12', '2015-01-19')
    const sessions = Array.from({ length: 10 }, (_, day) =>
      ['09:00', '09:30', '10:30', '11:30'].map((time) => `2023-02-${10 + day}T${time}Z`),
    )
    await bars('1h', ...sessions.flat())
    await failure(bars('1h', '2023-03-06T09:00Z', '2023-03-06T09:20Z', '2023-03-06T10:20Z'), 'BAD_DATA')
    // A live row late on the last day.
    await failure(bars('1d', '2020-03-12', '2020-03-13', '2020-03-13T23:15Z'), 'BAD_DATA')
  })
})

describe('simulateSignals', () => {
  test('warns of holes, of two bars of a day and of splits', async () => {
    const weekdays = days(200).filter((time) => ![0, 6].includes(new Date(time).getUTCDay()))
    const times = weekdays.filter((_, day) => day < 50 || day > 70)
    times.splice(10, 0, (times[9] as number) + 5 * HOUR)
    const close = Float64Array.from(times, (_, bar) => (bar < 80 ? 400 : 100))
    const none = new Uint8Array(times.length)
    const signals = {
      close,
      entries: none,
      exits: none.slice(),
      timestamps: Float64Array.from(times),
      initialCapital: 1000,
    }
    const { warnings } = await simulateSignals(signals)
    expect(warnings.join('\n')).toMatch(
      /21 trading days are missing[\s\S]*two 1d bars of one day[\s\S]*like an unadjusted split of 4:1/,
    )
  })
})

describe('coverage', () => {
  const text = (result: BacktestResult) => result.warnings.join('\n')

  test('a range that the bars do not cover leads the warnings, with dates and counts', async () => {
    const weekdays = days(100, Date.UTC(2019, 6, 1)).filter((time) => ![0, 6].includes(new Date(time).getUTCDay()))
    const result = await runOn(flat(weekdays), 'close > 0', { startDate: '2018-01-01', endDate: '2020-12-31' })
    expect(result.warnings[0]).toBe(
      'the bars do not cover the range: 2018-01-01 to 2020-12-31 was requested, the bars are from 2019-07-01 to 2019-10-08; 390 trading days at the start and 322 trading days at the end are missing',
    )
    expect(result).toMatchObject({ startDate: '2018-01-01T00:00:00.000Z', endDate: '2020-12-31T23:59:59.999Z' })
    expect(result.assumptions).toEqual({
      firstBar: '2019-07-01T00:00:00.000Z',
      lastBar: '2019-10-08T00:00:00.000Z',
      bars: 72,
      missingBars: 712,
      barsPerYear: 252,
      barsPerYearFrom: '252 days a year, because there are bars on 5 of the 7 days of the week, × 1 bar a day',
      warmupBars: 0,
      warmupFrom: 'none: the request has its own bars and no tradeFrom',
    })
  })

  test('scattered days are counted', async () => {
    const all = days(366).filter((time) => ![0, 6].includes(new Date(time).getUTCDay()))
    const result = await runOn(flat(all.filter((_, day) => day % 7 !== 2)))
    expect(text(result)).toContain('37 of 261 trading days have no bars')
    expect(result.assumptions?.missingBars).toBe(37)
  })

  test('stored results say the same', async () => {
    const engine = newEngine()
    const bars = flat(days(100))
    const run = await runOn(bars, 'close > 0', { persist: true }, engine)
    expect(run.assumptions?.missingBars).toBe(266)
    const stored = await engine.getBacktestResults(run.backtestId)
    expect(stored?.assumptions).toEqual(run.assumptions)
  })

  test('a hole is reported, weekends and holidays are not', async () => {
    const all = days(366).filter((time) => ![0, 6].includes(new Date(time).getUTCDay()))
    const open = (time: number) => ![Date.UTC(2024, 0, 1), Date.UTC(2024, 6, 4), Date.UTC(2024, 11, 25)].includes(time)
    expect(text(await runOn(flat(all.filter(open))))).not.toMatch(/hole|cover/)
    const june = (time: number) => time < Date.UTC(2024, 5, 3) || time >= Date.UTC(2024, 5, 24)
    const result = await runOn(flat(all.filter((time) => open(time) && june(time))))
    expect(text(result)).toContain(
      'the bars have a hole: 15 trading days are missing between 2024-05-31 and 2024-06-24',
    )
    expect(result.assumptions?.missingBars).toBe(15)
  })

  test('a jump like an unadjusted split is warned of, in runs and imports', async () => {
    const price = (bar: number) => (bar < 60 ? 400 + bar : (400 + bar) / 4)
    const bars = flat(days(100), price)
    const warning =
      'the price falls from 459 to 115 at 2024-03-01, like an unadjusted split of 4:1; if it was one, adjust the prices'
    expect(text(await runOn(bars))).toContain(warning)
    const { notes } = await imported(bars)
    expect(notes).toContainEqual({
      code: 'PRICE_JUMPS',
      text: warning,
      data: { bars: 1, first: '2024-03-01T00:00:00.000Z' },
    })
  })
})

describe('columns', () => {
  const ADJUSTED = [
    'date,open,high,low,close,adj close,volume',
    '2024-01-02,100,104,96,102,51,10',
    '2024-01-03,101,105,97,103,103,11',
  ]

  test('an adjusted close is used on request, and mentioned otherwise', async () => {
    const plain = await imported(csv(...ADJUSTED))
    expect(plain.close?.[0]).toBe(102)
    expect(plain.notes.find(({ code }) => code === 'ADJUSTED_CLOSE_UNUSED')?.text).toBe(
      'the adjusted close of 1 bar differs from the close and is not used; importBars adjusts all prices with adjust: true',
    )
    const engine = newEngine()
    await engine.importBars({ assetSymbol: 'A', timeframe: '1d', bars: csv(...ADJUSTED), adjust: true })
    const result = await engine.runBacktest({
      strategy: { id: 'x', entries: 'open == 50 and high == 52 and low == 48 and close == 51', exits: 'close < 0' },
      assetSymbol: 'A',
      startDate: '2024-01-02',
      endDate: '2024-01-03',
      initialCapital: 1000,
      simulation: { execution: 'close', fees: 0, slippage: 0 },
      persist: false,
    })
    expect(result.trades).toHaveLength(1)
    const error = await failure(imported(csv(HEADER, row('2024-01-02')), '1d', { adjust: true }), 'BAD_DATA')
    expect(error.message).toContain('adjust needs an adjusted close')
  })

  test('options of files are refused for arrays, and an unnamed first column is the time', async () => {
    for (const options of [{ columns: { open: 'x' } }, { timeUnit: 's' }, { adjust: true }]) {
      const error = await failure(imported(flat(days(2)), '1d', options), 'INVALID_ARGUMENT')
      expect(issueAt(error, Object.keys(options)[0] ?? '').code).toBe('conflict')
    }
    const { times } = await imported(csv(',Open,High,Low,Close,Volume', row('2024-01-02'), row('2024-01-03')))
    expect(times[0]).toBe('2024-01-02T00:00:00.000Z')
  })

  test('an unknown column of volumes is named, and an average of volumes is not taken', async () => {
    for (const name of ['Quantity', 'Volume MA']) {
      const { volume, notes } = await imported(csv(`date,open,high,low,close,${name}`, row('2024-01-02')))
      expect(volume).toBeUndefined()
      expect(codes(notes)).toEqual(['COLUMNS_UNUSED'])
      expect(notes[0]?.text).toContain(`"${name}"`)
    }
    const { volume } = await imported(csv('date,open,high,low,close,Volume_(BTC)', row('2024-01-02')))
    expect(volume?.[0]).toBe(10)
  })

  test('rows of an Arrow table without prices are skipped, and a date with a time of day is refused', async () => {
    const prices = [100, null, 101]
    const columns = { open: prices, high: prices, low: prices, close: prices }
    const date = ['2024-01-02', '2024-01-03', '2024-01-04']
    const { times, notes } = await imported(tableToIPC(tableFromArrays({ date, ...columns }), 'stream'))
    expect(times.map((time) => time.slice(0, 10))).toEqual(['2024-01-02', '2024-01-04'])
    expect(notes.find(({ code }) => code === 'ROWS_SKIPPED')?.text).toBe('1 row without any price was skipped')
    const { timestamps: _, ...full } = flat(days(3))
    const clocked = tableFromArrays({ date, time: ['09:30', '09:30', '09:30'], ...full })
    const error = await failure(imported(tableToIPC(clocked, 'stream')), 'BAD_DATA')
    expect(error.message).toContain('the columns "date" and "time" have the date and the time of day')
  })

  test('two symbols in one file are refused with both names', async () => {
    const lines = ['date,symbol,open,high,low,close', '2024-01-02,AAA,1,2,1,2', '2024-01-03,BBB,1,2,1,2']
    const error = await failure(imported(csv(...lines)), 'BAD_DATA')
    expect(error.message).toContain('of "AAA", and from line 3 on of "BBB"')
    const { timestamps: _, ...prices } = flat(days(2))
    const table = tableFromArrays({ date: ['2024-01-02', '2024-01-03'], ticker: ['AAA', 'BBB'], ...prices })
    const arrow = await failure(imported(tableToIPC(table, 'stream')), 'BAD_DATA')
    expect(arrow.message).toContain('"BBB"')
  })

  test('the volume of ticks replaces a volume that is 0 throughout', async () => {
    const header = '<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>'
    const { volume, notes } = await imported(csv(header, '2020.01.02\t10:00:00\t1.1\t1.2\t1.1\t1.1\t1500\t0\t7'), '1h')
    expect(Array.from(volume ?? [])).toEqual([1500])
    expect(codes(notes)).toEqual(['TICK_VOLUME_USED'])
  })

  test('a missing volume is no refusal, unless a rule reads it', async () => {
    const file = csv(
      HEADER,
      '2024-01-02,100,102,99,101,',
      '2024-01-03,101,103,100,102,11',
      '2024-01-04,101,103,100,102,12',
    )
    const { volume, notes, engine } = await imported(file)
    expect(Array.from(volume ?? [])).toEqual([Number.NaN, 11, 12])
    expect(notes).toEqual([
      { code: 'VOLUMES_MISSING', text: '1 bar has no volume; a rule that reads volume fails there', data: { bars: 1 } },
    ])
    const rule = {
      strategy: { id: 'x', entries: 'volume > 10', exits: 'close < 0' },
      assetSymbol: 'A',
      startDate: '2024-01-02',
      endDate: '2024-01-04',
      initialCapital: 1000,
      persist: false,
    }
    const error = await failure(engine.runBacktest(rule), 'BAD_DATA')
    expect(error.message).toContain('1 bar has no volume, the first is bar 0 (2024-01-02)')
    expect((await engine.runBacktest({ ...rule, startDate: '2024-01-03' })).assumptions?.bars).toBe(2)
    const parquet = await imported(join(ROOT, '__test__', 'fixtures', 'bars', 'nullable-volume.parquet'))
    expect(codes(parquet.notes)).toContain('VOLUMES_MISSING')
  })

  test('newest first is reversed in every format', async () => {
    const file = await imported(csv(HEADER, row('2024-01-03', 101), row('2024-01-02')))
    expect(file.times).toEqual(['2024-01-02T00:00:00.000Z', '2024-01-03T00:00:00.000Z'])
    expect(codes(file.notes)).toEqual(['ROWS_REVERSED'])
    const parquet = await imported(join(ROOT, '__test__', 'fixtures', 'bars', 'newest-first.parquet'))
    expect(parquet.times.toSorted()).toEqual(parquet.times)
    const arrays = await imported(flat(days(3).reverse()))
    expect(arrays.times[0]).toBe('2024-01-01T00:00:00.000Z')
    expect(arrays.close?.[0]).toBe(102)
  })

  test('a high or low that misses its bar by rounding is mended and counted', async () => {
    const above = 86.19661 * (1 + Number.EPSILON)
    const { notes, close } = await imported(csv(HEADER, `2024-01-02,85.7,86.19661,85.2,${above},1`))
    expect(close?.[0]).toBe(above)
    expect(notes).toEqual([
      {
        code: 'PRICES_REPAIRED',
        text: 'the high or low of 1 bar missed the other prices by rounding and was set to them',
        data: { bars: 1 },
      },
    ])
    const arrays = flat(days(2))
    arrays.close[1] = 101 * (1 + Number.EPSILON)
    expect(codes((await imported(arrays)).notes)).toEqual(['PRICES_REPAIRED'])
    const error = await failure(imported(csv(HEADER, '2024-01-02,85.7,86,85.2,86.1,1')), 'BAD_DATA')
    expect(error.message).toContain('high 86 is below close 86.1')
  })
})
