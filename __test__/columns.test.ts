/** The types of arrays that hold columns of numbers. */

import { describe, expect, test } from 'vitest'
import { type BarsColumns, type NumberColumn, simulateSignals, type TimestampColumn } from '../index.js'
import { failure, issueAt, newEngine, request, untyped, waves } from './support.js'

/** Bars whose prices are exact as 32-bit floats. */
function exact(count: number) {
  const bars = waves(count)
  const round = (column: Float64Array) => column.map((value) => Math.fround(value))
  const [open, high, low, close] = [bars.open, bars.high, bars.low, bars.close].map(round) as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ]
  return { timestamps: bars.timestamps, open, high, low, close, volume: bars.volume }
}

const TIMES: [string, (column: Float64Array) => TimestampColumn][] = [
  ['a plain array', (column) => Array.from(column)],
  ['a BigInt64Array', (column) => BigInt64Array.from(column, BigInt)],
]
const PRICES: [string, (column: Float64Array) => NumberColumn][] = [
  ['plain arrays', (column) => Array.from(column)],
  ['Float32Arrays', (column) => Float32Array.from(column)],
  ['Float32Arrays on shared memory', shared],
]

function shared(column: Float64Array): Float32Array {
  const view = new Float32Array(new SharedArrayBuffer(4 * column.length))
  view.set(column)
  return view
}

const CASES = TIMES.flatMap(([times, toTimes]) =>
  PRICES.map(([prices, toPrices]) => [times, prices, toTimes, toPrices] as const),
)

describe.each(CASES)('%s of timestamps and %s of prices', (_, __, toTimes, toPrices) => {
  const convert = ({ timestamps, ...others }: ReturnType<typeof exact>): BarsColumns => ({
    timestamps: toTimes(timestamps),
    open: toPrices(others.open),
    high: toPrices(others.high),
    low: toPrices(others.low),
    close: toPrices(others.close),
    volume: BigInt64Array.from(others.volume, BigInt),
  })

  test('are bars of a request', async () => {
    const engine = newEngine()
    const expected = await engine.runBacktest(request({ bars: exact(366) }))
    const result = await engine.runBacktest(request({ bars: convert(exact(366)) }))
    expect(result.trades.length).toBeGreaterThan(3)
    expect(result.equityCurve).toEqual(expected.equityCurve)
    expect(result.barsFingerprint).toBe(expected.barsFingerprint)
    const chart = await engine.renderChart(result, { bars: convert(exact(366)) })
    expect(Buffer.compare(chart, await engine.renderChart(expected, { bars: exact(366) }))).toBe(0)
  })

  test('are imported', async () => {
    const engine = newEngine()
    await engine.importBars({ assetSymbol: 'WAVES', timeframe: '1d', bars: convert(exact(366)) })
    const { bars: _, ...rest } = request()
    const result = await engine.runBacktest(rest)
    const expected = await engine.runBacktest(request({ bars: exact(366) }))
    expect(result.barsFingerprint).toBe(expected.barsFingerprint)
  })

  test('are columns of simulateSignals', async () => {
    const { volume: _, ...bars } = exact(366)
    const { volume: __, ...converted } = convert(exact(366))
    const signals = {
      entries: Array.from(bars.close, (_, bar) => +(bar % 20 === 3)),
      exits: Uint8Array.from(bars.close, (_, bar) => +(bar % 20 === 11)),
      initialCapital: 1000,
    }
    const result = await simulateSignals({ ...converted, ...signals })
    expect(result).toEqual(await simulateSignals({ ...bars, ...signals }))
    expect(result.trades.pnl.length).toBeGreaterThan(10)
  })

  test('are columns of a result to draw', async () => {
    const engine = newEngine()
    const result = await engine.runBacktest(request({ bars: exact(366) }))
    const timestamps = untyped<Float64Array>(toTimes(result.timestamps))
    // The curve is not exact as 32-bit floats, but its pixels are.
    const equityCurve = untyped<Float64Array>(toPrices(result.equityCurve))
    const chart = await engine.renderChart({ ...result, timestamps, equityCurve }, { bars: exact(366) })
    expect(chart.length).toBeGreaterThan(10_000)
  })
})

describe('a number that would change', () => {
  const NANOSECONDS = 1_577_836_800_000_000_000n

  test('in a BigInt64Array is refused with its index', async () => {
    const timestamps = BigInt64Array.from(waves(20).timestamps, BigInt)
    timestamps[7] = NANOSECONDS
    const bars = { ...waves(20), timestamps }
    const words = `must be a number, was a bigint ${NANOSECONDS}, which is beyond 2^53; timestamps are milliseconds`
    const run = await failure(newEngine().runBacktest(request({ bars })), 'INVALID_ARGUMENT')
    expect(issueAt(run, 'bars.timestamps[7]').message).toBe(`bars.timestamps[7] ${words}`)
    const { close } = bars
    const signals = { timestamps, close, entries: new Uint8Array(20), exits: new Uint8Array(20), initialCapital: 1 }
    const simulation = await failure(simulateSignals(signals), 'INVALID_ARGUMENT')
    expect(issueAt(simulation, 'timestamps[7]').message).toBe(`timestamps[7] ${words}`)
    timestamps[7] = -(2n ** 53n) - 1n
    const negative = await failure(simulateSignals(signals), 'INVALID_ARGUMENT')
    expect(issueAt(negative, 'timestamps[7]').message).toContain('bigint -9007199254740993')
  })

  test('as a timestamp in a Float32Array is refused', async () => {
    const bars = untyped<BarsColumns>({ ...waves(20), timestamps: Float32Array.from(waves(20).timestamps) })
    const error = await failure(newEngine().runBacktest(request({ bars })), 'INVALID_ARGUMENT')
    expect(issueAt(error, 'bars.timestamps').message).toMatch(/must be a Float64Array or a BigInt64Array/)
  })
})

test.each([new Int32Array(20), new BigUint64Array(20), new Uint8ClampedArray(20), new DataView(new ArrayBuffer(160))])(
  'another type of array is refused: %o',
  async (close) => {
    const bars = untyped<BarsColumns>({ ...waves(20), close })
    const error = await failure(newEngine().runBacktest(request({ bars })), 'INVALID_ARGUMENT')
    expect(issueAt(error, 'bars.close').message).toMatch(/^bars\.close must be a Float64Array or an array of numbers/)
  },
)
