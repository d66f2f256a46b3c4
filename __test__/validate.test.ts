import { describe, expect, test } from 'vitest'
import type { StrategyConfigFields, StrategyDefinition } from '../index.js'
import { failure, newEngine, request, untyped, waves } from './support.js'

const UP = 'crossed_above(close, sma(close, 20))'
const DOWN = 'crossed_below(close, sma(close, 20))'

/** A definition with errors in many places. */
const BROKEN = untyped<StrategyDefinition>({
  id: 'Broken',
  type: 'trendy',
  color: 'red',
  parameters: {
    n: { type: 'integer', default: 5, minimum: 1 },
    high: { type: 'number', default: 1 },
    odd: { type: 'integer', default: 9, minimum: 5, maximum: 2 },
  },
  constraints: ['n <', 'sma(3) > 1', 7],
  entries: 'rsii(close, n) < 30\n  and "größer" > clse\n  and sma(close, n, 2) > 1',
  exits: 'close > sma(close, 0) and shift(close, -n) > 1',
  shortEntries: 'close',
})

const BROKEN_PARAMETERS = { n: 0, position_size: 2, m: 1 }

describe('every problem is reported at once', () => {
  const place = ({ path, code, message }: { path: string; code: string; message: string }) => {
    const [, at = ''] = / at (\d+:\d+): /.exec(message) ?? []
    return [path, code, at].join(' ').trim()
  }

  test('with its path in the object, and line and column in an expression', async () => {
    const { issues, errors, valid } = await newEngine().validateStrategy({ strategy: BROKEN })
    expect(valid).toBe(false)
    expect(errors).toEqual(issues.map(({ message }) => message))
    expect(issues.map(place)).toEqual([
      'strategy.type choice',
      'strategy.constraints[2] type',
      'strategy.color unknown',
      'strategy.id range',
      'strategy.parameters.high conflict',
      'strategy.parameters.odd.minimum conflict',
      'strategy.parameters.odd.default range',
      'strategy.constraints[0] syntax 1:4',
      'strategy.constraints[1] type 1:1',
      'strategy.entries unknown 1:1',
      'strategy.entries type 2:7',
      'strategy.entries unknown 2:18',
      'strategy.entries arity 3:7',
      'strategy.shortEntries type 1:1',
    ])
    expect(errors.join('\n')).toMatch(/unknown name `clse`, did you mean `close`\?/)
  })

  test('and validation, run and registration report the same ones', async () => {
    const engine = newEngine()
    const definitions: [StrategyDefinition, object][] = [
      [BROKEN, {}],
      [untyped({ id: 'a', entries: 'rsii() < 3', parameters: { n: { type: 'int', default: 'x' } } }), { n: 3 }],
      [untyped({ id: 'b', entries: UP, exits: DOWN, generateSignals: 5 }), {}],
      [untyped({ ...BROKEN, id: 5, parameters: [] }), {}],
      [{ id: 'c', entries: 'close > sma(close, 20000)', exits: 'close > -' }, { position_size: 7 }],
      [
        {
          id: 'd',
          parameters: { n: { type: 'integer', default: 5, minimum: 1 } },
          entries: 'clse > 1',
          exits: 'close > sma(close, 0)',
        },
        BROKEN_PARAMETERS,
      ],
    ]
    for (const [strategy, parameters] of definitions) {
      const { strategyId: _, ...rest } = request({ parameters: untyped(parameters) })
      const checked = await engine.validateStrategy({ strategy, parameters: untyped(parameters) })
      const ran = await failure(engine.runBacktest({ ...rest, strategy }), 'INVALID_ARGUMENT')
      expect(ran.issues).toEqual(checked.issues)
      const registered = await failure(engine.registerStrategy(strategy), 'INVALID_ARGUMENT')
      expect(registered.issues).toEqual(checked.issues.filter(({ path }) => path.startsWith('strategy')))
    }
    for (const config of [
      { strategyId: 'sma_crossover', parameters: { fast_period: 0, slow_perod: 4 } },
      { strategyId: 'sma_crossover', parameters: { fast_period: 40, slow_period: 30 } },
      { strategyId: 'sma_crossover', strategy: { id: 'x', entries: 'clse > 1', exits: DOWN } },
      { strategyId: 7, parameters: {} },
      {},
    ]) {
      const checked = await engine.validateStrategy(untyped(config))
      const { strategyId: _, parameters: __, ...rest } = request()
      const ran = await failure(engine.runBacktest(untyped({ ...rest, ...config })), 'INVALID_ARGUMENT')
      expect(checked.issues.length).toBeGreaterThan(0)
      expect(ran.issues).toEqual(checked.issues)
    }
  })

  test('together with the other problems of a request', async () => {
    const engine = newEngine()
    const { strategyId: _, ...rest } = request()
    const wrong = {
      ...rest,
      strategy: { id: 'x', entries: 'rsii() < 3', exits: 'clse > 1' },
      parameters: { position_size: 0.5, n: 1 },
      startDate: 'never',
      initialCapital: 0,
      simulation: { size: 3, fee: 1 },
      bars: { ...waves(9), close: 'x' },
      persits: true,
    }
    const error = await failure(engine.runBacktest(untyped(wrong)), 'INVALID_ARGUMENT')
    expect(error.issues.map(({ path }) => path).sort()).toEqual([
      'bars.close',
      'initialCapital',
      'parameters.n',
      'parameters.position_size',
      'persits',
      'simulation.fee',
      'startDate',
      'strategy.entries',
      'strategy.exits',
    ])
    const unknown = await failure(
      engine.runBacktest(untyped({ ...wrong, strategy: undefined, strategyId: 'rsy', parameters: undefined })),
      'UNKNOWN_STRATEGY',
    )
    expect(unknown.issues[0]).toMatchObject({ path: 'strategyId', code: 'unknown' })
    expect(unknown.issues.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['bars.close', 'initialCapital', 'persits', 'simulation.fee', 'startDate']),
    )
  })

  test.each([
    ['\u00a0\u3000rsii(close) > 1', '1:3', 'rsii'],
    ['# 💥 note\nclose > 💥', '2:9', '💥'],
    ['close >\r\n\topen and ("x', '2:12', 'no closing quote'],
    ['\t\tclose > ñandú', '1:11', 'ñandú'],
    ['close > 日本\n and open > 価格', '1:9', '日本'],
    ['close > (open', '1:14', 'expected `)` for the `(` at 1:9'],
  ])('%j has an error at %s', async (entries, at, words) => {
    const strategy = { id: 'x', entries, exits: DOWN }
    const { errors } = await newEngine().validateStrategy({ strategy })
    expect(errors[0]).toContain(`strategy.entries at ${at}: `)
    expect(errors[0]).toContain(words)
  })
})

describe('a warning names what is valid but probably not intended', () => {
  const warnings = async (strategy: Partial<StrategyDefinition>, more: Partial<StrategyConfigFields> = {}) => {
    const config = { strategy: { id: 'x', entries: UP, exits: DOWN, ...strategy }, ...more }
    const { valid, warnings } = await newEngine().validateStrategy(config)
    expect(valid).toBe(true)
    return warnings
  }

  test.each([
    '2 < 1',
    'false and close > open',
    'log(0) > 0',
    'close < 0',
    'close - close < -1 and false',
    'rsi(close, 14) > 100',
    'rsi(close, 14) < 30 and close > open and rsi(close, 14) > 70',
    'close > open and close < open',
    'close > open and not (close > open)',
    `${UP} and ${DOWN}`,
    'hour >= 24',
    'day_of_week == 0',
    'close > highest(high, 20)',
    'crossed_above(close, highest(high, 20))',
    'crossed_above(close, donchian_upper(20))',
    'close < lowest(low, 10)',
    'crossed_above(rsi(close, 14), 100)',
    "higher('1w', high < low)",
    'abs(close) < 0',
    'count(close > open, 10) > 10',
    'bars_since(close < 0) >= 0',
    'if(close > open, 1, -1) > 1',
    'rank(close, 20) > 1',
    'stdev(close, 20) < 0',
  ])('never enters: %s', async (entries) => {
    const [warning, ...more] = await warnings({ entries })
    expect(warning).toMatch(/^the strategy never enters: `.*` never hold/)
    expect(more).toEqual([])
  })

  test('a run without entries says on how many bars each part of the condition held', async () => {
    const { strategyId: _, parameters: __, ...rest } = request({ bars: waves(300) })
    const run = async (entries: string) => {
      const { warnings } = await newEngine().runBacktest({ ...rest, strategy: { id: 'x', entries, exits: DOWN } })
      return warnings.filter((text) => text.startsWith('the strategy made no entry'))
    }
    expect(await run('close > 1000000 and sma(close, 100) > 0')).toEqual([
      'the strategy made no entry: `close > 1000000` held on 0 of 300 bars, `sma(close, 100) > 0` on 201 (no value on 99)',
    ])
    expect(await run(UP)).toEqual([])
    // This holds on no bars at all, which is a warning of its own.
    expect(await run('close < 0')).toEqual([])
  })

  test.each([
    ['false', ''],
    ['close < 0', ': `close < 0` never holds, because `close` is above 0'],
    ['volume < 0', ': `volume < 0` never holds, because `volume` is at least 0'],
    [
      'close > shift(highest(high, 5), 0)',
      ': `close > shift(highest(high, 5), 0)` never holds, because `shift(highest(high, 5), 0)` includes the bar itself, so it is never below `close`: write shift(shift(highest(high, 5), 0), 1) for the bars before',
    ],
    ['rsi(close, 14) > 100', ': `rsi(close, 14) > 100` never holds, because `rsi(close, 14)` is between 0 and 100'],
  ])('never exits: %s', async (exits, reason) => {
    expect(await warnings({ exits })).toEqual([`the strategy never exits${reason}`])
  })

  test('an indicator between 0 and 100 that is compared with a fraction', async () => {
    expect(await warnings({ entries: 'rsi(close, 14) < 0.3' })).toEqual([
      '`rsi(close, 14) < 0.3` compares a number between 0 and 100 with 0.3, did you mean 30?',
    ])
    const parameters = { level: { type: 'number' as const, default: 0.25 } }
    expect(await warnings({ parameters, entries: 'mfi(14) < level' })).toEqual([
      '`mfi(14) < level` compares a number between 0 and 100 with 0.25, did you mean 25?',
    ])
  })

  test.each([
    'true',
    'close > 0',
    'volume >= 0',
    'close == close',
    'high >= low and open > 0',
    'not (close < 0)',
    'hour < 24',
    'close > open or true',
  ])('always in the market: %s', async (entries) => {
    expect(await warnings({ entries })).toEqual(['the strategy is always in the market: its entries hold on every bar'])
  })

  test('always in the market after its warm-up or by reversing', async () => {
    expect(await warnings({ entries: 'rsi(close, 14) >= 0' })).toEqual([
      'the strategy is always in the market: its entries hold on every bar after the warm-up',
    ])
    expect((await warnings({ shortEntries: DOWN, shortExits: UP })).join()).toMatch(
      /always in the market once it has entered: every exit is an entry of the other side/,
    )
  })

  test.each(['true', UP, 'close > 0'])('exits on every bar of an entry: %s', async (exits) => {
    expect((await warnings({ exits })).join()).toBe(
      'exits hold on every bar on which entries hold: the signals cancel each other unless uponLongConflict or uponShortConflict resolves the conflict',
    )
  })

  test('a parameter that no expression uses', async () => {
    const parameters = { n: { type: 'integer' as const, default: 3 }, m: { type: 'integer' as const, default: 4 } }
    expect(await warnings({ parameters, entries: 'close > sma(close, n)' })).toEqual([
      'no expression uses the parameter m',
    ])
    // A constraint between parameters changes no signal.
    expect(await warnings({ parameters, constraints: ['n < m'], entries: 'close > sma(close, n)' })).toHaveLength(1)
  })

  test('a warm-up that takes all bars, in a validation with barCount and in a run', async () => {
    const entries = 'crossed_above(close, sma(close, 300))'
    const warning = 'the strategy needs 300 bars of warm-up before it can enter, but there are only 300 bars'
    expect(await warnings({ entries })).toEqual([])
    expect(await warnings({ entries }, { barCount: 301 })).toEqual([])
    expect(await warnings({ entries }, { barCount: 300 })).toEqual([warning])
    const { strategyId: _, parameters: __, ...rest } = request({ bars: waves(300) })
    const result = await newEngine().runBacktest({ ...rest, strategy: { id: 'x', entries, exits: DOWN } })
    expect(result.warnings[0]).toBe(
      'the 300 bars of the range only warm up the indicators, and the strategy cannot enter at all: it needs 300 bars before the range and has 0; hand in earlier bars, and set tradeFrom to where trading begins',
    )
    expect(result.notes?.[0]).toMatchObject({
      code: 'WARMUP_MISSING',
      data: { missing: 300, needed: 300, available: 0 },
    })
    const wrong = await newEngine().validateStrategy(untyped({ strategyId: 'rsi', barCount: -1 }))
    expect(wrong.issues).toMatchObject([{ path: 'barCount', code: 'range' }])
  })

  test.each([
    'close > open',
    'rsi(close, 14) < 30 or rsi(close, 14) > 70',
    'close > shift(highest(high, 20), 1)',
    'close >= highest(close, 20)',
    'close >= highest(high, 20)',
    'high > highest(close, 5)',
    'crossed_above(rsi(close, 14), 99.9)',
    'not (rsi(close, 14) >= 0)',
    'close / (high - low) < 0.5',
    'log(close) < 0',
    'volume > 0',
    'hour == 23 and minute == 59',
    'close % 2 == 1',
    'close > 10 and close < 10.5',
    'close >= 10 and close <= 10',
  ])('no warning if the signals depend on the bars: %s', async (entries) => {
    expect(await warnings({ entries })).toEqual([])
  })

  test('the only built-in strategy with warnings is buy_and_hold', async () => {
    const engine = newEngine()
    for (const { id } of await engine.listStrategies()) {
      const { warnings } = await engine.validateStrategy({ strategyId: id })
      const expected =
        id === 'buy_and_hold'
          ? ['the strategy never exits', 'the strategy is always in the market: its entries hold on every bar']
          : []
      expect(warnings, id).toEqual(expected)
    }
  })
})
