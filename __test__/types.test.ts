/** What compiles and what does not. `tsc` checks this file: an unused `@ts-expect-error` is an error. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type {
  BacktestRequest,
  BacktestResult,
  BacktestSummary,
  Bars,
  MetricName,
  Metrics,
  ParameterRange,
  Progress,
  RunStage,
  SignalsRequest,
  SimulationResult,
  StrategyConfig,
  SweepPart,
  SweepRequest,
  SweepResult,
} from '../index.js'
import { failure, newEngine, ROOT, request, untyped, waves } from './support.js'

/** Compiled and never called. */
const compiled = (_: () => unknown) => {}

const range = { assetSymbol: 'WAVES', startDate: '2020-01-01', endDate: '2020-12-31', initialCapital: 10_000 }

describe('names of metrics', () => {
  test('are those of a result, in the same order', async () => {
    const declared = /^export type MetricName = (.*)$/m.exec(readFileSync(join(ROOT, 'index.d.ts'), 'utf8'))?.[1]
    const { metrics } = await newEngine().runBacktest(request({ persist: false }))
    expect(declared?.split(' | ').map((name) => name.slice(1, -1))).toEqual(Object.keys(metrics))
  })

  test('that are misspelled do not compile', () => {
    compiled(
      () =>
        (result: BacktestResult): number | null =>
          result.metrics.sharpeRatio,
    )
    // @ts-expect-error
    compiled(() => (result: BacktestResult) => result.metrics.sharpRatio)
    // @ts-expect-error
    compiled(() => (summary: BacktestSummary) => summary.metrics.sharpRatio)
    // @ts-expect-error
    compiled(() => (result: SimulationResult) => result.metrics.sharpRatio)
    // @ts-expect-error
    compiled(() => newEngine().getMetrics('bt-000000000000', ['sharpRatio']))
    // @ts-expect-error
    compiled((): MetricName => 'sharpRatio')
  })

  test('that were asked for are those of the answer', () => {
    compiled(async (): Promise<Metrics> => newEngine().getMetrics('bt-000000000000'))
    compiled(async (): Promise<number | null> => (await newEngine().getMetrics('bt-0', ['winRate'])).winRate)
    // @ts-expect-error
    compiled(async () => (await newEngine().getMetrics('bt-000000000000', ['winRate'])).sharpeRatio)
  })
})

describe('a request', () => {
  const strategy = { id: 'x', entries: 'close > 1', exits: 'close < 1' }

  test('that is a constant of its own needs `satisfies`, as the README says', () => {
    const constant = { ...range, strategyId: 'rsi', timeframe: '1d', outputs: ['metrics'] } satisfies BacktestRequest
    compiled(() => newEngine().runBacktest(constant))
    compiled(() => newEngine().runBacktest({ ...constant, strategyId: 'macd' }))
    const widened = { ...range, strategyId: 'rsi', timeframe: '1d' }
    // @ts-expect-error
    compiled(() => newEngine().runBacktest(widened))
  })

  test('of simulateSignals takes settings that are a constant with `as const`, as docs/vectorbt.md says', () => {
    const settings = { initialCapital: 100, stopExitPrice: 'stopLimit', yearDays: 365 } as const
    const close = new Float64Array(3)
    compiled((): SignalsRequest => ({ close, entries: new Uint8Array(3), exits: new Uint8Array(3), ...settings }))
  })

  test('has the id of a strategy or a definition', async () => {
    compiled((): BacktestRequest => ({ ...range, strategyId: 'rsi' }))
    compiled((): BacktestRequest => ({ ...range, strategy }))
    compiled((): StrategyConfig => ({ strategyId: 'rsi', barCount: 9 }))
    compiled((): StrategyConfig => ({ strategy, parameters: {} }))
    // @ts-expect-error
    const none = await failure(newEngine().runBacktest(range), 'INVALID_ARGUMENT')
    // @ts-expect-error
    const both = await failure(newEngine().runBacktest({ ...range, strategyId: 'rsi', strategy }), 'INVALID_ARGUMENT')
    expect([none.issues[0]?.code, both.issues[0]?.code]).toEqual(['required', 'conflict'])
    // @ts-expect-error
    compiled((): StrategyConfig => ({}))
    // @ts-expect-error
    compiled((): StrategyConfig => ({ strategyId: 'rsi', strategy }))
  })

  test('with a misspelled field does not compile', () => {
    // @ts-expect-error
    compiled(() => newEngine().runBacktest({ ...range, strategyId: 'rsi', initalCapital: 1 }))
    // @ts-expect-error
    compiled(() => newEngine().runBacktest({ ...range, strategyId: 'rsi', timeframe: '2d' }))
  })
})

describe('a sweep', () => {
  const parameters = { fast_period: { from: 5, to: 20 }, slow_period: [50, 100] }

  test('has one asset or several, and values as lists and ranges', () => {
    compiled((): SweepRequest => ({ ...range, strategyId: 'sma_crossover', parameters }))
    compiled(() => newEngine().runSweep({ ...range, strategyId: 'sma_crossover', parameters }))
    const { assetSymbol: _, ...without } = range
    const assetSymbols = ['A', 'B'] as const
    compiled((): SweepRequest => ({ ...without, strategyId: 'rsi', assetSymbols, timeframes: ['1d', '1h'] }))
    const values: ParameterRange[] = [
      5,
      true,
      [null, 0.1],
      { from: 1, to: 9, step: 2 },
      { from: 1, to: 9, count: 3, scale: 'log' },
    ]
    compiled(() => values)
    compiled((): SweepRequest => ({ resume: 'sw-000000000000' }))
    compiled((): SweepRequest => ({ ...range, strategyId: 'rsi', sample: { count: 9, seed: 1 }, metrics: ['winRate'] }))
    // @ts-expect-error
    compiled((): SweepRequest => ({ ...range, parameters }))
    // @ts-expect-error
    compiled((): SweepRequest => ({ ...range, strategyId: 'rsi', outputs: ['metrics'] }))
    // @ts-expect-error
    compiled((): SweepRequest => ({ ...range, strategyId: 'rsi', metrics: ['sharpRatio'] }))
    // @ts-expect-error
    compiled((): SweepRequest => ({ ...range, strategyId: 'rsi', parameters: { period: '5' } }))
    // @ts-expect-error
    compiled((): SweepRequest => ({ ...range, strategyId: 'rsi', parameters: { period: { from: 5 } } }))
  })

  test('has columns by name, which may be absent, and the whole metrics of the best', () => {
    compiled((): ((sweep: SweepResult) => Float64Array | undefined) => (sweep) => sweep.metrics.sharpeRatio)
    // @ts-expect-error
    compiled((): ((sweep: SweepResult) => Float64Array) => (sweep) => sweep.metrics.sharpeRatio)
    // @ts-expect-error
    compiled(() => (sweep: SweepResult) => sweep.metrics.sharpRatio)
    compiled((): ((sweep: SweepResult) => number | null | undefined) => (sweep) => sweep.top[0]?.metrics.valueAtRisk)
    compiled((): ((sweep: SweepResult) => number | null) => (sweep) => sweep.plateauChoice?.neighbours.score ?? null)
  })

  test('in parts is iterated over', () => {
    compiled(async () => {
      const rows: number[] = []
      const parts = newEngine().sweep({ ...range, strategyId: 'rsi' }, { signal: AbortSignal.timeout(9) })
      for await (const part of parts) rows.push(part.from, part.combinations, part.objective.length)
      return rows
    })
    // @ts-expect-error a part has no best combinations
    compiled(() => (part: SweepPart) => part.top)
    compiled(() =>
      newEngine().runSweep({ resume: 'sw-0' }, { onProgress: ({ secondsLeft }) => secondsLeft?.toFixed(0) }),
    )
  })
})

test('the steps of a backtest are a union', () => {
  compiled(
    () =>
      ({ stage }: Progress): RunStage =>
        stage,
  )
  // @ts-expect-error
  compiled((): Progress['stage'] => 'finished')
})

describe('a definition that is a constant of its own', () => {
  const definition = {
    id: 'own_rules',
    type: 'trend',
    parameters: {
      fast: { type: 'integer', default: 5, minimum: 1, maximum: 50 },
      strict: { type: 'boolean', default: true },
    },
    constraints: ['fast > 1'],
    entries: 'close > sma(close, fast) and strict',
    exits: 'close < sma(close, fast)',
  }

  test('fits without `satisfies` and without `as const`', async () => {
    const engine = newEngine()
    await engine.registerStrategy(definition)
    const registered = await engine.runBacktest(request({ strategyId: 'own_rules', parameters: {}, persist: false }))
    const inline = await engine.runBacktest({ ...range, strategy: definition, bars: waves(366), persist: false })
    expect(inline.trades.length).toBeGreaterThan(3)
    expect(inline.trades).toEqual(registered.trades)
    expect((await engine.validateStrategy({ strategy: definition })).errors).toEqual([])
  })

  test('fits with `as const`', async () => {
    const constant = {
      id: 'constant',
      type: 'trend',
      parameters: { fast: { type: 'integer', default: 5 } },
      constraints: ['fast > 1'],
      entries: 'close > sma(close, fast)',
      exits: 'close < sma(close, fast)',
    } as const
    expect((await newEngine().registerStrategy(constant)).id).toBe('constant')
  })

  test('is checked when it runs: a type that there is not is refused', async () => {
    const wrong = { ...definition, parameters: { fast: { type: 'intger', default: 5 } } }
    const error = await failure(newEngine().registerStrategy(wrong), 'INVALID_ARGUMENT')
    expect(error.message).toMatch(/parameters\.fast\.type must be one of .*intger/)
  })

  test('fits with a function', async () => {
    const own = {
      id: 'function_rules',
      type: 'custom',
      parameters: { fast: { type: 'integer', default: 5 } },
      generateSignals: ({ close }: Bars) => ({
        entries: Array.from(close, (price) => price > 1),
        exits: close.map(() => 0),
      }),
    }
    // @ts-expect-error `exits` is a Float64Array
    compiled(() => newEngine().registerStrategy(own))
    const flags = {
      ...own,
      generateSignals: ({ close }: Bars) => ({ entries: Array.from(close, () => 0), exits: [] as boolean[] }),
    }
    compiled(() => newEngine().registerStrategy(flags))
    // @ts-expect-error
    compiled(() => newEngine().registerStrategy({ id: 'x', generateSignals: () => ({ entries: [] }) }))
    await failure(newEngine().registerStrategy(untyped({ id: 'x', generateSignals: 1 })), 'INVALID_ARGUMENT')
  })
})
