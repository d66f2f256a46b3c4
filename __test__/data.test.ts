import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  Float64,
  makeVector,
  Table,
  Timestamp,
  TimestampMillisecond,
  tableFromArrays,
  tableToIPC,
  vectorFromArray,
} from 'apache-arrow'
import { describe, expect, test } from 'vitest'
import type { BacktestEngine, ImportRequest } from '../index.js'
import { DAY, failure, folder, newEngine, ROOT, request, SP500, untyped, waves } from './support.js'

/** The number of bars of SP500, counted in the file. */
const SP500_BARS = readFileSync(SP500, 'utf8').trimEnd().split('\n').length - 1

function arrowOf(bars: ReturnType<typeof waves>, form: 'stream' | 'file' = 'stream'): Uint8Array {
  return tableToIPC(tableFromArrays({ ...bars }), form)
}

async function equityOf(engine: BacktestEngine) {
  const { bars: _, ...stored } = request()
  return (await engine.runBacktest(stored)).equityCurve
}

describe('importBars', () => {
  test('accepts a CSV file of real bars', async () => {
    const engine = newEngine()
    const summary = await engine.importBars({ assetSymbol: 'SP500', timeframe: '1d', bars: SP500 })
    expect(summary).toEqual({
      assetSymbol: 'SP500',
      timeframe: '1d',
      imported: SP500_BARS,
      replaced: 0,
      first: '2000-01-03T00:00:00.000Z',
      last: '2020-04-17T00:00:00.000Z',
      notes: [],
    })
  })

  test('accepts columns, an Arrow stream, an Arrow file and .arrow, all with the same backtest', async () => {
    const expected = (await newEngine().runBacktest(request())).equityCurve
    const bars = waves(366)
    const file = join(folder(), 'bars.arrow')
    writeFileSync(file, arrowOf(bars, 'file'))
    const forms: ImportRequest['bars'][] = [bars, arrowOf(bars), arrowOf(bars, 'file'), file]
    for (const form of forms) {
      const engine = newEngine()
      const summary = await engine.importBars({ assetSymbol: 'WAVES', timeframe: '1d', bars: form })
      expect(summary.imported).toBe(366)
      expect(await equityOf(engine)).toEqual(expected)
    }
  })

  test('accepts Arrow timestamps that apache-arrow makes from dates', async () => {
    const bars = waves(366)
    const timestamps = vectorFromArray(
      Array.from(bars.timestamps, (time) => new Date(time)),
      new TimestampMillisecond(),
    )
    expect(timestamps.type).toBeInstanceOf(Timestamp)
    const column = (values: Float64Array) => makeVector({ type: new Float64(), data: values })
    const table = new Table({
      timestamps,
      open: column(bars.open),
      high: column(bars.high),
      low: column(bars.low),
      close: column(bars.close),
    })
    const engine = newEngine()
    await engine.importBars({ assetSymbol: 'WAVES', timeframe: '1d', bars: tableToIPC(table, 'stream') })
    expect(await equityOf(engine)).toEqual((await newEngine().runBacktest(request())).equityCurve)
  })

  test('accepts a Parquet file of another program', async () => {
    // Written by pyarrow 26 (zstd) with the formulas of waves(366). The sines may differ in the last digit.
    const file = join(ROOT, '__test__', 'fixtures', 'waves.parquet')
    const engine = newEngine()
    const summary = await engine.importBars({ assetSymbol: 'WAVES', timeframe: '1d', bars: file })
    expect(summary).toMatchObject({
      imported: 366,
      first: '2020-01-01T00:00:00.000Z',
      last: '2020-12-31T00:00:00.000Z',
    })
    const expected = (await newEngine().runBacktest(request())).equityCurve
    expect((await equityOf(engine)).at(-1)).toBeCloseTo(Number(expected.at(-1)), 6)
  })

  test('accepts CSV with other column names and date forms', async () => {
    const expected = (await newEngine().runBacktest(request())).equityCurve
    const bars = waves(366)
    const forms: [string, (time: number) => string | number][] = [
      ['Date', (time) => new Date(time).toISOString().slice(0, 10)],
      ['timestamp', (time) => time],
      ['time', (time) => time / 1000],
      ['datetime', (time) => new Date(time).toISOString()],
    ]
    for (const [name, form] of forms) {
      const rows = Array.from(bars.timestamps, (time, bar) =>
        [form(time), bars.open[bar], bars.high[bar], bars.low[bar], bars.close[bar], bars.volume[bar]].join(','),
      )
      const file = join(folder(), 'bars.csv')
      writeFileSync(file, [`${name},Open,High,Low,Close,Volume`, ...rows, ''].join('\n'))
      const engine = newEngine()
      await engine.importBars({ assetSymbol: 'WAVES', timeframe: '1d', bars: file })
      expect(await equityOf(engine), name).toEqual(expected)
    }
  })

  test('replaces bars with the same time and keeps the others', async () => {
    const engine = newEngine()
    const bars = waves(100)
    expect(await engine.importBars({ assetSymbol: 'WAVES', timeframe: '1d', bars })).toMatchObject({
      imported: 100,
      replaced: 0,
    })
    const part = (column: Float64Array) => column.slice(90)
    const again = {
      timestamps: Float64Array.from({ length: 10 }, (_, bar) => Number(bars.timestamps[90]) + bar * DAY),
      open: part(bars.open),
      high: part(bars.high).fill(1000),
      low: part(bars.low),
      close: part(bars.close),
    }
    const summary = await engine.importBars({ assetSymbol: 'WAVES', timeframe: '1d', bars: again })
    expect(summary.replaced).toBe(10)
    const [asset] = await engine.listAssets()
    expect(asset?.timeframes[0]?.bars).toBe(100)
  })

  test('imports nothing if one bar is invalid', async () => {
    const engine = newEngine()
    await engine.importBars({ assetSymbol: 'WAVES', timeframe: '1d', bars: waves(10) })
    const before = await engine.listAssets()
    const bars = waves(100)
    bars.close[99] = Number.NaN
    const error = await failure(engine.importBars({ assetSymbol: 'WAVES', timeframe: '1d', bars }), 'BAD_DATA')
    expect(error.message).toContain('NaN')
    expect(await engine.listAssets()).toEqual(before)
  })

  test('names the file and the broken line', async () => {
    const file = join(folder(), 'broken.csv')
    writeFileSync(file, 'date,open,high,low,close\n2020-01-01,1,2,1,2\n2020-01-02,1,oops,1,2\n')
    const engine = newEngine()
    const error = await failure(engine.importBars({ assetSymbol: 'X', timeframe: '1d', bars: file }), 'BAD_DATA')
    expect(error.message).toContain(file)
    expect(error.message).toContain('line 3')
    expect(error.message).toContain('oops')
    expect(await engine.listAssets()).toEqual([])
  })

  test.each(['csv', 'parquet', 'arrow'])('rejects a corrupt .%s file and keeps working', async (extension) => {
    const file = join(folder(), `corrupt.${extension}`)
    writeFileSync(file, Buffer.from(Array.from({ length: 5000 }, (_, index) => (index * 7919) % 251)))
    const engine = newEngine()
    const error = await failure(engine.importBars({ assetSymbol: 'X', timeframe: '1d', bars: file }), 'BAD_DATA')
    expect(error.message).toContain(file)
    expect(await engine.listAssets()).toEqual([])
    expect((await engine.runBacktest(request())).status).toBe('completed')
  })

  test('rejects a truncated Arrow file', async () => {
    const file = join(folder(), 'short.arrow')
    const whole = arrowOf(waves(1000), 'file')
    writeFileSync(file, whole.subarray(0, whole.length / 2))
    await failure(newEngine().importBars({ assetSymbol: 'X', timeframe: '1d', bars: file }), 'BAD_DATA')
  })

  test('rejects a missing file and one with another extension', async () => {
    const engine = newEngine()
    const missing = join(folder(), 'missing.csv')
    const error = await failure(
      engine.importBars({ assetSymbol: 'X', timeframe: '1d', bars: missing }),
      'INVALID_ARGUMENT',
    )
    expect(error.message).toBe(`${missing}: the file does not exist`)
    const text = join(folder(), 'bars.xlsx')
    copyFileSync(SP500, text)
    const other = await failure(
      engine.importBars({ assetSymbol: 'X', timeframe: '1d', bars: text }),
      'INVALID_ARGUMENT',
    )
    expect(other.message).toContain('.xlsx')
    expect(other.message).toContain('csv')
  })

  test('reports all issues of a request', async () => {
    const error = await failure(newEngine().importBars(untyped({ symbol: 'X', timeframe: '2d' })), 'INVALID_ARGUMENT')
    expect(error.issues.map((issue) => issue.path).sort()).toEqual(['assetSymbol', 'bars', 'symbol', 'timeframe'])
  })
})

describe('listAssets', () => {
  test('is empty at first', async () => {
    expect(await newEngine().listAssets()).toEqual([])
  })

  test('lists the series by asset and timeframe', async () => {
    const engine = newEngine()
    await engine.importBars({ assetSymbol: 'B', timeframe: '1d', bars: waves(10) })
    await engine.importBars({ assetSymbol: 'A', timeframe: '1h', bars: waves(48, DAY / 24) })
    await engine.importBars({ assetSymbol: 'A', timeframe: '1d', bars: waves(20) })
    const assets = await engine.listAssets()
    expect(assets.map((asset) => asset.assetSymbol)).toEqual(['A', 'B'])
    expect(assets[0]?.timeframes.map(({ timeframe, bars }) => [timeframe, bars])).toEqual([
      ['1h', 48],
      ['1d', 20],
    ])
    expect(assets[1]?.timeframes[0]).toMatchObject({
      timeframe: '1d',
      bars: 10,
      first: '2020-01-01T00:00:00.000Z',
      last: '2020-01-10T00:00:00.000Z',
      source: expect.any(String),
    })
  })
})

describe('the cache of bars', () => {
  test('returns the same bars to a second run', async () => {
    const engine = newEngine({ cacheTtlSeconds: 3600 })
    await engine.importBars({ assetSymbol: 'WAVES', timeframe: '1d', bars: waves(366) })
    expect(await equityOf(engine)).toEqual(await equityOf(engine))
  })

  test.each([0, 3600])('of %i seconds never hides newly imported bars', async (cacheTtlSeconds) => {
    const engine = newEngine({ cacheTtlSeconds })
    const bars = waves(366)
    await engine.importBars({ assetSymbol: 'WAVES', timeframe: '1d', bars })
    const before = await equityOf(engine)
    const twice = (column: Float64Array) => column.map((price, bar) => (bar < 200 ? price : price * 2))
    const changed = {
      ...bars,
      open: twice(bars.open),
      high: twice(bars.high),
      low: twice(bars.low),
      close: twice(bars.close),
    }
    await engine.importBars({ assetSymbol: 'WAVES', timeframe: '1d', bars: changed })
    expect(await equityOf(engine)).not.toEqual(before)
  })
})
