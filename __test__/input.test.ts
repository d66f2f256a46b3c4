import { describe, expect, test } from 'vitest'
import { type BacktestRequest, type SignalsRequest, simulateSignals } from '../index.js'
import { failure, issueAt, newEngine, request, untyped, waves } from './support.js'

describe('an invalid field is reported with its value and what is allowed', () => {
  // The case, the change to a valid request, the path and code of the issue, and what its message must contain besides the path.
  const cases: [string, object, string, string, string[]][] = [
    ['capital of zero', { initialCapital: 0 }, 'initialCapital', 'range', ['above 0', '0']],
    ['negative capital', { initialCapital: -5 }, 'initialCapital', 'range', ['above 0', '-5']],
    ['NaN as capital', { initialCapital: Number.NaN }, 'initialCapital', 'range', ['NaN']],
    ['infinite capital', { initialCapital: Number.POSITIVE_INFINITY }, 'initialCapital', 'range', ['above 0']],
    ['capital as text', { initialCapital: '10000' }, 'initialCapital', 'type', ['a number', '"10000"']],
    ['no symbol', { assetSymbol: undefined }, 'assetSymbol', 'required', ['required']],
    ['an empty symbol', { assetSymbol: '' }, 'assetSymbol', 'range', ['empty']],
    ['a text that is not a date', { startDate: 'yesterday' }, 'startDate', 'type', ['ISO 8601', '"yesterday"']],
    ['an invalid Date', { endDate: new Date(Number.NaN) }, 'endDate', 'type', ['was an invalid Date']],
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
  test('with several problems reports all of them at once', async () => {
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

  test('with unknown keys is rejected with the nearest known names', async () => {
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

  test('with the words of other libraries is rejected with the fields that they stand for', async () => {
    const words = { capital: 1, fees: 0, ticker: 'X', simulation: { takeProfit: 0.1, freq: '1d', sl_stop: 0.1 } }
    const error = await failure(newEngine().runBacktest(untyped({ ...request(), ...words })), 'INVALID_ARGUMENT')
    expect(error.issues.map(({ message }) => message)).toEqual([
      'unknown field simulation.takeProfit, write tpStop: 0.1',
      'unknown field simulation.freq, write timeframe beside simulation, not in it',
      'unknown field simulation.sl_stop, did you mean slStop?',
      'unknown field capital, did you mean initialCapital?',
      'unknown field fees: it belongs in simulation, write simulation: { fees: … }',
      'unknown field ticker, did you mean assetSymbol?',
    ])
    const signals = { close: [1], entries: [0], exits: [0], initialCapital: 1, commission: 0, freq: '1d' }
    const simulated = await failure(simulateSignals(untyped<SignalsRequest>(signals)), 'INVALID_ARGUMENT')
    expect(simulated.issues.map(({ message }) => message)).toEqual([
      'unknown field commission, did you mean fees?',
      'unknown field freq, did you mean timestamps?',
    ])
  })

  test.each([[undefined], [null], ['sma_crossover'], [42], [[]]])('must be an object, not %s', async (value) => {
    const error = await failure(newEngine().runBacktest(untyped(value)), 'INVALID_ARGUMENT')
    expect(issueAt(error, '').message).toMatch(/^the request must be an object, was /)
    expect(error.issues[0]?.path).toBe('')
  })

  test('that violates a condition between parameters is rejected with the condition', async () => {
    const parameters = { fast_period: 30, slow_period: 10 }
    const error = await failure(newEngine().runBacktest(request({ parameters })), 'INVALID_ARGUMENT')
    expect(error.message).toContain('fast_period')
    expect(error.message).toContain('slow_period')
    expect(error.message).toContain('30')
    expect(error.message).toContain('10')
    expect(error.issues).toHaveLength(1)
  })

  test('for an unknown strategy is rejected with the nearest known one', async () => {
    const error = await failure(newEngine().runBacktest(request({ strategyId: 'sma_crosover' })), 'UNKNOWN_STRATEGY')
    expect(error.message).toContain('sma_crosover')
    expect(error.message).toContain('sma_crossover')
    expect(error.retryable).toBe(false)
  })

  test('with no strategy or with two is rejected', async () => {
    const { strategyId: _, ...none } = request()
    const missing = await failure(newEngine().runBacktest(untyped(none)), 'INVALID_ARGUMENT')
    expect(issueAt(missing, 'strategyId').code).toBe('required')
    const both = { ...request(), strategy: { id: 'x', entries: 'close > 1', exits: 'close < 1' } }
    const error = await failure(newEngine().runBacktest(untyped(both)), 'INVALID_ARGUMENT')
    expect(issueAt(error, 'strategy').code).toBe('conflict')
  })

  test('that is rejected is not stored', async () => {
    const engine = newEngine()
    await failure(engine.runBacktest(request({ initialCapital: 0 })), 'INVALID_ARGUMENT')
    await failure(engine.runBacktest(request({ strategyId: 'nope' })), 'UNKNOWN_STRATEGY')
    expect(await engine.listBacktests()).toEqual([])
  })

  test('with invalid options is rejected', async () => {
    const engine = newEngine()
    const cases: [object, string, string][] = [
      [{ onProgress: 'loud' }, 'options.onProgress', 'type'],
      [{ signal: 'stop' }, 'options.signal', 'type'],
      [{ onProgres: () => {} }, 'options.onProgres', 'unknown'],
    ]
    for (const [options, path, code] of cases) {
      const error = await failure(engine.runBacktest(request(), untyped(options)), 'INVALID_ARGUMENT')
      expect(issueAt(error, path).code).toBe(code)
    }
  })
})

describe('bars that violate an invariant', () => {
  type Columns = ReturnType<typeof waves>
  const cases: [string, (bars: Columns) => void, string, string][] = [
    [
      'unordered',
      (bars) => bars.timestamps.copyWithin(10, 0, 1),
      'bars.timestamps[10]',
      'earlier than that of the previous bar',
    ],
    ['the same timestamp twice', (bars) => bars.timestamps.copyWithin(10, 9, 10), 'bars.timestamps[10]', 'duplicate'],
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
    // Every message contains a date.
    expect(error.message).toMatch(/2020-01-\d\d/)
  })

  test('columns of different lengths', async () => {
    const bars = { ...waves(50), close: new Float64Array(49).fill(100) }
    const error = await failure(newEngine().runBacktest(request({ bars })), 'BAD_DATA')
    expect(issueAt(error, 'bars.close').message).toContain('49 values for 50')
  })

  test('a missing column, an unknown one, and one without numbers', async () => {
    const { close: _, ...without } = waves(50)
    const bars = untyped<BacktestRequest['bars']>({ ...without, closes: waves(50).close, open: ['a'] })
    const engine = newEngine()
    const run = engine.runBacktest(request({ bars: bars as NonNullable<typeof bars> }))
    const error = await failure(run, 'INVALID_ARGUMENT')
    expect(error.issues.map(({ path, code }) => [path, code])).toEqual([
      ['bars.open[0]', 'type'],
      ['bars.close', 'required'],
      ['bars.closes', 'unknown'],
    ])
  })

  test('bytes that are not an Arrow table', async () => {
    const bars = new TextEncoder().encode('date,open,high,low,close\n')
    const error = await failure(newEngine().runBacktest(request({ bars })), 'BAD_DATA')
    expect(error.message).toContain('Arrow')
  })
})

describe('no bars', () => {
  test('for a symbol without bars', async () => {
    const { bars: _, ...stored } = request({ assetSymbol: 'NOPE' })
    const error = await failure(newEngine().runBacktest(stored), 'NO_DATA')
    expect(error.message).toContain('NOPE')
  })

  test('in the requested range; the message states the available one', async () => {
    const engine = newEngine()
    await engine.importBars({ assetSymbol: 'WAVES', timeframe: '1d', bars: waves(100) })
    const { bars: _, ...stored } = request({ startDate: '1999-01-01', endDate: '1999-12-31' })
    const error = await failure(engine.runBacktest(stored), 'NO_DATA')
    expect(error.message).toContain('WAVES')
    expect(error.message).toContain('2020-01-01')
    expect(error.message).toContain('2020-04-09')
  })

  test('of the request in the requested range', async () => {
    await failure(newEngine().runBacktest(request({ startDate: '1999-01-01', endDate: '1999-12-31' })), 'NO_DATA')
  })

  test('of a finer timeframe than the available one', async () => {
    const engine = newEngine()
    await engine.importBars({ assetSymbol: 'WAVES', timeframe: '1d', bars: waves(100) })
    const { bars: _, ...stored } = request({ timeframe: '1h' })
    const error = await failure(engine.runBacktest(stored), 'NO_DATA')
    expect(error.message).toContain('1h')
    expect(error.message).toContain('1d')
  })
})

describe('the settings of an engine', () => {
  test('are checked all at once', async () => {
    const create = async () =>
      newEngine(untyped({ cacheTtlSeconds: -1, maxConcurrentBacktests: 0, logLevl: 'info', logFormat: 'xml' }))
    const error = await failure(create(), 'INVALID_ARGUMENT')
    const text = JSON.stringify(error.issues)
    for (const name of ['cacheTtlSeconds', 'maxConcurrentBacktests', 'logFormat', 'did you mean logLevel?']) {
      expect(text).toContain(name)
    }
  })

  test('may contain a password, which no error repeats', async () => {
    const engine = newEngine({ databaseUrl: 'postgresql://me:secret@127.0.0.1:1/db' })
    const error = await failure(engine.listBacktests(), 'STORAGE')
    expect(error.message).not.toContain('secret')
    expect(error.stack).not.toContain('secret')
  })
})

test('the engine still works after every kind of failure', async () => {
  const engine = newEngine()
  await failure(engine.runBacktest(request({ initialCapital: 0 })), 'INVALID_ARGUMENT')
  await failure(engine.runBacktest(request({ startDate: '1999-01-01', endDate: '1999-12-31' })), 'NO_DATA')
  await failure(engine.getMetrics('bt-000000000000'), 'NOT_FOUND')
  expect((await engine.runBacktest(request())).status).toBe('completed')
})
