/** Results as JSON, and functions that take them back. */

import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { type BacktestResult, type JsonOf, type SimulationResult, simulateSignals } from '../index.js'
import { newEngine, request, waves } from './support.js'

const through = <Result>(result: Result): JsonOf<Result> => JSON.parse(JSON.stringify(result))

function signals(count: number) {
  const { timestamps, close } = waves(count)
  const entries = Uint8Array.from(close, (_, bar) => +(bar % 20 === 3))
  const exits = Uint8Array.from(close, (_, bar) => +(bar % 20 === 11))
  return simulateSignals({ timestamps, close, entries, exits, initialCapital: 1000 })
}

/** What the result of each function has, by a run of few bars, which crosses as one block, and one of many. */
describe.each([366, 20_000])('a result over %i bars', (count) => {
  const run = (changes = {}) =>
    newEngine().runBacktest(request({ bars: waves(count), endDate: '2090-01-01', persist: false, ...changes }))
  const engine = () => newEngine({ maxBacktestDurationDays: 40_000 })
  const wide = () => engine().runBacktest(request({ bars: waves(count), endDate: '2090-01-01', persist: false }))

  test('of runBacktest has its columns as arrays in JSON', async () => {
    const result = await (count > 1_000 ? wide() : run({ endDate: '2020-12-31' }))
    const parsed: JsonOf<BacktestResult> = through(result)
    expect(parsed.timestamps).toEqual(Array.from(result.timestamps))
    expect(parsed.equityCurve).toEqual(Array.from(result.equityCurve))
    expect(parsed.trades).toEqual(result.trades)
    const { timestamps: _, equityCurve: __, ...others } = parsed
    const { timestamps: ___, equityCurve: ____, ...expected } = result
    expect(others).toEqual(expected)
    expect(Object.keys(parsed)).toEqual(Object.keys(result))
  })

  test('of simulateSignals has its columns as arrays in JSON', async () => {
    const result = await signals(count)
    const parsed: JsonOf<SimulationResult> = through(result)
    expect(parsed.equityCurve).toEqual(Array.from(result.equityCurve))
    expect(parsed.orders.price).toEqual(Array.from(result.orders.price))
    expect(parsed.trades.entryBar).toEqual(Array.from(result.trades.entryBar))
    expect(parsed.trades.entryBar.length).toBeGreaterThan(10)
    expect(parsed.metrics).toEqual(result.metrics)
  })
})

test('a result that was stored has its columns as arrays in JSON', async () => {
  const engine = newEngine()
  const result = await engine.runBacktest(request())
  const stored = await engine.getBacktestResults(result.backtestId)
  expect(through(stored)).toEqual(through(result))
  expect((through(result) as { equityCurve: number[] }).equityCurve).toHaveLength(366)
})

test('NaN in a column is null in JSON, and in what toJSON returns', async () => {
  const result = await signals(100)
  result.trades.pnl[1] = Number.NaN
  expect(through(result).trades.pnl.slice(0, 3)).toEqual([result.trades.pnl[0], null, result.trades.pnl[2]])
  const plain = (result as unknown as { toJSON(): JsonOf<SimulationResult> }).toJSON()
  expect(plain.trades.pnl[1]).toBeNull()
})

test('only JSON sees the method', async () => {
  const engine = newEngine()
  const result = await engine.runBacktest(request())
  const stored = await engine.getBacktestResults(result.backtestId)
  expect(stored).toEqual(result)
  expect(Object.keys(result)).not.toContain('toJSON')
  expect('toJSON' in { ...result }).toBe(false)
  const cloned = structuredClone(result)
  expect(cloned).toEqual(result)
  expect(cloned.equityCurve).toBeInstanceOf(Float64Array)
  const simulated = await signals(30)
  expect(structuredClone(simulated)).toEqual(simulated)
  expect(await signals(30)).toStrictEqual(simulated)
  expect(inspect(result, { showHidden: false })).not.toContain('toJSON')
  expect(inspect(simulated)).not.toContain('toJSON')
  expect(simulated.equityCurve).toBeInstanceOf(Float64Array)
})

test('a snapshot of a result shows numbers, and neither indices nor methods', async () => {
  expect((await signals(3)).orders).toMatchInlineSnapshot(`
    {
      "bar": Uint32Array [],
      "fees": Float64Array [],
      "price": Float64Array [],
      "side": Uint8Array [],
      "size": Float64Array [],
    }
  `)
  const { equityCurve, finalCapital } = await signals(3)
  expect({ equityCurve, finalCapital }).toMatchInlineSnapshot(`
    {
      "equityCurve": Float64Array [
        1000,
        1000,
        1000,
      ],
      "finalCapital": 1000,
    }
  `)
})

test('renderChart draws the same from a result, from its JSON, and from the store', async () => {
  const engine = newEngine()
  const { bars, ...rest } = request()
  await engine.importBars({ assetSymbol: 'WAVES', timeframe: '1d', bars: waves(366) })
  const result = await engine.runBacktest(rest)
  const chart = await engine.renderChart(result.backtestId)
  expect(Buffer.compare(await engine.renderChart(through(result)), chart)).toBe(0)
  expect(Buffer.compare(await engine.renderChart(result), chart)).toBe(0)
  const given = await engine.renderChart(through({ ...through(result), barsFingerprint: null }), { bars: waves(366) })
  expect(Buffer.compare(given, chart)).toBe(0)
})
