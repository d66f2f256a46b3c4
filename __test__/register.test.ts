import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { describe, expect, onTestFinished, test } from 'vitest'
import type {
  BacktestEngine,
  BacktestRequest,
  BacktestResult,
  Bars,
  FunctionStrategyDefinition,
  StrategyDefinition,
  StrategySignals,
} from '../index.js'
import {
  failure,
  folder,
  inProcess,
  issueAt,
  newEngine,
  type RequestChanges,
  ROOT,
  rejection,
  request,
  untyped,
  waves,
} from './support.js'

const CROSSING: StrategyDefinition = {
  id: 'own_crossing',
  name: 'Own "crossing"',
  description: 'Follows the\nclose across its average',
  type: 'trend',
  parameters: {
    period: { type: 'integer', default: 20, minimum: 2, maximum: 200, description: 'Bars' },
    slack: { type: 'number', default: 1e-7 },
    on: { type: 'boolean', default: true },
  },
  constraints: ['period > 2 or on'],
  entries: 'crossed_above(close, sma(close, period) + slack)\n  and on',
  exits: 'crossed_below(close, sma(close, period))',
}

/** Whether the close is above its mean of the last `period` bars, computed without a library. */
function aboveMean({ close }: Bars, period: number): boolean[] {
  return Array.from(close, (price, bar) => {
    if (bar + 1 < period) return false
    let sum = 0
    for (let back = 0; back < period; back++) sum += close[bar - back] ?? Number.NaN
    return price > sum / period
  })
}

const HONEST: FunctionStrategyDefinition = {
  id: 'by_hand',
  parameters: { period: { type: 'integer', default: 20, minimum: 2, maximum: 200 } },
  generateSignals: (bars, { period }) => {
    const above = aboveMean(bars, period)
    return {
      entries: Uint8Array.from(above, (value, bar) => Number(value && bar > 0 && above[bar - 1] === false)),
      exits: above.map((value, bar) => !value && bar > 0 && above[bar - 1] === true),
    }
  },
}

/** Creates a strategy with the given function. */
function doing(generateSignals: unknown): FunctionStrategyDefinition {
  return { id: 'doing', generateSignals: untyped(generateSignals) }
}

/** Returns empty signal columns, except for those given. */
function none(bars: Bars, others: object = {}): StrategySignals {
  const length = bars.close.length
  return { entries: new Uint8Array(length), exits: new Uint8Array(length), ...others }
}

/** Creates a request that contains its strategy. */
function spot({ strategy, ...changes }: RequestChanges & { strategy: StrategyDefinition }): BacktestRequest {
  const { strategyId: _, strategy: __, ...wanted } = request(changes)
  return { ...wanted, strategy }
}

async function run(engine: BacktestEngine, strategy: FunctionStrategyDefinition, changes: object = {}) {
  await engine.registerStrategy(strategy)
  return engine.runBacktest(request({ strategyId: strategy.id, parameters: {}, persist: false, ...changes }))
}

describe('a definition', () => {
  test('runs as if it were part of the request, and its text is stored with the run either way', async () => {
    const engine = newEngine()
    const onTheSpot = await engine.runBacktest(spot({ strategy: CROSSING, parameters: {} }))
    const info = await engine.registerStrategy(CROSSING)
    const named = await engine.runBacktest(request({ strategyId: CROSSING.id, parameters: {} }))
    expect(onTheSpot.trades.length).toBeGreaterThan(5)
    expect(named.trades).toEqual(onTheSpot.trades)
    expect(named.strategyId).toBe('own_crossing')
    for (const { backtestId } of [onTheSpot, named]) {
      const kept = await engine.getBacktestResults(backtestId)
      expect(kept?.strategySource).toBe(info.source)
      expect(kept?.strategySource).toContain('crossed_below(close, sma(close, period))')
    }
    const builtin = await engine.runBacktest(request())
    expect(builtin.strategySource).toBeNull()
  })

  test('is listed after the built-in ones, by id', async () => {
    const engine = newEngine()
    const before = (await engine.listStrategies()).map(({ id }) => id)
    for (const id of ['zz', 'aa', 'mm']) await engine.registerStrategy({ ...CROSSING, id })
    await engine.registerStrategy({ ...HONEST, id: 'bb' })
    const ids = (await engine.listStrategies()).map(({ id }) => id)
    expect(ids).toEqual([...before, 'aa', 'bb', 'mm', 'zz'])
  })

  test('is unchanged after a restart', async () => {
    const dataDir = folder()
    const first = newEngine({ dataDir })
    const info = await first.registerStrategy(CROSSING)
    expect(info).toMatchObject({
      id: 'own_crossing',
      name: 'Own "crossing"',
      description: 'Follows the\nclose across its average',
      type: 'trend',
      defaultParameters: { period: 20, slack: 1e-7, on: true, position_size: 1 },
    })
    const result = await first.runBacktest(request({ strategyId: CROSSING.id, parameters: { period: 9 } }))
    await first.close()
    const second = newEngine({ dataDir })
    expect((await second.listStrategies()).find(({ id }) => id === CROSSING.id)).toEqual(info)
    const again = await second.runBacktest(request({ strategyId: CROSSING.id, parameters: { period: 9 } }))
    expect(again.trades).toEqual(result.trades)
    expect(await second.validateStrategy({ strategyId: CROSSING.id })).toMatchObject({ valid: true })
  })

  test('survives the death of the process right after it was registered', async () => {
    const dataDir = folder()
    const program = `await backtesting.registerStrategy(${JSON.stringify(CROSSING)}); process.kill(process.pid, 'SIGKILL')`
    await inProcess(program, { environment: { DATA_DIR: dataDir, LOG_LEVEL: 'off' } })
    const ids = (await newEngine({ dataDir }).listStrategies()).map(({ id }) => id)
    expect(ids).toContain('own_crossing')
  })

  test('replaces one with the same id, even if another engine registered it', async () => {
    const dataDir = folder()
    const [one, two] = [newEngine({ dataDir }), newEngine({ dataDir })]
    await one.registerStrategy(CROSSING)
    const wanted = request({ strategyId: CROSSING.id, parameters: {} })
    const before = await two.runBacktest(wanted)
    await two.registerStrategy({ ...CROSSING, entries: 'false', exits: 'true' })
    const after = await one.runBacktest(wanted)
    expect(before.trades.length).toBeGreaterThan(0)
    expect(after.trades).toEqual([])
    // The earlier run keeps the text of its strategy.
    expect((await one.getBacktestResults(before.backtestId))?.strategySource).toContain('crossed_above')
    expect((await one.listStrategies()).filter(({ id }) => id === CROSSING.id)).toHaveLength(1)
  })

  test('is rejected with all its problems at once, and is not registered', async () => {
    const engine = newEngine()
    const broken = { ...CROSSING, id: 'broken', entries: 'rsii(close, 14) < 30', exits: 'clos > 1' }
    const error = await failure(engine.registerStrategy(broken), 'INVALID_ARGUMENT')
    expect(issueAt(error, 'strategy.entries').message).toMatch(/rsii.*rsi/)
    expect(issueAt(error, 'strategy.exits').message).toMatch(/clos.*close/)
    const mistyped = untyped<StrategyDefinition>({ id: 'rsi', entry: 'true', exits: 7, parameters: [] })
    const other = await failure(engine.registerStrategy(mistyped), 'INVALID_ARGUMENT')
    expect(other.issues.map(({ path }) => path).sort()).toEqual([
      'strategy.entries',
      'strategy.entry',
      'strategy.exits',
      'strategy.id',
      'strategy.parameters',
    ])
    for (const nothing of [undefined, null, 7, 'rsi', [], () => 1])
      await failure(engine.registerStrategy(untyped(nothing)), 'INVALID_ARGUMENT')
    expect((await engine.listStrategies()).map(({ id }) => id)).not.toContain('broken')
  })

  test('cannot have the id of a built-in strategy, and neither can a function', async () => {
    const engine = newEngine()
    for (const strategy of [CROSSING, HONEST]) {
      const error = await failure(engine.registerStrategy({ ...strategy, id: 'rsi' }), 'INVALID_ARGUMENT')
      expect(issueAt(error, 'strategy.id').message).toContain('built-in')
    }
    expect((await engine.runBacktest(request({ strategyId: 'rsi', parameters: {} }))).status).toBe('completed')
  })

  test('with an unknown id leads to a suggestion, also of registered strategies', async () => {
    const engine = newEngine()
    await engine.registerStrategy(CROSSING)
    const error = await failure(engine.runBacktest(request({ strategyId: 'own_crosing' })), 'UNKNOWN_STRATEGY')
    expect(error.message).toContain('did you mean own_crossing?')
  })

  test('needs the store: if it cannot be opened, registering and listing fail, and built-in strategies run', async () => {
    const engine = newEngine({ dataDir: join(ROOT, 'package.json', 'below a file') })
    await failure(engine.registerStrategy(CROSSING), 'STORAGE')
    await failure(engine.listStrategies(), 'STORAGE')
    await failure(engine.runBacktest(request({ strategyId: 'own', persist: false })), 'STORAGE')
    expect(await engine.validateStrategy({ strategyId: 'rsi' })).toMatchObject({ valid: true })
    expect((await engine.runBacktest(request({ persist: false }))).status).toBe('completed')
    expect((await run(engine, HONEST)).status).toBe('completed')
  })

  test('can be registered by the function of the package', async () => {
    const program = `const { id } = await backtesting.registerStrategy(${JSON.stringify(CROSSING)})
      console.log(id, (await backtesting.listStrategies()).some((strategy) => strategy.id === id))`
    const { stdout } = await inProcess(program, { environment: { DATA_DIR: folder(), LOG_LEVEL: 'off' } })
    expect(stdout).toBe('own_crossing true\n')
  })
})

describe('a function', () => {
  test('leads to the same trades as the equivalent strategy in the language', async () => {
    const engine = newEngine()
    const info = await engine.registerStrategy(HONEST)
    expect(info).toMatchObject({ id: 'by_hand', type: 'custom', defaultParameters: { period: 20, position_size: 1 } })
    expect(info.source).toBeUndefined()
    expect(info.parametersSchema).toMatchObject({ properties: { period: { minimum: 2, maximum: 200 } } })
    const listed = (await engine.listStrategies()).find(({ id }) => id === 'by_hand')
    expect(listed).toEqual(info)
    for (const period of [3, 20]) {
      const changes = { parameters: { period, position_size: 0.5 } }
      const byHand = await engine.runBacktest(request({ strategyId: 'by_hand', ...changes }))
      const strategy: StrategyDefinition = {
        id: 'text',
        parameters: HONEST.parameters ?? {},
        entries: 'close > sma(close, period) and shift(close, 1) <= shift(sma(close, period), 1)',
        exits: 'close <= sma(close, period) and shift(close, 1) > shift(sma(close, period), 1)',
      }
      const inText = await engine.runBacktest(spot({ strategy, ...changes }))
      expect(byHand.trades.length).toBeGreaterThan(5)
      // On the first bar with a mean, the language has no value for the previous bar.
      expect(byHand.trades.slice(-5)).toEqual(
        inText.trades.slice(-5).map((trade) =>
          expect.objectContaining({
            entryDate: trade.entryDate,
            exitDate: trade.exitDate,
          }),
        ),
      )
      expect(byHand.parameters).toEqual({ period, position_size: 0.5 })
      expect((await engine.getBacktestResults(byHand.backtestId))?.trades).toEqual(byHand.trades)
      expect(byHand.strategySource).toBeNull()
      expect(byHand.warnings.join()).not.toMatch(/look-ahead|repeatable|the strategy/)
    }
  })

  test('receives copies of all bars of the run, the parameters, and its strategy as this', async () => {
    const engine = newEngine()
    const bars = waves(366)
    const calls: { length: number; parameters: unknown; self: unknown }[] = []
    class Strategy {
      id = 'of_a_class'
      parameters = { period: { type: 'integer' as const, default: 7 } }
      generateSignals(given: Bars, parameters: Record<string, unknown>): StrategySignals {
        calls.push({ length: given.close.length, parameters, self: this })
        for (const name of ['timestamps', 'open', 'high', 'low', 'close', 'volume'] as const) {
          const column = given[name] as Float64Array
          expect(column).toEqual(bars[name].subarray(0, column.length))
          column.fill(Number.NaN)
        }
        parameters.period = 'spoiled'
        return none(given)
      }
    }
    const strategy = new Strategy()
    // Twice, because changes by the first run must not affect the second.
    for (let round = 0; round < 2; round++) await run(engine, strategy, { bars, parameters: {} })
    expect(calls.map(({ length }) => length)).toEqual([366, 183, 366, 183])
    expect(calls[0]?.self).toBe(strategy)
    const stored = newEngine()
    await stored.importBars({ assetSymbol: 'WAVES', timeframe: '1d', bars })
    await run(stored, strategy, { bars: undefined })
    await run(stored, strategy, { bars: undefined })
    expect(calls).toHaveLength(8)
  })

  test('has its parameters checked like any strategy', async () => {
    const engine = newEngine()
    await engine.registerStrategy({ ...HONEST, constraints: ['period < 150'] })
    const wrong = request({ strategyId: 'by_hand', parameters: { period: 1, perid: 3 } })
    const error = await failure(engine.runBacktest(wrong), 'INVALID_ARGUMENT')
    expect(error.issues.map(({ path }) => path).sort()).toEqual(['parameters.perid', 'parameters.period'])
    const broken = await engine.validateStrategy({ strategyId: 'by_hand', parameters: { period: 160 } })
    expect(broken.errors.join()).toContain('period < 150 does not hold')
    const odd = { ...HONEST, entries: 'true', parameters: { Period: { type: 'integer', default: 1 } } }
    const refused = await failure(engine.registerStrategy(untyped(odd)), 'INVALID_ARGUMENT')
    expect(issueAt(refused, 'strategy.entries').message).toContain('mutually exclusive')
    const named = await failure(engine.registerStrategy(untyped({ ...odd, entries: undefined })), 'INVALID_ARGUMENT')
    expect(named.issues[0]?.path).toBe('strategy.parameters.Period')
    const text = await failure(
      engine.registerStrategy(untyped({ id: 'x', generateSignals: 'text' })),
      'INVALID_ARGUMENT',
    )
    expect(issueAt(text, 'strategy.generateSignals').message).toContain('must be a function, was string "text"')
  })

  test('must be registered: a run and a validation reject one in the request', async () => {
    const engine = newEngine()
    const strategy = untyped<StrategyDefinition>(HONEST)
    const wanted = spot({ strategy, parameters: {} })
    const error = await failure(engine.runBacktest(wanted), 'INVALID_ARGUMENT')
    expect(issueAt(error, 'strategy.generateSignals').message).toContain('registerStrategy')
    expect((await engine.validateStrategy({ strategy })).errors.join()).toContain('registerStrategy')
  })

  test('sells short with short columns', async () => {
    const result = await run(
      newEngine(),
      doing((bars: Bars) => {
        const at = (...when: number[]) => Array.from(bars.close, (_, bar) => when.includes(bar))
        return { entries: at(), exits: at(), shortEntries: at(10), shortExits: at(20) }
      }),
    )
    expect(result.trades).toMatchObject([
      { direction: 'short', entryDate: '2020-01-11T00:00:00.000Z', exitDate: '2020-01-21T00:00:00.000Z' },
    ])
  })

  test.each<[string, (bars: Bars) => unknown, string, RegExp]>([
    [
      'throws',
      () => {
        throw new RangeError('too much')
      },
      '',
      /threw RangeError: too much/,
    ],
    [
      'throws no error',
      () => {
        throw 'a text'
      },
      '',
      /threw a text/,
    ],
    [
      'throws a value that cannot be shown',
      () => {
        throw {
          toString() {
            throw new Error('again')
          },
        }
      },
      '',
      /threw a value of type object/,
    ],
    [
      'throws undefined',
      () => {
        throw undefined
      },
      '',
      /threw undefined/,
    ],
    [
      'never stops calling itself',
      function again(bars): unknown {
        return [again(bars)]
      },
      '',
      /threw RangeError: Maximum call stack/,
    ],
    ['returns nothing', () => undefined, '', /must return an object with entries and exits, was null/],
    ['returns a number', () => 7, '', /must return an object.*was number 7/],
    ['returns an array', () => [[], []], '', /must return an object.*was an array of 2 items/],
    [
      'returns a column',
      (bars) => new Uint8Array(bars.close.length),
      '',
      /must return an object.*was a Uint8Array of 366 bytes/,
    ],
    ['is async', async (bars) => none(bars), '', /may not be async/],
    [
      'is async and fails',
      async () => {
        throw new Error('unheard')
      },
      '',
      /may not be async/,
    ],
    ['returns the global object', () => globalThis, '.entries', /is required/],
    ['omits the exits', (bars) => ({ entries: new Uint8Array(bars.close.length) }), '.exits', /is required/],
    [
      'returns too few items',
      (bars) => none(bars, { exits: new Uint8Array(365) }),
      '.exits',
      /exits must have one value for each of the 366 bars, has 365/,
    ],
    [
      'returns too many items',
      (bars) => none(bars, { entries: new Array(4294967295) }),
      '.entries',
      /366 bars, was a plain array of 4294967295 items/,
    ],
    [
      'returns a short plain array',
      (bars) => none(bars, { entries: [true] }),
      '.entries',
      /entries must have one value for each of the 366 bars, has 1$/,
    ],
    [
      'maps prices to flags',
      (bars) => none(bars, { entries: bars.close.map((price) => Number(price > 100)) }),
      '.entries',
      /a Uint8Array or an array of 0 and 1 or of booleans.*was a Float64Array of 366 items; Float64Array.map returns a Float64Array, use Uint8Array.from\(close, …\)/,
    ],
    [
      'returns prices',
      (bars) => none(bars, { entries: bars.close }),
      '.entries',
      /was a Float64Array of 366 items; Float64Array.map/,
    ],
    [
      'returns singles',
      (bars) => none(bars, { entries: Float32Array.from(bars.close) }),
      '.entries',
      /was a Float32Array of 366 items; Float32Array.map/,
    ],
    [
      'returns too many numbers',
      (bars) => none(bars, { entries: new Float64Array(bars.close.length + 1) }),
      '.entries',
      /was a typed array other than Uint8Array$/,
    ],
    [
      'returns integers',
      (bars) => none(bars, { entries: new Int8Array(bars.close.length) }),
      '.entries',
      /was a typed array other than Uint8Array$/,
    ],
    ['returns a string', (bars) => none(bars, { shortExits: '0101' }), '.shortExits', /was string "0101"/],
    [
      'returns a two',
      (bars) => none(bars, { entries: new Uint8Array(bars.close.length).fill(2, 30, 31) }),
      '.entries[30]',
      /entries\[30\] must be 0 or 1, was 2 \(bar of 2020-01-31\)/,
    ],
    [
      'returns a hole',
      (bars) => none(bars, { shortEntries: new Array(bars.close.length) }),
      '.shortEntries[0]',
      /must be 0 or 1, was null/,
    ],
    [
      'returns NaN',
      (bars) => none(bars, { exits: Array.from(bars.close, (_, bar) => (bar === 9 ? Number.NaN : 0)) }),
      '.exits[9]',
      /must be 0 or 1, was number NaN \(bar of 2020-01-10\)/,
    ],
    ['misspells a column', (bars) => none(bars, { entires: [] }), '.entires', /did you mean entries\?/],
    [
      'has a getter that throws',
      () => ({
        get entries() {
          throw new Error('sour')
        },
      }),
      '',
      /threw Error: sour/,
    ],
    [
      'has a proxy that throws',
      () =>
        new Proxy(
          {},
          {
            ownKeys() {
              throw new Error('trap')
            },
          },
        ),
      '',
      /threw Error: trap/,
    ],
    [
      'has items that throw',
      (bars) =>
        none(bars, {
          exits: Object.defineProperty(new Array(bars.close.length).fill(0), 3, {
            get() {
              throw new Error('item')
            },
          }),
        }),
      '',
      /threw Error: item/,
    ],
    [
      'detaches its result',
      (bars) => {
        const { entries, exits } = none(bars)
        structuredClone(entries, { transfer: [(entries as Uint8Array).buffer as ArrayBuffer] })
        return { entries, exits }
      },
      '.entries',
      /must have one value for each of the 366 bars, has 0$/,
    ],
  ])('that %s fails its run and nothing else', async (_, generateSignals, place, words) => {
    const engine = newEngine()
    await engine.registerStrategy(doing(generateSignals))
    const wanted = request({ strategyId: 'doing', parameters: {} })
    const error = await failure(engine.runBacktest(wanted), 'INVALID_ARGUMENT')
    expect(issueAt(error, `strategy.generateSignals${place}`).message).toMatch(words)
    expect(error.stack).toContain('register.test')
    const [kept] = await engine.listBacktests()
    expect(kept?.status).toBe('failed')
    const checked = await engine.validateStrategy({ strategyId: 'doing' })
    expect(checked.valid).toBe(false)
    expect((await engine.runBacktest(request({ persist: false }))).status).toBe('completed')
  })

  test('that throws is reported with the thrown value as the cause', async () => {
    const thrown = new TypeError('mine')
    const error = await failure(
      run(
        newEngine(),
        doing(() => {
          throw thrown
        }),
      ),
      'INVALID_ARGUMENT',
    )
    expect(error.message).toBe('strategy.generateSignals threw TypeError: mine')
    expect(error.cause).toBe(thrown)
    const text = await failure(
      run(
        newEngine(),
        doing(() => {
          throw 'text'
        }),
      ),
      'INVALID_ARGUMENT',
    )
    expect(text.cause).toBe('text')
    const other = await failure(
      run(
        newEngine(),
        doing(() => 1),
      ),
      'INVALID_ARGUMENT',
    )
    expect('cause' in other).toBe(false)
  })

  test('belongs to its engine and hides a definition with the same id, which replaces it when registered again', async () => {
    const dataDir = folder()
    const [one, two] = [newEngine({ dataDir }), newEngine({ dataDir })]
    await one.registerStrategy({ ...CROSSING, id: 'both' })
    await one.registerStrategy({ ...HONEST, id: 'both' })
    const source = async (engine: BacktestEngine) =>
      (await engine.listStrategies()).filter(({ id }) => id === 'both').map((strategy) => typeof strategy.source)
    expect(await source(one)).toEqual(['undefined'])
    expect(await source(two)).toEqual(['string'])
    await one.registerStrategy({ ...CROSSING, id: 'both' })
    expect(await source(one)).toEqual(['string'])
    await one.registerStrategy({ ...HONEST, id: 'gone' })
    await failure(two.runBacktest(request({ strategyId: 'gone' })), 'UNKNOWN_STRATEGY')
  })

  test('is replaced by the next one with the same id', async () => {
    const engine = newEngine()
    const counts = [0, 0]
    const counting = (number: 0 | 1) =>
      doing((bars: Bars) => {
        counts[number] = (counts[number] ?? 0) + 1
        return none(bars)
      })
    await run(engine, counting(0))
    await run(engine, counting(1))
    expect(counts).toEqual([2, 2])
  })

  test('supports concurrent runs, progress and abort', async () => {
    const engine = newEngine({ maxConcurrentBacktests: 8 })
    await engine.registerStrategy(HONEST)
    const wanted = (period: number) => request({ strategyId: 'by_hand', parameters: { period }, persist: false })
    const results = await Promise.all(Array.from({ length: 16 }, (_, index) => engine.runBacktest(wanted(3 + index))))
    const alone = await engine.runBacktest(wanted(7))
    expect(results[4]?.trades).toEqual(alone.trades)
    const stages: string[] = []
    await engine.runBacktest(wanted(5), { onProgress: ({ stage }) => stages.push(stage) })
    expect(stages).toContain('signals')
    expect(stages.at(-1)).toBe('completed')
    const controller = new AbortController()
    await engine.registerStrategy(
      doing((bars: Bars) => {
        controller.abort()
        return none(bars)
      }),
    )
    const aborted = engine.runBacktest(request({ strategyId: 'doing', parameters: {} }), { signal: controller.signal })
    expect(await rejection(aborted)).toMatchObject({ name: 'AbortError' })
  })

  test('can close the engine that calls it', async () => {
    const engine = newEngine()
    let closing: Promise<void> | undefined
    await engine.registerStrategy(
      doing((bars: Bars) => {
        closing = engine.close()
        return none(bars)
      }),
    )
    await failure(engine.runBacktest(request({ strategyId: 'doing', parameters: {} })), 'CLOSED')
    await closing
    await failure(engine.registerStrategy(HONEST), 'CLOSED')
  })
})

test('the function in the README runs and does not look ahead', async () => {
  const engine = newEngine()
  const program = /```js\n(await registerStrategy\([\s\S]*?)\nawait runBacktest/.exec(
    readFileSync(join(ROOT, 'README.md'), 'utf8'),
  )?.[1]
  const main = new Function('registerStrategy', `return (async () => { ${program} })()`)
  await main((strategy: FunctionStrategyDefinition) => engine.registerStrategy(strategy))
  expect(await engine.validateStrategy({ strategyId: 'three_up' })).toMatchObject({ valid: true, warnings: [] })
  const result = await engine.runBacktest(request({ strategyId: 'three_up', parameters: { streak: 2 } }))
  expect(result.trades.length).toBeGreaterThan(5)
})

describe('the look-ahead test of validateStrategy', () => {
  const check = async (generateSignals: (bars: Bars) => unknown) => {
    const engine = newEngine()
    await engine.registerStrategy(doing(generateSignals))
    return engine.validateStrategy({ strategyId: 'doing' })
  }
  const column = (bars: Bars, is: (bar: number) => boolean) => Array.from(bars.close, (_, bar) => is(bar))
  const at = (values: Float64Array, bar: number) => values[bar] ?? Number.NaN

  test('passes an honest function', async () => {
    const engine = newEngine()
    await engine.registerStrategy(HONEST)
    const good = { valid: true, errors: [], warnings: [], issues: [] }
    for (const period of [2, 20, 200])
      expect(await engine.validateStrategy({ strategyId: 'by_hand', parameters: { period } })).toEqual(good)
  })

  test.each<[string, string, (bars: Bars) => unknown]>([
    [
      'the next close',
      'entries',
      (bars) => none(bars, { entries: column(bars, (bar) => at(bars.close, bar + 1) > at(bars.close, bar)) }),
    ],
    [
      'the next close, for exits, rarely',
      'exits',
      (bars) => none(bars, { exits: column(bars, (bar) => at(bars.close, bar + 1) < at(bars.close, bar) * 0.971) }),
    ],
    [
      'the next open, in what does not happen',
      'shortEntries',
      (bars) => none(bars, { shortEntries: column(bars, (bar) => !(at(bars.open, bar + 1) > at(bars.open, bar))) }),
    ],
    [
      'the highest price of all',
      'entries',
      (bars) => {
        const top = bars.high.reduce((a, b) => Math.max(a, b))
        return none(bars, { entries: column(bars, (bar) => at(bars.close, bar) < top * 0.8) })
      },
    ],
    [
      'ten bars ahead',
      'entries',
      (bars) => none(bars, { entries: column(bars, (bar) => at(bars.close, bar + 10) > at(bars.close, bar) * 1.1) }),
    ],
    [
      'the number of bars',
      'exits',
      (bars) => none(bars, { exits: column(bars, (bar) => bar === bars.close.length - 1) }),
    ],
    [
      'a centered average',
      'entries',
      (bars) =>
        none(bars, {
          entries: column(
            bars,
            (bar) =>
              (at(bars.close, bar - 1) + at(bars.close, bar) + at(bars.close, bar + 1)) / 3 > at(bars.close, bar),
          ),
        }),
    ],
  ])('finds a look at %s', async (_, name, generateSignals) => {
    const { valid, issues, errors } = await check(generateSignals)
    expect(valid).toBe(false)
    expect(issues).toHaveLength(1)
    expect(issues[0]).toMatchObject({ code: 'look_ahead' })
    expect(issues[0]?.path).toMatch(new RegExp(`^strategy\\.generateSignals\\.${name}\\[\\d+\\]$`))
    expect(errors[0]).toMatch(
      new RegExp(
        `looks ahead: ${name} at bar \\d+ \\(202\\d-\\d\\d-\\d\\d\\) is [01] with all 600 bars but [01] with only the bars up to 202\\d-\\d\\d-\\d\\d$`,
      ),
    )
    // The date is that of the bar: the generated bars are days from 2020-01-01 on.
    const [, bar, date] = /bar (\d+) \((\S+)\)/.exec(errors[0] ?? '') ?? []
    expect(new Date(Date.UTC(2020, 0, 1 + Number(bar))).toISOString()).toContain(date)
  })

  test('warns if it cannot determine anything', async () => {
    expect((await check((bars) => none(bars))).warnings.join()).toMatch(/no signals for 600 generated daily bars/)
    let calls = 0
    const moody = await check((bars) => none(bars, { entries: column(bars, () => calls++ % 7 === 0) }))
    expect(moody).toMatchObject({
      valid: false,
      issues: [{ code: 'not_repeatable', message: expect.stringMatching(/not repeatable.*entries at bar/) }],
    })
    const picky = await check((bars) => {
      if (bars.close.length < 400) throw new Error('too few')
      return none(bars, { entries: column(bars, (bar) => bar % 10 === 0) })
    })
    expect(picky).toMatchObject({ valid: true, warnings: [expect.stringMatching(/fails on 1 bar: .*too few/)] })
  })

  describe('has a shorter version in every run', () => {
    test('which finds a function whose only signal is on the last bar', async () => {
      const engine = newEngine()
      await engine.registerStrategy({
        id: 'last',
        generateSignals: (bars) => none(bars, { entries: column(bars, (bar) => bar === bars.close.length - 1) }),
      })
      const { parameters: _, ...rest } = request()
      const error = await failure(engine.runBacktest(untyped({ ...rest, strategyId: 'last' })), 'INVALID_ARGUMENT')
      expect(error.issues[0]?.code).toBe('look_ahead')
    })

    const peeking = doing((bars: Bars) =>
      none(bars, { entries: column(bars, (bar) => at(bars.close, bar + 1) > at(bars.close, bar)) }),
    )
    const moody = () => {
      let calls = 0
      return doing((bars: Bars) => none(bars, { entries: column(bars, () => calls++ % 7 === 0) }))
    }
    const LOOK =
      /^generateSignals looks ahead: entries at bar \d+ \(2020-0\d-\d\d\) is 1 with all 366 bars but 0 with only the bars up to 2020-0\d-\d\d/

    test('which rejects a function that looks ahead, and says how to allow it', async () => {
      const engine = newEngine()
      const error = await failure(run(engine, peeking, { persist: true }), 'INVALID_ARGUMENT')
      expect(error.issues).toHaveLength(1)
      expect(error.issues[0]).toMatchObject({ code: 'look_ahead' })
      expect(error.issues[0]?.path).toMatch(/^strategy\.generateSignals\.entries\[\d+\]$/)
      expect(error.message).toMatch(LOOK)
      expect(error.message).toMatch(/or pass allowLookAhead: true to run it all the same$/)
      const [kept] = await engine.listBacktests()
      expect(kept).toMatchObject({ status: 'failed', lookAhead: null })
      // The bar of the message is that of the issue.
      expect(error.message).toContain(`at bar ${/\[(\d+)\]/.exec(error.issues[0]?.path ?? '')?.[1]} `)
    })

    test('which rejects a function that returns other signals for the same bars', async () => {
      const engine = newEngine()
      const error = await failure(run(engine, moody()), 'INVALID_ARGUMENT')
      expect(error.issues[0]).toMatchObject({ code: 'not_repeatable' })
      expect(error.message).toMatch(/^generateSignals is not repeatable: .*pass allowLookAhead: true/)
      const allowed = await run(engine, moody(), { allowLookAhead: true })
      expect(allowed).toMatchObject({
        lookAhead: true,
        notes: [{ code: 'LOOK_AHEAD' }, ...(allowed.notes?.slice(1) ?? [])],
      })
      expect(allowed.warnings[0]).toContain('not repeatable')
    })

    test('whose mark is in every result of a run that is allowed to look ahead', async () => {
      const engine = newEngine()
      const result = await run(engine, peeking, { persist: true, allowLookAhead: true })
      expect(result.lookAhead).toBe(true)
      expect(result.warnings[0]).toMatch(LOOK)
      expect(result.notes?.[0]).toMatchObject({
        code: 'LOOK_AHEAD',
        data: { signal: 'entries', bar: expect.any(Number) },
      })
      expect(await engine.getBacktestResults(result.backtestId)).toEqual(result)
      expect((await engine.listBacktests())[0]).toMatchObject({ lookAhead: true, notes: result.notes })
      const slim = { outputs: ['metrics'], persist: true, allowLookAhead: true }
      const metrics = await run(engine, peeking, slim)
      expect([metrics.lookAhead, 'notes' in metrics]).toEqual([true, false])
      expect((await engine.getBacktestResults(metrics.backtestId))?.lookAhead).toBe(true)
    })

    test('whose mark is in the chart', async () => {
      const engine = newEngine()
      const result = await run(engine, peeking, { persist: true, allowLookAhead: true })
      const svg = async (drawn: string | BacktestResult) =>
        Buffer.from(await engine.renderChart(drawn, { format: 'svg' })).toString()
      const marked = await svg(result)
      const plain = await svg({ ...result, lookAhead: false })
      expect(await svg(result.backtestId)).toBe(marked)
      expect(await svg(JSON.parse(JSON.stringify(result)))).toBe(marked)
      const texts = (picture: string) => picture.match(/<g transform/g)?.length
      expect(texts(marked)).toBe(Number(texts(plain)) + 1)
    })

    test('and no mark in a run of a sound function or of a definition', async () => {
      const engine = newEngine()
      expect((await run(engine, HONEST)).lookAhead).toBe(false)
      expect((await run(engine, HONEST, { allowLookAhead: true })).lookAhead).toBe(false)
      const definition = await engine.runBacktest(request({ allowLookAhead: true }))
      expect((await engine.getBacktestResults(definition.backtestId))?.lookAhead).toBe(false)
    })
  })
})

describe('a process', () => {
  const STRATEGY = `{ id: 'f', generateSignals: ({ close }) => ({ entries: close.map((_, bar) => bar % 7 === 0), exits: [] }) }`
  const BARS = `(() => { const close = Float64Array.from({ length: 300 }, (_, bar) => 100 + 20 * Math.sin(bar / 9)); return {
    timestamps: Float64Array.from({ length: 300 }, (_, bar) => Date.UTC(2020, 0, 1 + bar)), open: close, high: close, low: close, close } })()`
  const RUN = `{ strategyId: 'f', assetSymbol: 'X', startDate: '2020-01-01', endDate: '2020-12-31', initialCapital: 1000, bars: ${BARS} }`
  const SOUND = `{ id: 'f', generateSignals: ({ close }) => ({ entries: Array.from(close, (_, bar) => bar % 7 === 0), exits: Array.from(close, (_, bar) => bar % 7 === 3) }) }`
  const environment = () => ({ DATA_DIR: folder(), LOG_LEVEL: 'off' })

  test('exits even if a function is registered, and even if its run failed', async () => {
    const sound = await inProcess(
      `await backtesting.registerStrategy(${SOUND}); console.log((await backtesting.runBacktest(${RUN})).trades.length > 5)`,
      { environment: environment() },
    )
    expect(sound).toEqual({ status: 0, stdout: 'true\n', stderr: '' })
    const failed = await inProcess(
      `await backtesting.registerStrategy(${STRATEGY}); await backtesting.runBacktest(${RUN}).catch((error) => console.log(error.code))`,
      { environment: environment() },
    )
    expect(failed).toEqual({ status: 0, stdout: 'INVALID_ARGUMENT\n', stderr: '' })
  })

  test('can be exited by the function itself', async () => {
    const program = `await backtesting.registerStrategy({ id: 'f', generateSignals: () => process.exit(7) }); await backtesting.runBacktest(${RUN})`
    expect(await inProcess(program, { environment: environment() })).toEqual({ status: 7, stdout: '', stderr: '' })
  })

  test('frees a function when it is replaced and when the engine is closed', async () => {
    const program = `
      require('node:v8').setFlagsFromString('--expose-gc')
      const gc = require('node:vm').runInNewContext('gc')
      const engine = new backtesting.BacktestEngine({ logLevel: 'off' })
      const freed = []
      const registry = new FinalizationRegistry((name) => freed.push(name))
      const register = async (name) => {
        const strategy = ${SOUND}
        registry.register(strategy.generateSignals, name)
        await engine.registerStrategy(strategy)
        await engine.runBacktest(${RUN})
      }
      const until = async (count) => {
        for (let round = 0; round < 200 && freed.length < count; round++) { gc(); await new Promise((resolve) => setTimeout(resolve, 10)) }
        return freed.join()
      }
      await register('first'); await register('second')
      console.log(await until(1))
      await engine.close()
      console.log(await until(2))`
    const { stdout, stderr } = await inProcess(program, { environment: environment() })
    expect(stderr).toBe('')
    expect(stdout).toBe('first\nfirst,second\n')
  })

  test('runs functions in worker threads, and survives the termination of one inside a function', async () => {
    const program = `
      const { parentPort, workerData } = require('node:worker_threads')
      const backtesting = require(workerData.index)
      const main = async () => {
        const engine = new backtesting.BacktestEngine({ dataDir: workerData.dataDir, logLevel: 'off' })
        const strategy = ${SOUND}
        const { generateSignals } = strategy
        strategy.generateSignals = (bars) => {
          if (workerData.endless) { parentPort.postMessage('inside'); for (;;); }
          return generateSignals(bars)
        }
        await engine.registerStrategy(strategy)
        parentPort.postMessage((await engine.runBacktest(${RUN})).finalCapital)
      }
      main()`
    const start = (workerData: object) => {
      const worker = new Worker(program, {
        eval: true,
        workerData: { index: join(ROOT, 'index.js'), dataDir: folder(), ...workerData },
      })
      onTestFinished(() => worker.terminate().then(() => undefined))
      const message = new Promise((resolve, reject) => {
        worker.once('message', resolve)
        worker.once('error', reject)
      })
      return { worker, message }
    }
    const capital = await Promise.all(Array.from({ length: 3 }, () => start({}).message))
    expect(capital[0]).toBeGreaterThan(0)
    expect(new Set(capital).size).toBe(1)
    for (let round = 0; round < 3; round++) {
      const { worker, message } = start({ endless: true })
      expect(await message).toBe('inside')
      await worker.terminate()
    }
    expect(await start({}).message).toBe(capital[0])
  })
})
