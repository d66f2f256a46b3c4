/** Tables of results as CSV and Arrow, read back by other readers than ours. */

import { tableFromIPC } from 'apache-arrow'
import { describe, expect, test } from 'vitest'
import { type BacktestResult, simulateSignals, type TableSource, toArrow, toCsv } from '../index.js'
import { failure, issueAt, newEngine, request, untyped, waves } from './support.js'

const BARS = waves(366)
const run = () => newEngine().runBacktest(request({ persist: false }))
const simulate = () =>
  simulateSignals({
    timestamps: BARS.timestamps,
    close: BARS.close,
    entries: Uint8Array.from(BARS.close, (_, bar) => +(bar % 20 === 3)),
    exits: Uint8Array.from(BARS.close, (_, bar) => +(bar % 20 === 11)),
    shortEntries: Uint8Array.from(BARS.close, (_, bar) => +(bar % 20 === 12)),
    shortExits: Uint8Array.from(BARS.close, (_, bar) => +(bar % 20 === 17)),
    initialCapital: 1000,
  })
const through = <Result>(result: Result): Result => JSON.parse(JSON.stringify(result))

/** Reads CSV without quotes, as RFC 4180 defines it. */
function rowsOf(text: string): Record<string, string>[] {
  expect(text.endsWith('\r\n')).toBe(true)
  const [header = '', ...lines] = text.slice(0, -2).split('\r\n')
  const names = header.split(',')
  return lines.map((line) => {
    const fields = line.split(',')
    expect(fields).toHaveLength(names.length)
    return Object.fromEntries(names.map((name, column) => [name, fields[column] ?? '']))
  })
}

/** Reads an Arrow stream: times as ISO strings, everything else as it is. */
function arrowRows(bytes: Uint8Array): Record<string, unknown>[] {
  const table = tableFromIPC(bytes)
  const times = table.schema.fields.filter(({ type }) => String(type).startsWith('Timestamp')).map(({ name }) => name)
  return table.toArray().map((row) => {
    const values = row.toJSON() as Record<string, unknown>
    for (const name of times) {
      const value = values[name]
      values[name] = value === null ? null : new Date(Number(value)).toISOString()
    }
    return values
  })
}

const asText = (row: object) =>
  Object.fromEntries(Object.entries(row).map(([name, value]) => [name, value === null ? '' : String(value)]))

describe('the trades of a backtest', () => {
  test('are rows of CSV with all digits', async () => {
    const result = await run()
    expect(result.trades.length).toBeGreaterThan(3)
    const rows = rowsOf(await toCsv(result, 'trades'))
    expect(rows).toEqual(result.trades.map(asText))
    expect(rows.map(({ pnl }) => Number(pnl))).toEqual(result.trades.map(({ pnl }) => pnl))
  })

  test('may be open, which has neither a date nor a price of the exit', async () => {
    const { strategyId: _, strategy: __, parameters: ___, ...rest } = request({ persist: false })
    const result = await newEngine().runBacktest({
      ...rest,
      strategy: { id: 'hold', entries: 'close > 0', exits: 'close < 0' },
    })
    const rows = rowsOf(await toCsv(result, 'trades'))
    expect(rows).toMatchObject([{ status: 'open', exitDate: '', exitPrice: '' }])
    expect(arrowRows(await toArrow(result, 'trades'))).toMatchObject([
      { status: 'open', exitDate: null, exitPrice: null },
    ])
  })

  test('are rows of Arrow with their types', async () => {
    const result = await run()
    const bytes = await toArrow(result, 'trades')
    expect(arrowRows(bytes)).toEqual(result.trades.map((trade) => ({ ...trade })))
    const types = Object.fromEntries(tableFromIPC(bytes).schema.fields.map(({ name, type }) => [name, String(type)]))
    expect(types).toMatchObject({
      entryDate: 'Timestamp<MILLISECOND, UTC>',
      direction: 'Utf8',
      entryPrice: 'Float64',
      status: 'Utf8',
    })
    expect(Object.keys(types)).toEqual(Object.keys(result.trades[0] ?? {}))
  })

  test('are the same after JSON, from the store, and without the rest of the result', async () => {
    const engine = newEngine()
    const result = await engine.runBacktest(request())
    const text = await toCsv(result, 'trades')
    expect(await toCsv(through(result), 'trades')).toBe(text)
    expect(await toCsv({ trades: result.trades }, 'trades')).toBe(text)
    const stored = await engine.getBacktestResults(result.backtestId)
    expect(await toCsv(stored as BacktestResult, 'trades')).toBe(text)
    expect(Buffer.compare(await toArrow(through(result), 'trades'), await toArrow(result, 'trades'))).toBe(0)
  })

  test('may be none', async () => {
    const text = await toCsv({ trades: [] }, 'trades')
    expect(text).toMatch(/^entryDate,exitDate,.*,status.*\r\n$/)
    expect(arrowRows(await toArrow({ trades: [] }, 'trades'))).toEqual([])
  })
})

describe('the equity of a backtest', () => {
  test('has one row per point', async () => {
    const result = await run()
    const expected = Array.from(result.equityCurve, (equity, bar) => ({
      timestamp: new Date(result.timestamps[bar] ?? Number.NaN).toISOString(),
      equity,
    }))
    expect(expected).toHaveLength(366)
    expect(rowsOf(await toCsv(result, 'equity'))).toEqual(expected.map(asText))
    expect(arrowRows(await toArrow(result, 'equity'))).toEqual(expected)
    expect(await toCsv(through(result), 'equity')).toBe(await toCsv(result, 'equity'))
  })

  test('may be thinned', async () => {
    const result = await newEngine().runBacktest({ ...request({ persist: false }), maxPoints: 20 })
    expect(rowsOf(await toCsv(result, 'equity')).map(({ equity }) => Number(equity))).toEqual(
      Array.from(result.equityCurve),
    )
  })
})

describe('a simulation', () => {
  test('has orders with words for sides', async () => {
    const { orders } = await simulate()
    const expected = Array.from(orders.bar, (bar, order) => ({
      bar,
      side: orders.side[order] === 0 ? 'buy' : 'sell',
      size: orders.size[order],
      price: orders.price[order],
      fees: orders.fees[order],
    }))
    expect(new Set(expected.map(({ side }) => side)).size).toBe(2)
    expect(rowsOf(await toCsv({ orders }, 'orders'))).toEqual(expected.map(asText))
    expect(arrowRows(await toArrow({ orders }, 'orders'))).toEqual(expected)
  })

  test('has dates if it gets the times of the bars', async () => {
    const result = await simulate()
    for (const timestamps of [
      BARS.timestamps,
      Array.from(BARS.timestamps),
      BigInt64Array.from(BARS.timestamps, BigInt),
    ]) {
      const orders = rowsOf(await toCsv(result, 'orders', { timestamps }))
      for (const { bar, date } of orders) expect(date).toBe(new Date(BARS.timestamps[Number(bar)] ?? 0).toISOString())
      expect(orders.length).toBeGreaterThan(20)
      const trades = rowsOf(await toCsv(result, 'trades', { timestamps }))
      for (const { entryBar, entryDate, exitBar, exitDate } of trades) {
        expect(entryDate).toBe(new Date(BARS.timestamps[Number(entryBar)] ?? 0).toISOString())
        expect(exitDate).toBe(new Date(BARS.timestamps[Number(exitBar)] ?? 0).toISOString())
      }
      const equity = rowsOf(await toCsv(result, 'equity', { timestamps }))
      expect(equity[5]).toEqual({ timestamp: '2020-01-06T00:00:00.000Z', equity: String(result.equityCurve[5]) })
    }
  })

  test('has trades and equity with indices of bars otherwise, also after JSON', async () => {
    const result = await simulate()
    const trades = rowsOf(await toCsv(result, 'trades'))
    expect(trades.map(({ pnl }) => Number(pnl))).toEqual(Array.from(result.trades.pnl))
    expect(new Set(trades.map(({ direction }) => direction))).toEqual(new Set(['long', 'short']))
    expect(trades[0]).toMatchObject({ entryBar: String(result.trades.entryBar[0]), status: 'closed' })
    expect('entryDate' in (trades[0] ?? {})).toBe(false)
    expect(rowsOf(await toCsv(result, 'equity'))[5]).toEqual({ bar: '5', equity: String(result.equityCurve[5]) })
    expect(Object.keys(trades[0] ?? {})).toEqual(Object.keys(result.trades))
    expect(trades[0]).toMatchObject({ exitReason: 'signal' })
    expect(Object.keys(rowsOf(await toCsv(result, 'orders'))[0] ?? {})).toEqual(Object.keys(result.orders))
    for (const table of ['trades', 'orders', 'equity'] as const)
      expect(await toCsv(through(result), table)).toBe(await toCsv(result, table))
  })
})

describe('a table that cannot be exported', () => {
  test.each<[string, unknown, unknown, unknown, string, string, RegExp]>([
    ['no result', undefined, 'trades', undefined, 'result', 'type', /must be a result, was null/],
    ['an id', 'bt-000000000000', 'trades', undefined, 'result', 'type', /must be a result/],
    ['an unknown table', {}, 'trade', undefined, 'table', 'choice', /one of trades, orders, equity, was "trade"/],
    ['no trades', {}, 'trades', undefined, 'result.trades', 'outputs', /outputs of the request did not name it/],
    [
      'orders of a backtest',
      { trades: [] },
      'orders',
      undefined,
      'result.orders',
      'outputs',
      /only results of simulateSignals/,
    ],
    [
      'orders of a backtest without trades',
      { backtestId: 'bt-000000000000', metrics: {} },
      'orders',
      undefined,
      'result.orders',
      'outputs',
      /only results of simulateSignals have orders/,
    ],
    ['no curve', {}, 'equity', undefined, 'result.equityCurve', 'outputs', /is required/],
    ['a text', { trades: [{ pnl: '1' }] }, 'trades', undefined, 'result.trades[0].pnl', 'type', /must be a number/],
    ['a date', { trades: [{ entryDate: 'x' }] }, 'trades', undefined, 'result.trades[0].entryDate', 'type', /ISO 8601/],
    [
      'a hole of text',
      { equityCurve: [1, 'x'] },
      'equity',
      undefined,
      'result.equityCurve[1]',
      'type',
      /must be a number/,
    ],
    [
      'lengths',
      { equityCurve: [1], timestamps: [1, 2] },
      'equity',
      undefined,
      'result.equityCurve',
      'length',
      /1 value for 2/,
    ],
    [
      'half a time',
      { equityCurve: [1], timestamps: [0.5] },
      'equity',
      undefined,
      'result.timestamps[0]',
      'range',
      /0\.5/,
    ],
    ['other options', { trades: [] }, 'trades', { time: 1 }, 'options.time', 'unknown', /known fields: timestamps/],
    [
      'a bar without a time',
      { orders: { bar: [3] } },
      'orders',
      { timestamps: [1] },
      'result.orders.bar[0]',
      'range',
      /bar 3/,
    ],
  ])('%s is refused', async (_, result, table, options, path, code, words) => {
    for (const write of [toCsv, toArrow]) {
      const error = await failure(
        write(untyped<TableSource>(result), untyped<'trades'>(table), untyped<{ timestamps: number[] }>(options)),
        'INVALID_ARGUMENT',
      )
      const issue = issueAt(error, path)
      expect(issue.code).toBe(code)
      expect(issue.message).toMatch(words)
    }
  })

  test('rejects, whatever its getters throw', async () => {
    const evil = {
      get trades(): [] {
        throw new Error('sour')
      },
    }
    const error = await failure(toCsv(evil, 'trades'), 'INVALID_ARGUMENT')
    expect(error.cause).toMatchObject({ message: 'sour' })
    const sparse = untyped<[]>(Object.assign([], { length: 4_000_000_000 }))
    expect((await failure(toCsv({ trades: sparse }, 'trades'), 'INVALID_ARGUMENT')).issues[0]?.code).toBe('limit')
  })
})

test('a million rows are exported', async () => {
  const timestamps = Float64Array.from({ length: 1_000_000 }, (_, bar) => Date.UTC(2020, 0, 1) + bar * 60_000)
  const equityCurve = timestamps.map((_, bar) => 1000 + Math.sin(bar))
  const text = await toCsv({ timestamps, equityCurve }, 'equity')
  expect(text.length).toBeGreaterThan(30_000_000)
  expect(text.slice(-80).split('\r\n').at(-2)).toBe(`2021-11-25T10:39:00.000Z,${equityCurve[999_999]}`)
  const table = tableFromIPC(await toArrow({ timestamps, equityCurve }, 'equity'))
  expect(table.numRows).toBe(1_000_000)
  const read = table.getChild('equity')?.toArray() as Float64Array
  expect(
    Buffer.compare(Buffer.from(read.buffer, read.byteOffset, read.byteLength), Buffer.from(equityCurve.buffer)),
  ).toBe(0)
})
