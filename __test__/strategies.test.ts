import { describe, expect, test } from 'vitest'
import type { StrategyDefinition } from '../index.js'
import { failure, newEngine, untyped } from './support.js'

const CROSSOVER: StrategyDefinition = {
  id: 'own',
  parameters: { period: { type: 'integer', default: 20, minimum: 2, maximum: 200 } },
  entries: 'crossed_above(close, sma(close, period))',
  exits: 'crossed_below(close, sma(close, period))',
}

describe('listStrategies', () => {
  test('describes the built-in strategies', async () => {
    const strategies = await newEngine().listStrategies()
    const ids = strategies.map((strategy) => strategy.id)
    expect(ids).toEqual(expect.arrayContaining(['sma_crossover', 'rsi', 'macd']))
    for (const strategy of strategies) {
      expect(strategy.name).toBeTruthy()
      expect(strategy.description).toBeTruthy()
      expect(['trend', 'mean_reversion', 'momentum', 'arbitrage', 'custom']).toContain(strategy.type)
      expect(strategy.source).toContain('entries')
      expect(strategy.parametersSchema).toMatchObject({ type: 'object', properties: expect.any(Object) })
      const { properties } = strategy.parametersSchema as { properties: Record<string, { default?: unknown }> }
      expect(Object.keys(properties)).toEqual(Object.keys(strategy.defaultParameters))
      for (const [name, value] of Object.entries(strategy.defaultParameters)) {
        expect(properties[name]?.default).toBe(value)
      }
    }
  })

  test('has the parameters that the documentation promises', async () => {
    const strategies = await newEngine().listStrategies()
    const defaults = (id: string) => strategies.find((strategy) => strategy.id === id)?.defaultParameters
    expect(defaults('sma_crossover')).toEqual({ fast_period: 10, slow_period: 30, position_size: 1 })
    expect(defaults('rsi')).toEqual({ period: 14, oversold: 30, overbought: 70, position_size: 1 })
    expect(defaults('macd')).toEqual({ fast_period: 12, slow_period: 26, signal_period: 9, position_size: 1 })
  })
})

describe('validateStrategy', () => {
  test('accepts what runs', async () => {
    const engine = newEngine()
    const good = { valid: true, errors: [], issues: [] }
    expect(await engine.validateStrategy({ strategyId: 'sma_crossover' })).toMatchObject(good)
    expect(await engine.validateStrategy({ strategyId: 'rsi', parameters: { period: 7 } })).toMatchObject(good)
    expect(await engine.validateStrategy({ strategy: CROSSOVER })).toMatchObject(good)
    expect(await engine.validateStrategy({ strategy: CROSSOVER, parameters: { period: 50 } })).toMatchObject(good)
  })

  test('reports every problem of the parameters without throwing', async () => {
    const result = await newEngine().validateStrategy({
      strategyId: 'sma_crossover',
      parameters: { fast_period: 0, slow_period: 'x', fastperiod: 3 },
    })
    expect(result.valid).toBe(false)
    expect(result.issues.map((issue) => issue.path).sort()).toEqual([
      'parameters.fast_period',
      'parameters.fastperiod',
      'parameters.slow_period',
    ])
    expect(result.errors).toEqual(result.issues.map((issue) => issue.message))
  })

  test('reports a constraint between parameters that does not hold', async () => {
    const parameters = { fast_period: 30, slow_period: 30 }
    const result = await newEngine().validateStrategy({ strategyId: 'sma_crossover', parameters })
    expect(result.valid).toBe(false)
    expect(result.errors).toEqual([
      'parameters: fast_period < slow_period does not hold for fast_period 30, slow_period 30',
    ])
  })

  test('reports an unknown strategy and suggests the nearest id', async () => {
    const result = await newEngine().validateStrategy({ strategyId: 'mcad' })
    expect(result.valid).toBe(false)
    expect(result.issues).toMatchObject([{ path: 'strategyId', code: 'unknown' }])
    expect(result.errors[0]).toContain('did you mean macd?')
  })

  test.each([
    ['an unknown function', 'rsii(close, 14) < 30', 'unknown', '1:1: unknown function `rsii`, did you mean `rsi`?'],
    ['an unknown name', 'clos > 1', 'unknown', '1:1: unknown name `clos`, did you mean `close`?'],
    [
      'a wrong number of arguments',
      'sma(close, 3, 4) > 1',
      'arity',
      '1:1: sma(close, period = 30) cannot take 3 arguments',
    ],
    ['incomplete text', 'close > ', 'syntax', '1:9: expected a number, a name or `(`, found the end'],
    ['a number instead of a condition', 'close + 1', 'type', '1:7: expected a condition, found a number'],
    [
      'a look into the future',
      'shift(close, -1) > close',
      'range',
      '1:14: argument n of shift must be a whole number between 0 and 10000, was -1; no expression can read a later bar, because it is not known when the signal occurs',
    ],
  ])('reports %s in an expression', async (_, entries, code, message) => {
    const result = await newEngine().validateStrategy({ strategy: { ...CROSSOVER, entries } })
    expect(result.valid).toBe(false)
    expect(result.issues).toEqual([{ path: 'strategy.entries', code, message: `strategy.entries at ${message}` }])
  })

  test('survives hostile text', async () => {
    const engine = newEngine()
    for (const [entries, code] of [
      ['('.repeat(100_000), 'limit'],
      ['not '.repeat(100_000), 'limit'],
      [`close > ${'1+'.repeat(100_000)}1`, 'limit'],
      ['\u0000💥', 'syntax'],
      ['', 'range'],
    ] as const) {
      const result = await engine.validateStrategy({ strategy: { ...CROSSOVER, entries } })
      expect(result.valid).toBe(false)
      expect(result.issues).toMatchObject([{ path: 'strategy.entries', code }])
    }
  })

  test('names unknown keys', async () => {
    const result = await newEngine().validateStrategy(
      untyped({ strategy: { ...CROSSOVER, entry: 'close > 1' }, paramters: {} }),
    )
    expect(result.valid).toBe(false)
    expect(result.issues).toMatchObject([
      { path: 'strategy.entry', code: 'unknown' },
      { path: 'paramters', code: 'unknown' },
    ])
  })
})

test('a strategy that does not compile is rejected before anything runs', async () => {
  const engine = newEngine()
  const broken = { ...CROSSOVER, exits: 'rsii(close, 14) > 70' }
  const error = await failure(
    engine.runBacktest({
      strategy: broken,
      assetSymbol: 'X',
      startDate: '2020-01-01',
      endDate: '2020-12-31',
      initialCapital: 1,
    }),
    'INVALID_ARGUMENT',
  )
  expect(error.issues).toMatchObject([{ path: 'strategy.exits', code: 'unknown' }])
  expect(error.message).toContain('unknown function `rsii`, did you mean `rsi`?')
})
