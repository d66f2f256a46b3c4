/** Sweeps through the built addon: what they return, how they end, and what they refuse. */

import { describe, expect, test, vi } from 'vitest'
import type {
  BacktestEngine,
  MetricName,
  Metrics,
  SweepPart,
  SweepProgress,
  SweepRequest,
  SweepResult,
} from '../index.js'
import { NOT_BY_DEFAULT } from '../scripts/sweeps/random-sweep.mjs'
import { failure, issueAt, newEngine, rejection, request, SP500, untyped, waves } from './support.js'

/** Fields of a request, of which none is required. */
type Changes = { [Field in keyof SweepRequestFields]?: SweepRequestFields[Field] | undefined }
type SweepRequestFields = Extract<SweepRequest, { initialCapital: number }>

/** Returns a valid request over 12 combinations with its own bars; `changes` replaces some of its fields. */
function sweepOf(changes: Changes = {}): SweepRequest {
  const { persist: _, ...run } = request()
  return untyped({
    ...run,
    parameters: { fast_period: [3, 5, 8], slow_period: { from: 20, to: 50, step: 10 } },
    ...changes,
  })
}

/** Returns a request with the real bars of the store, which `stored` creates. */
const REAL = {
  strategyId: 'sma_crossover',
  assetSymbol: 'SP500',
  startDate: '2002-01-01',
  endDate: '2012-12-31',
  initialCapital: 10_000,
} as const

async function stored(config = {}): Promise<BacktestEngine> {
  const engine = newEngine(config)
  await engine.importBars({ assetSymbol: 'SP500', timeframe: '1d', bars: SP500 })
  return engine
}

type Column = Float64Array | Uint8Array | Uint16Array

/** Returns all columns of a result or a part by name. */
function columnsOf(of: SweepResult | SweepPart): Record<string, Column> {
  const { parameters, metrics, objective, standing, asset, timeframe } = of
  return {
    ...parameters,
    ...(metrics as Record<string, Float64Array>),
    objective,
    standing,
    ...(asset && { asset: asset.index }),
    ...(timeframe && { timeframe: timeframe.index }),
  }
}

/** Checks that a row has the metrics of a run; null is NaN in columns. */
function expectMetrics(sweep: SweepResult, row: number, metrics: Metrics) {
  for (const [name, column] of Object.entries(sweep.metrics)) {
    const [found, expected] = [Number(column[row]), metrics[name as MetricName] ?? NaN]
    const isNear = Math.abs(found - expected) <= 1e-9 * Math.abs(expected)
    expect(isNear || Object.is(found, expected), `${name} of row ${row}: ${found}, of the run: ${expected}`).toBe(true)
  }
}

describe('the result of a sweep', () => {
  test('has a column for each parameter and metric, with one row for each combination', async () => {
    const engine = newEngine()
    const result = await engine.runSweep(sweepOf({ objective: 'totalReturn', minTrades: 1 }))
    expect(result).toMatchObject({ status: 'completed', strategyId: 'sma_crossover', combinations: 12, from: 0 })
    expect(result.sweepId).toMatch(/^sw-[0-9a-f]{12}$/)
    // The last parameter runs fastest.
    expect(result.parameters).toEqual({
      fast_period: Float64Array.of(3, 3, 3, 3, 5, 5, 5, 5, 8, 8, 8, 8),
      slow_period: Float64Array.of(20, 30, 40, 50, 20, 30, 40, 50, 20, 30, 40, 50),
    })
    const { metrics } = await engine.runBacktest(request({ persist: false }))
    const names = Object.keys(metrics).filter((name) => !NOT_BY_DEFAULT.includes(name))
    expect(Object.keys(result.metrics)).toEqual(names)
    for (const column of Object.values(result.metrics)) {
      expect(column).toBeInstanceOf(Float64Array)
      expect(column).toHaveLength(12)
    }
    expect(result.objective).toBeInstanceOf(Float64Array)
    expect(result.objective).toEqual(result.metrics.totalReturn)
    expect(result.standing).toEqual(new Uint8Array(12))
    expect(result.asset).toBeUndefined()
    expect(result.timeframe).toBeUndefined()
    expect(result.elapsedMs).toBeGreaterThan(0)
    // Those of the fifth combination are those of its run.
    expectMetrics(result, 4, metrics)
  })

  test('has the best combinations with all their metrics and their neighbours', async () => {
    const engine = newEngine()
    const result = await engine.runSweep(sweepOf({ objective: 'totalReturn', minTrades: 1, top: 3 }))
    const order = [...result.objective.keys()].sort((a, b) => Number(result.objective[b]) - Number(result.objective[a]))
    expect(result.top.map(({ combination }) => combination)).toEqual(order.slice(0, 3))
    const [best] = result.top
    const at = order[0] ?? 0
    expect(best).toMatchObject({
      assetSymbol: 'WAVES',
      timeframe: '1d',
      parameters: {
        fast_period: result.parameters.fast_period?.[at],
        slow_period: result.parameters.slow_period?.[at],
      },
      objective: result.objective[at],
    })
    const single = await engine.runBacktest(request({ parameters: best?.parameters ?? {}, persist: false }))
    expect(best?.metrics).toEqual(single.metrics)
    // At most one step away on each axis of a grid of three by four.
    const [row, column] = [Math.floor(at / 4), at % 4]
    const beside = [...result.objective.keys()].filter(
      (other) => other !== at && Math.abs(Math.floor(other / 4) - row) <= 1 && Math.abs((other % 4) - column) <= 1,
    )
    const values = beside.map((other) => Number(result.objective[other])).sort((a, b) => a - b)
    const [low, high] = [values[(values.length - 1) >> 1], values[values.length >> 1]].map(Number)
    expect(best?.neighbours.count).toBe(beside.length)
    expect(best?.neighbours.score).toBeCloseTo((Number(low) + Number(high)) / 2 / Number(result.objective[at]), 9)
    expect(best?.neighbours.positive).toBe(values.filter((value) => value > 0).length / values.length)
  })

  test('counts what does not compete by reason, and ranks it last', async () => {
    const engine = newEngine()
    const strategy = {
      id: 'level',
      parameters: { level: { type: 'number', default: 100 } },
      entries: 'crossed_above(close, level)',
      exits: 'crossed_below(close, level)',
    } as const
    const few = { strategyId: undefined, strategy, parameters: { level: [100, 1000, 124] }, minTrades: 5 }
    const result = await engine.runSweep(sweepOf(few))
    const closed = [...(result.metrics.closedTrades ?? [])]
    expect(closed[1]).toBe(0)
    expect(closed[2]).toBeGreaterThan(0)
    expect(closed[2]).toBeLessThan(5)
    expect(closed[0]).toBeGreaterThanOrEqual(5)
    expect(result.standing).toEqual(Uint8Array.of(0, 1, 2))
    expect(result.excluded).toEqual({ noTrades: 1, fewTrades: 1 })
    expect(result.top.map(({ combination }) => combination)).toEqual([0])
    // The metrics of what does not compete are there all the same.
    expect(result.metrics.totalReturn?.[1]).toBe(0)
    const nothing = await engine.runSweep(sweepOf({ ...few, minTrades: 1000 }))
    expect(nothing.top).toEqual([])
    expect(nothing.notes[0]).toMatchObject({ code: 'NOTHING_COMPETES' })
    expect(nothing.warnings[0]).toMatch(/^no combination competes: /)
    const undefined_ = await engine.runSweep(sweepOf({ ...few, minTrades: 0, objective: 'log(totalReturn - 1e9)' }))
    expect(undefined_.excluded).toEqual({ noTrades: 1, nullObjective: 2 })
    expect(undefined_.objective).toEqual(new Float64Array(3).fill(NaN))
  })

  test('of several assets and timeframes has columns for them, the timeframe before the parameters', async () => {
    const engine = await stored()
    await engine.importBars({ assetSymbol: 'WAVES', timeframe: '1d', bars: waves(4000) })
    const result = await engine.runSweep({
      ...REAL,
      assetSymbol: untyped(undefined),
      startDate: '2020-01-02',
      endDate: '2020-04-17',
      assetSymbols: ['WAVES', 'SP500'],
      timeframes: ['1w', '1d'],
      parameters: { fast_period: [2, 3], slow_period: 5 },
    })
    expect(result.combinations).toBe(8)
    expect(result.asset).toEqual({ symbols: ['WAVES', 'SP500'], index: Uint16Array.of(0, 0, 0, 0, 1, 1, 1, 1) })
    expect(result.timeframe).toEqual({ timeframes: ['1w', '1d'], index: Uint8Array.of(0, 0, 1, 1, 0, 0, 1, 1) })
    expect(result.bars.map(({ assetSymbol, timeframe }) => [assetSymbol, timeframe])).toEqual([
      ['WAVES', '1w'],
      ['WAVES', '1d'],
      ['SP500', '1w'],
      ['SP500', '1d'],
    ])
    expect(result.parameters.slow_period).toEqual(new Float64Array(8).fill(5))
  })

  test('has flags as 0 and 1 in columns, and as booleans in the best', async () => {
    const settings = { 'simulation.slTrail': [true, false], 'simulation.slStop': [0.05, 0.1] }
    const result = await newEngine().runSweep(sweepOf({ parameters: settings, minTrades: 0 }))
    expect(result.parameters['simulation.slTrail']).toEqual(Float64Array.of(1, 1, 0, 0))
    expect(typeof result.top[0]?.parameters['simulation.slTrail']).toBe('boolean')
    const off = await newEngine().runSweep(sweepOf({ parameters: { 'simulation.slStop': [null, 0.01] }, minTrades: 0 }))
    expect(off.parameters['simulation.slStop']).toEqual(Float64Array.of(NaN, 0.01))
    expect(off.top.find(({ combination }) => combination === 0)?.parameters).toEqual({ 'simulation.slStop': null })
  })

  test('is JSON, with columns as arrays and NaN as null', async () => {
    const metrics = ['profitFactor', 'totalReturn'] as const
    const strategy = {
      id: 'none',
      parameters: { level: { type: 'number', default: 0 } },
      entries: 'close > level',
      exits: 'false',
    } as const
    const result = await newEngine().runSweep(
      sweepOf({ strategyId: undefined, strategy, parameters: { level: [0, 1000] }, metrics }),
    )
    expect(result.metrics.profitFactor).toEqual(Float64Array.of(NaN, NaN))
    const json = JSON.parse(JSON.stringify(result))
    expect(json).toMatchObject({
      sweepId: result.sweepId,
      parameters: { level: [0, 1000] },
      metrics: { profitFactor: [null, null], totalReturn: [...(result.metrics.totalReturn ?? [])] },
      standing: [2, 1],
      notes: result.notes,
    })
    expect(json.toJSON).toBeUndefined()
  })

  test('is the same from a sample, whose seed chooses the combinations', async () => {
    const engine = newEngine()
    const parameters = { fast_period: { from: 2, to: 15 }, slow_period: { from: 20, to: 60 } }
    const whole = await engine.runSweep(sweepOf({ parameters }))
    const key = ({ parameters }: SweepResult, row: number) =>
      `${parameters.fast_period?.[row]} ${parameters.slow_period?.[row]}`
    const rows = new Map([...whole.objective.keys()].map((row) => [key(whole, row), row]))
    const sample = (seed: number, count = 50) => engine.runSweep(sweepOf({ parameters, sample: { count, seed } }))
    const [one, same, other] = await Promise.all([sample(1), sample(1), sample(2)])
    expect(one.combinations).toBe(50)
    expect(columnsOf(same)).toEqual(columnsOf(one))
    expect(other.parameters).not.toEqual(one.parameters)
    const found = [...one.objective.keys()].map((row) => Number(rows.get(key(one, row))))
    // In the order of the grid, each once, with the results of the whole sweep.
    expect(found).toEqual([...new Set(found)].sort((a, b) => a - b))
    expect([...one.objective]).toEqual(found.map((row) => whole.objective[row]))
    expect((await sample(1, 10_000)).combinations).toBe(whole.combinations)
  })

  test('of a request without parameters is the run with the defaults', async () => {
    const engine = newEngine()
    const result = await engine.runSweep(sweepOf({ parameters: {}, minTrades: 0 }))
    const { metrics } = await engine.runBacktest(request({ parameters: {}, persist: false }))
    expect(result.combinations).toBe(1)
    expect(result.top[0]).toMatchObject({ combination: 0, parameters: {}, metrics })
  })
})

describe('parts of a sweep', () => {
  const many = sweepOf({
    parameters: {
      fast_period: { from: 1, to: 200 },
      slow_period: { from: 201, to: 500 },
      'simulation.fees': [0, 0.001],
    },
    bars: waves(30),
    minTrades: 0,
    top: 0,
  })

  test('have the bytes of the whole result', { timeout: 120_000 }, async () => {
    const engine = newEngine()
    const whole = await engine.runSweep(many)
    expect(whole.combinations).toBe(120_000)
    const parts: SweepPart[] = []
    for await (const part of engine.sweep(many)) parts.push(part)
    expect(parts.length).toBeGreaterThan(1)
    let next = 0
    for (const part of parts) {
      expect(part.from).toBe(next)
      next += part.combinations
      const expected = Object.entries(columnsOf(whole))
      const found: Record<string, Column> = columnsOf(part)
      expect(Object.keys(found)).toEqual(expected.map(([name]) => name))
      for (const [name, column] of expected) {
        const bytes = (of: Column) => Buffer.from(of.buffer, of.byteOffset, of.byteLength)
        expect(bytes(found[name] ?? column).equals(bytes(column.subarray(part.from, next))), name).toBe(true)
      }
    }
    expect(next).toBe(120_000)
  })

  test('are computed one by one, and the sweep ends when it is left', async () => {
    const engine = newEngine()
    for await (const part of engine.sweep(many)) {
      expect(part.combinations).toBeLessThan(120_000)
      break
    }
    const parts = engine.sweep(many)
    await parts.next()
    await parts.return?.()
    expect(await parts.next()).toEqual({ done: true, value: undefined })
  })

  test('reject like a sweep', async () => {
    const engine = newEngine()
    const wrong = engine.sweep(sweepOf({ objective: 'sharp' }))
    await failure(wrong.next(), 'INVALID_ARGUMENT')
    expect(await wrong.next()).toEqual({ done: true, value: undefined })
    const controller = new AbortController()
    const parts = engine.sweep(many, { signal: controller.signal })
    await parts.next()
    controller.abort()
    expect(await rejection(parts.next())).toMatchObject({ name: 'AbortError', code: 'ABORT_ERR' })
  })
})

describe('a sweep that is aborted', () => {
  const long: Changes = {
    strategyId: 'rsi',
    parameters: { period: { from: 2, to: 200 }, oversold: { from: 1, to: 45 }, overbought: { from: 55, to: 99 } },
    metrics: ['sharpeRatio', 'totalReturn'],
    bars: waves(3000),
    endDate: '2030-12-31',
    simulation: { size: 1 },
  }

  test('rejects and has what was done', async () => {
    const engine = newEngine()
    const controller = new AbortController()
    const error = (await rejection(
      engine.runSweep(sweepOf(long), {
        signal: controller.signal,
        onProgress: ({ done }) => {
          if (done > 0) controller.abort(new Error('enough'))
        },
      }),
    )) as Error & { sweep: SweepResult }
    expect(error).toMatchObject({ name: 'AbortError', code: 'ABORT_ERR', cause: new Error('enough') })
    const { sweep } = error
    expect(sweep).toMatchObject({ status: 'cancelled', combinations: 199 * 45 * 45, from: 0 })
    const rows = sweep.objective.length
    expect(rows).toBeGreaterThan(0)
    expect(rows).toBeLessThan(sweep.combinations)
    for (const column of Object.values(columnsOf(sweep))) expect(column).toHaveLength(rows)
    expect(sweep.parameters.overbought?.slice(0, 3)).toEqual(Float64Array.of(55, 56, 57))
    expect(sweep.objective).toEqual(sweep.metrics.sharpeRatio)
  })

  // The quantiles of returns take the slowest path.
  test('stops at once, on the slowest path too', async () => {
    const engine = newEngine()
    const delays: number[] = []
    for (let round = 0; round < 3; round++) {
      const controller = new AbortController()
      let aborted = Number.POSITIVE_INFINITY
      setTimeout(() => {
        aborted = performance.now()
        controller.abort()
      }, 200)
      const slow = sweepOf({ ...long, metrics: ['sharpeRatio', ...(round === 0 ? [] : ['valueAtRisk' as const])] })
      expect(await rejection(engine.runSweep(slow, { signal: controller.signal }))).toMatchObject({ code: 'ABORT_ERR' })
      delays.push(performance.now() - aborted)
    }
    // The others on this computer may delay one of them.
    expect(Math.min(...delays.slice(1))).toBeLessThan(50)
    expect(delays[0]).toBeLessThan(500)
  })

  test('before it begins has nothing', async () => {
    const engine = newEngine()
    const error = await rejection(engine.runSweep(sweepOf(long), { signal: AbortSignal.abort() }))
    expect(error).toMatchObject({ name: 'AbortError', code: 'ABORT_ERR' })
    expect(error).not.toHaveProperty('sweep')
  })
})

describe('progress', () => {
  test('has combinations done, their rate and the time left, and ends with the result', async () => {
    const reports: SweepProgress[] = []
    const result = await newEngine().runSweep(
      sweepOf({
        strategyId: 'rsi',
        parameters: { period: { from: 2, to: 30 }, oversold: { from: 1, to: 40 } },
        metrics: ['sharpeRatio', 'valueAtRisk'],
        bars: waves(2000),
        endDate: '2030-12-31',
        simulation: { size: 1 },
      }),
      { onProgress: (report) => reports.push(report) },
    )
    expect(result.combinations).toBe(1160)
    for (const [index, report] of reports.entries()) {
      expect(report).toMatchObject({ sweepId: result.sweepId, total: 1160 })
      expect(report.progress).toBeCloseTo((report.done / 1160) * 100, 9)
      expect(report.done).toBeGreaterThanOrEqual(reports[index - 1]?.done ?? 0)
    }
    expect(reports.map(({ stage }) => stage)).toContain('loading')
    expect(reports.at(-1)).toMatchObject({ stage: 'completed', done: 1160, progress: 100, secondsLeft: 0 })
    expect(reports.at(-1)?.combinationsPerSecond).toBeGreaterThan(0)
    // At most ten a second, besides the first and the last of a stage.
    expect(reports.length).toBeLessThan(result.elapsedMs / 100 + 5)
    const running = reports.filter(({ stage, done }) => stage === 'running' && done > 0)
    for (const { combinationsPerSecond, secondsLeft, done } of running)
      expect(secondsLeft).toBeCloseTo((1160 - done) / combinationsPerSecond, 6)
  })
})

describe('a strategy in JavaScript', () => {
  test('is called once for each combination, and equals its runs', async () => {
    const engine = newEngine()
    const generateSignals = vi.fn(
      ({ close }: { close: Float64Array }, { streak }: Record<string, number | boolean>) => {
        const entries = new Uint8Array(close.length)
        const exits = new Uint8Array(close.length)
        let rises = 0
        for (let bar = 1; bar < close.length; bar++) {
          rises = Number(close[bar]) > Number(close[bar - 1]) ? rises + 1 : 0
          entries[bar] = Number(rises === streak)
          exits[bar] = Number(rises === 0)
        }
        return { entries, exits }
      },
    )
    const parameters = { streak: { type: 'integer', default: 2, minimum: 1, maximum: 50 } } as const
    await engine.registerStrategy({ id: 'streaks', parameters, generateSignals })
    generateSignals.mockClear()
    const swept = { strategyId: 'streaks', parameters: { streak: { from: 1, to: 8 } }, minTrades: 0, top: 0 }
    const result = await engine.runSweep(sweepOf(swept))
    // The look-ahead test calls it once more, on fewer bars. The plateau is run again for all its metrics.
    const calls = generateSignals.mock.calls.filter(([{ close }]) => close.length === 366)
    const streaks = calls.map(([, { streak }]) => streak)
    expect(streaks.slice(0, 8)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    expect(streaks.slice(8)).toEqual(result.plateauChoice ? [result.plateauChoice.parameters.streak] : [])
    for (let row = 0; row < 8; row++) {
      const run = await engine.runBacktest(
        request({ strategyId: 'streaks', parameters: { streak: row + 1 }, persist: false }),
      )
      expectMetrics(result, row, run.metrics)
    }
    const best = (await engine.runSweep(sweepOf({ ...swept, top: 1 }))).top[0]
    const { metrics } = await engine.runBacktest(
      request({ strategyId: 'streaks', parameters: best?.parameters ?? {}, persist: false }),
    )
    expect(best?.metrics).toEqual(metrics)
  })

  test('that throws or looks ahead ends the sweep', async () => {
    const engine = newEngine()
    const parameters = { at: { type: 'integer', default: 1 } } as const
    const none = (close: Float64Array) => ({
      entries: new Uint8Array(close.length),
      exits: new Uint8Array(close.length),
    })
    const thrown = new Error('not five')
    await engine.registerStrategy({
      id: 'throws',
      parameters,
      generateSignals({ close }, { at }) {
        if (at === 5) throw thrown
        return none(close)
      },
    })
    const swept = { parameters: { at: { from: 1, to: 9 } }, minTrades: 0 }
    const error = await failure(engine.runSweep(sweepOf({ ...swept, strategyId: 'throws' })), 'INVALID_ARGUMENT')
    expect(error.cause).toBe(thrown)
    await engine.registerStrategy({
      id: 'looks',
      parameters,
      generateSignals({ close }) {
        const last = Number(close.at(-1))
        const entries = Uint8Array.from(close, (price) => Number(price < last))
        return { entries, exits: entries.map((entry) => 1 - entry) }
      },
    })
    const looks = await failure(engine.runSweep(sweepOf({ ...swept, strategyId: 'looks' })), 'INVALID_ARGUMENT')
    expect(looks.issues[0]?.code).toBe('look_ahead')
    const allowed = await engine.runSweep(sweepOf({ ...swept, strategyId: 'looks', allowLookAhead: true }))
    expect(allowed.notes[0]).toMatchObject({ code: 'LOOK_AHEAD' })
  })
})

describe('combinations that fail', () => {
  test('have no metrics and do not end the others', async () => {
    const engine = newEngine()
    // The equity of all cash overflows on the third bar, that of one unit does not.
    const close = Float64Array.of(1, 1e10, 1e301, 1)
    const changes: Changes = {
      strategyId: 'buy_and_hold',
      parameters: { 'simulation.size': [null, 1] },
      simulation: { fees: 0, slippage: 0 },
      initialCapital: 1e8,
      bars: { ...waves(4), open: close, high: close, low: close, close },
      objective: 'totalReturn',
      minTrades: 0,
    }
    const result = await engine.runSweep(sweepOf(changes))
    expect(result.standing).toEqual(Uint8Array.of(4, 0))
    expect(result.excluded).toEqual({ failed: 1 })
    for (const column of Object.values(result.metrics)) expect(column[0]).toBeNaN()
    expect(result.metrics.totalProfit?.[1]).toBe(0)
    expect(result.top.map(({ combination }) => combination)).toEqual([1])
    const note = result.notes.find(({ code }) => code === 'COMBINATIONS_FAILED')
    expect(note).toMatchObject({ data: { combinations: 1 } })
    expect(note?.text).toMatch(/^1 combination of 2 failed and has no metrics; the first: .*the equity on bar 2 /)
  })
})

describe('a request that is wrong', () => {
  const refused = (changes: Changes) => failure(newEngine().runSweep(sweepOf(changes)), 'INVALID_ARGUMENT')

  test.each([
    [
      'an unknown parameter',
      { fast_perod: [5] },
      'fast_perod',
      'unknown parameter parameters.fast_perod, did you mean fast_period?',
    ],
    ['an unknown setting', { 'simulation.slStp': [0.1] }, '"simulation.slStp"', /did you mean simulation\.slStop\?$/],
    ['a setting without its prefix', { slStop: [0.1] }, 'slStop', /did you mean simulation\.slStop\?$/],
    [
      'a choice',
      { 'simulation.direction': [1] },
      '"simulation.direction"',
      /must be a number or a flag, but direction is a choice/,
    ],
    ['an empty list', { fast_period: [] }, 'fast_period', 'parameters.fast_period must have at least one value'],
    [
      'an empty range',
      { fast_period: { from: 9, to: 5 } },
      'fast_period.to',
      /must be at least parameters\.fast_period\.from 9, was 5$/,
    ],
    [
      'a step and a count',
      { fast_period: { from: 1, to: 5, step: 1, count: 3 } },
      'fast_period.step',
      /mutually exclusive/,
    ],
    ['a step of 0', { fast_period: { from: 1, to: 5, step: 0 } }, 'fast_period.step', /above 0/],
    ['a value twice', { fast_period: [5, 6, 5] }, 'fast_period[2]', /repeats 5 of parameters\.fast_period\[0\]$/],
    ['a value out of range', { fast_period: [5, 0] }, 'fast_period[1]', /was 0$/],
    ['a fraction of a bar', { fast_period: [2.5] }, 'fast_period[0]', /whole number/],
    ['a text', { fast_period: '5' }, 'fast_period', /must be a list of values/],
    [
      'a logarithm of 0',
      { fast_period: { from: 0, to: 8, count: 3, scale: 'log' } },
      'fast_period.from',
      /above 0 with scale log/,
    ],
  ])('with %s names it', async (_, parameters, path, message) => {
    const error = await refused({ parameters: untyped(parameters) })
    expect(
      issueAt(error, path.startsWith('"') ? `parameters.${path.slice(1, -1)}` : `parameters.${path}`).message,
    ).toMatch(message)
  })

  test('with too many values of one parameter says so', async () => {
    const parameters = { threshold: { from: -100, to: 1000, step: 0.001 } }
    const error = await refused({ strategyId: 'momentum', parameters })
    expect(issueAt(error, 'parameters.threshold').message).toBe(
      'parameters.threshold has 1100001 values, the maximum is 1000000; use a larger step',
    )
  })

  test('with too many combinations counts them and says what to do', async () => {
    const parameters = { period: { from: 1, to: 2000 }, threshold: { from: -100, to: 900, step: 0.1 } }
    const error = await failure(newEngine().runSweep(sweepOf({ strategyId: 'momentum', parameters })), 'LIMIT_EXCEEDED')
    expect(error.message).toBe(
      'parameters make 20002000 combinations, the maximum is 5000000; use fewer values, larger steps or constraints, take a sample such as sample: { count: 100000, seed: 1 }, or raise maxCombinations (MAX_COMBINATIONS)',
    )
    const small = newEngine({ maxCombinations: 11 })
    await failure(small.runSweep(sweepOf()), 'LIMIT_EXCEEDED')
    expect((await small.runSweep(sweepOf({ sample: { count: 11, seed: 0 } }))).combinations).toBe(11)
    await failure(small.runSweep(sweepOf({ sample: { count: 12, seed: 0 } })), 'LIMIT_EXCEEDED')
    // Assets count, too.
    const two = untyped<Changes>({
      assetSymbol: undefined,
      bars: undefined,
      assetSymbols: ['A', 'B'],
      parameters: { fast_period: { from: 1, to: 6 } },
    })
    expect((await failure(small.runSweep(sweepOf(two)), 'LIMIT_EXCEEDED')).message).toMatch(
      /^parameters make 6 combinations for each of 2 assets and timeframes, 12 in all, the maximum is 11;/,
    )
  })

  test.each([
    ['sharp', /unknown metric `sharp`.*did you mean `sharpeRatio`\?$/],
    ['maxDrawdown', /write -maxDrawdown$/],
    ['1 + 1', /is the same for all combinations/],
    ['sharpeRatio >', /^objective/],
    ['sharpeRatio > 1', /expected a number, found a condition$/],
  ])('with the objective %s says what is wrong', async (objective, message) => {
    expect(issueAt(await refused({ objective }), 'objective').message).toMatch(message)
  })

  test('with constraints that leave nothing names them', async () => {
    const error = await refused({ constraints: ['slow_period < 2 * fast_period', 'fast_period > 4'] })
    expect(issueAt(error, 'parameters').message).toMatch(
      /^no combination of parameters meets all constraints: .*slow_period < 2 \* fast_period/,
    )
    const wrong = await refused({ constraints: ['slow_perod > 1', 'slow_period'] })
    expect(wrong.issues.map(({ path }) => path)).toEqual(['constraints[0]', 'constraints[1]'])
    expect(wrong.issues[0]?.message).toMatch(/did you mean `slow_period`\?$/)
  })

  test('with several assets and bars, or twice the same, says so', async () => {
    const assets = (more: object) => refused(untyped<Changes>({ bars: undefined, ...more }))
    const both = await assets({ assetSymbols: ['A', 'B'] })
    expect(issueAt(both, 'assetSymbols').message).toBe(
      'assetSymbol and assetSymbols are mutually exclusive: set only one of them',
    )
    const twice = await assets({ assetSymbol: undefined, assetSymbols: ['A', 'B', 'A'] })
    expect(issueAt(twice, 'assetSymbols[2]')).toMatchObject({ code: 'duplicate' })
    expect(issueAt(await assets({ assetSymbol: undefined, assetSymbols: [] }), 'assetSymbols').code).toBeTruthy()
    expect(issueAt(await assets({ assetSymbol: undefined }), 'assetSymbol').code).toBe('required')
    const bars = await refused(untyped<Changes>({ assetSymbol: undefined, assetSymbols: ['A'] }))
    expect(issueAt(bars, 'assetSymbols').message).toMatch(/^assetSymbols is for stored bars/)
  })

  test('reports all problems together', async () => {
    const error = await refused(
      untyped<Changes>({
        parameters: { fast_perod: [1], slow_period: [] },
        objective: 'sharp',
        minTrades: -1,
        top: 1.5,
        metrics: ['sharpRatio'],
        sample: { count: 0 },
        persist: 'yes',
        assetSymbols: ['A'],
        outputs: ['metrics'],
      }),
    )
    expect(error.issues.map(({ path }) => path).sort()).toEqual([
      'assetSymbols',
      'assetSymbols',
      'metrics[0]',
      'minTrades',
      'objective',
      'outputs',
      'parameters.fast_perod',
      'parameters.slow_period',
      'persist',
      'sample.count',
      'top',
    ])
  })

  test('that sets a setting twice says so', async () => {
    const error = await refused({ simulation: { slStop: 0.1 }, parameters: { 'simulation.slStop': [0.1, 0.2] } })
    expect(issueAt(error, 'parameters.simulation.slStop').message).toMatch(/mutually exclusive/)
    const sizes = await refused({ parameters: { position_size: [0.5], 'simulation.size': [1, 2] } })
    expect(issueAt(sizes, 'parameters.position_size').code).toBe('conflict')
  })

  test('without data or with an unknown strategy has the code of a run', async () => {
    const none = untyped<Changes>({ bars: undefined, assetSymbol: 'NOWHERE' })
    await failure(newEngine().runSweep(sweepOf(none)), 'NO_DATA')
    await failure(newEngine().runSweep(sweepOf({ strategyId: 'sma_crosover' })), 'UNKNOWN_STRATEGY')
    await failure(newEngine().runSweep(untyped(undefined)), 'INVALID_ARGUMENT')
    await failure(newEngine().runSweep({ resume: 'sw-000000000000' }), 'NOT_FOUND')
  })
})
