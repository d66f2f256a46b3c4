import { describe, expect, test } from 'vitest'
import type { BacktestRequest } from '../index.js'
import { failure, issueAt, newEngine, request, untyped, waves } from './support.js'

describe('a wrong field is named with its value and what is allowed', () => {
  // Field to spoil, bad value, path of the issue, its code, and what the message must say besides the path.
  const cases: [string, object, string, string, string[]][] = [
    ['capital of zero', { initialCapital: 0 }, 'initialCapital', 'range', ['above 0', '0']],
    ['negative capital', { initialCapital: -5 }, 'initialCapital', 'range', ['above 0', '-5']],
    ['NaN as capital', { initialCapital: Number.NaN }, 'initialCapital', 'range', ['NaN']],
    ['infinite capital', { initialCapital: Number.POSITIVE_INFINITY }, 'initialCapital', 'range', ['above 0']],
    ['capital as text', { initialCapital: '10000' }, 'initialCapital', 'type', ['a number', '"10000"']],
    ['no symbol', { assetSymbol: undefined }, 'assetSymbol', 'required', ['required']],
    ['an empty symbol', { assetSymbol: '' }, 'assetSymbol', 'range', ['empty']],
    ['a date that is none', { startDate: 'yesterday' }, 'startDate', 'type', ['ISO 8601', '"yesterday"']],
    ['an invalid Date', { endDate: new Date(Number.NaN) }, 'endDate', 'type', ['valid Date']],
    ['a date that does not exist', { endDate: '2021-02-30' }, 'endDate', 'type', ['2021-02-30']],
    [
      'end before start',
      { startDate: '2020-05-01', endDate: '2020-04-01' },
      'endDate',
      'range',
      ['2020-04-01', '2020-05-01'],
    ],
    ['an unknown timeframe', { timeframe: '7m' }, 'timeframe', 'choice', ['1m', '1w', '"7m"']],
    ['persist as text', { persist: 'yes' }, 'persist', 'type', ['a boolean', '"yes"']],
    ['negative slippage', { simulation: { slippage: -0.1 } }, 'simulation.slippage', 'range', ['-0.1']],
    [
      'an unknown direction',
      { simulation: { direction: 'up' } },
      'simulation.direction',
      'choice',
      ['longOnly', '"up"'],
    ],
    ['a wrong parameter type', { parameters: { fast_period: 'five' } }, 'parameters.fast_period', 'type', ['five']],
    ['half a period', { parameters: { fast_period: 5.5 } }, 'parameters.fast_period', 'type', ['whole number', '5.5']],
    ['a period of zero', { parameters: { fast_period: 0 } }, 'parameters.fast_period', 'range', ['1', '500', '0']],
    ['position_size above one', { parameters: { position_size: 1.5 } }, 'parameters.position_size', 'range', ['1.5']],
    ['parameters as array', { parameters: [5, 20] }, 'parameters', 'type', ['an object']],
  ]
  test.each(cases)('%s', async (_, change, path, code, words) => {
    const error = await failure(newEngine().runBacktest(untyped({ ...request(), ...change })), 'INVALID_ARGUMENT')
    const issue = issueAt(error, path)
    expect(issue.code).toBe(code)
    expect(issue.message).toContain(path)
    for (const word of words) expect(issue.message).toContain(word)
    expect(error.message).toContain(issue.message)
  })
})

describe('a request', () => {
  test('with several faults tells all of them at once', async () => {
    const error = await failure(
      newEngine().runBacktest(
        untyped({
          strategyId: 'sma_crossover',
          parameters: { fast_period: 0, slow_perod: 20 },
          startDate: '2020-01-01',
          endDate: 'never',
          initialCapital: -1,
          simulation: { slipage: 0.1 },
        }),
      ),
      'INVALID_ARGUMENT',
    )
    expect(error.issues.map((issue) => issue.path).sort()).toEqual([
      'assetSymbol',
      'endDate',
      'initialCapital',
      'parameters.fast_period',
      'parameters.slow_perod',
      'simulation.slipage',
    ])
    expect(error.message).toMatch(/^6 problems: /)
  })

  test('with unknown keys hears their names and the nearest known ones', async () => {
    const error = await failure(
      newEngine().runBacktest(
        untyped({
          ...request({ simulation: untyped({ fee: 0.1 }), parameters: { fastPeriod: 5 } }),
          asetSymbol: 'X',
        }),
      ),
      'INVALID_ARGUMENT',
    )
    expect(issueAt(error, 'asetSymbol').message).toContain('did you mean assetSymbol?')
    expect(issueAt(error, 'simulation.fee').message).toContain('did you mean fees?')
    expect(issueAt(error, 'parameters.fastPeriod').message).toContain('did you mean fast_period?')
    for (const issue of error.issues) expect(issue.code).toBe('unknown')
  })

  test.each([[undefined], [null], ['sma_crossover'], [42], [[]]])(
    'must be an object, and %s is none',
    async (value) => {
      const error = await failure(newEngine().runBacktest(untyped(value)), 'INVALID_ARGUMENT')
      expect(error.message).toMatch(/object|required/)
    },
  )

  test('with the fast period not below the slow one breaks a condition that the message shows', async () => {
    const parameters = { fast_period: 30, slow_period: 10 }
    const error = await failure(newEngine().runBacktest(request({ parameters })), 'INVALID_ARGUMENT')
    expect(error.message).toContain('fast_period')
    expect(error.message).toContain('slow_period')
    expect(error.message).toContain('30')
    expect(error.message).toContain('10')
    expect(error.issues).toHaveLength(1)
  })

  test('for an unknown strategy hears the nearest known one', async () => {
    const error = await failure(newEngine().runBacktest(request({ strategyId: 'sma_crosover' })), 'UNKNOWN_STRATEGY')
    expect(error.message).toContain('sma_crosover')
    expect(error.message).toContain('sma_crossover')
    expect(error.retryable).toBe(false)
  })

  test('names no strategy, or two, and hears so', async () => {
    const { strategyId: _, ...none } = request()
    const missing = await failure(newEngine().runBacktest(none), 'INVALID_ARGUMENT')
    expect(issueAt(missing, 'strategyId').code).toBe('required')
    const both = { ...request(), strategy: { id: 'x', entries: 'close > 1', exits: 'close < 1' } }
    const error = await failure(newEngine().runBacktest(both), 'INVALID_ARGUMENT')
    expect(error.issues[0]?.code).toBe('conflict')
  })

  test('that is refused leaves nothing behind', async () => {
    const engine = newEngine()
    await failure(engine.runBacktest(request({ initialCapital: 0 })), 'INVALID_ARGUMENT')
    await failure(engine.runBacktest(request({ strategyId: 'nope' })), 'UNKNOWN_STRATEGY')
    expect(await engine.listBacktests()).toEqual([])
  })

  test('with the second argument wrong hears so', async () => {
    const engine = newEngine()
    await failure(engine.runBacktest(request(), untyped({ onProgress: 'loud' })), 'INVALID_ARGUMENT')
    await failure(engine.runBacktest(request(), untyped({ signal: 'stop' })), 'INVALID_ARGUMENT')
    await failure(engine.runBacktest(request(), untyped({ onProgres: () => {} })), 'INVALID_ARGUMENT')
  })
})

describe('bars that break an invariant', () => {
  type Columns = ReturnType<typeof waves>
  const cases: [string, (bars: Columns) => void, string, string][] = [
    ['unordered', (bars) => bars.timestamps.copyWithin(10, 0, 1), 'bars.timestamps[10]', 'before'],
    ['twice the same moment', (bars) => bars.timestamps.copyWithin(10, 9, 10), 'bars.timestamps[10]', 'duplicate'],
    ['a price that is NaN', (bars) => bars.close.fill(Number.NaN, 5, 6), 'bars.close[5]', 'NaN'],
    ['a price of zero', (bars) => bars.low.fill(0, 5, 6), 'bars.low[5]', 'above 0'],
    ['an infinite price', (bars) => bars.high.fill(Number.POSITIVE_INFINITY, 5, 6), 'bars.high[5]', 'finite'],
    ['a low above the high', (bars) => bars.low.fill(500, 5, 6), 'bars.low[5]', 'low 500 is above'],
    ['a close above the high', (bars) => bars.close.fill(500, 5, 6), 'bars.high[5]', 'close 500'],
    ['a negative volume', (bars) => bars.volume.fill(-1, 5, 6), 'bars.volume[5]', '-1'],
  ]
  test.each(cases)('%s', async (_, spoil, path, words) => {
    const bars = waves(50)
    spoil(bars)
    const error = await failure(newEngine().runBacktest(request({ bars })), 'BAD_DATA')
    expect(issueAt(error, path).message).toContain(words)
    // Every fault is dated.
    expect(error.message).toMatch(/2020-01-\d\d/)
  })

  test('columns of different lengths', async () => {
    const bars = { ...waves(50), close: new Float64Array(49).fill(100) }
    const error = await failure(newEngine().runBacktest(request({ bars })), 'BAD_DATA')
    expect(issueAt(error, 'bars.close').message).toContain('49 values for 50')
  })

  test('a missing column, an unknown one, and one that holds no numbers', async () => {
    const { close: _, ...without } = waves(50)
    const bars = untyped<BacktestRequest['bars']>({ ...without, closes: waves(50).close, open: ['a'] })
    const engine = newEngine()
    const error = await engine
      .runBacktest(request({ bars: bars as NonNullable<typeof bars> }))
      .catch((reason) => reason)
    expect(['INVALID_ARGUMENT', 'BAD_DATA']).toContain(error.code)
    const paths = error.issues.map((issue: { path: string }) => issue.path)
    expect(paths).toContain('bars.close')
    expect(paths).toContain('bars.closes')
    expect(paths.some((path: string) => path.startsWith('bars.open'))).toBe(true)
  })

  test('bytes that are no Arrow table', async () => {
    const bars = new TextEncoder().encode('date,open,high,low,close\n')
    const error = await failure(newEngine().runBacktest(request({ bars })), 'BAD_DATA')
    expect(error.message).toContain('Arrow')
  })
})

describe('no bars', () => {
  test('for a symbol that nobody imported', async () => {
    const { bars: _, ...stored } = request({ assetSymbol: 'NOPE' })
    const error = await failure(newEngine().runBacktest(stored), 'NO_DATA')
    expect(error.message).toContain('NOPE')
  })

  test('in a range outside of what there is, which the message tells', async () => {
    const engine = newEngine()
    await engine.importBars({ assetSymbol: 'WAVES', timeframe: '1d', bars: waves(100) })
    const { bars: _, ...stored } = request({ startDate: '1999-01-01', endDate: '1999-12-31' })
    const error = await failure(engine.runBacktest(stored), 'NO_DATA')
    expect(error.message).toContain('WAVES')
    expect(error.message).toContain('2020-01-01')
    expect(error.message).toContain('2020-04-09')
  })

  test('in bars that were handed in, outside of the range', async () => {
    await failure(newEngine().runBacktest(request({ startDate: '1999-01-01', endDate: '1999-12-31' })), 'NO_DATA')
  })

  test('of a timeframe finer than what there is', async () => {
    const engine = newEngine()
    await engine.importBars({ assetSymbol: 'WAVES', timeframe: '1d', bars: waves(100) })
    const { bars: _, ...stored } = request({ timeframe: '1h' })
    const error = await failure(engine.runBacktest(stored), 'NO_DATA')
    expect(error.message).toContain('1h')
    expect(error.message).toContain('1d')
  })
})

describe('the settings of an engine', () => {
  test('are checked, all at once, by name', async () => {
    const create = async () =>
      newEngine(untyped({ cacheTtlSeconds: -1, maxConcurrentBacktests: 0, logLevl: 'info', logFormat: 'xml' }))
    const error = await failure(create(), 'INVALID_ARGUMENT')
    const text = JSON.stringify(error.issues)
    for (const name of ['cacheTtlSeconds', 'maxConcurrentBacktests', 'logFormat', 'did you mean logLevel?']) {
      expect(text).toContain(name)
    }
  })

  test('tell that PostgreSQL is not there yet, without the password', async () => {
    const use = async () => newEngine({ databaseUrl: 'postgresql://me:secret@localhost/db' }).listBacktests()
    const error = await use().catch((reason: Error) => reason)
    expect(error).toBeInstanceOf(Error)
    expect(String((error as Error).message)).not.toContain('secret')
    expect(String((error as Error).stack)).not.toContain('secret')
  })
})

test('the process lives on after every kind of failure', async () => {
  const engine = newEngine()
  await failure(engine.runBacktest(request({ initialCapital: 0 })), 'INVALID_ARGUMENT')
  await failure(engine.runBacktest(request({ startDate: '1999-01-01', endDate: '1999-12-31' })), 'NO_DATA')
  await failure(engine.getMetrics('bt-000000000000'), 'NOT_FOUND')
  expect((await engine.runBacktest(request())).status).toBe('completed')
})
