import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { runInThisContext } from 'node:vm'
import { Worker } from 'node:worker_threads'
import { describe, expect, test } from 'vitest'
import * as backtesting from '../index.js'
import { failure, folder, inProcess, issueAt, newEngine, ROOT, rejection, request, untyped, waves } from './support.js'

type Any = Record<string, (...given: unknown[]) => Promise<unknown>>

type Engine = backtesting.BacktestEngine
type Call = (engine: Engine, argument: unknown) => Promise<unknown>

/** Every call with an argument of the caller. */
const METHODS = ['runBacktest', 'listBacktests', 'registerStrategy', 'validateStrategy', 'importBars', 'renderChart']
const READERS: [string, Call][] = [
  ...METHODS.map((name): [string, Call] => [
    name,
    (engine, argument) => (engine as unknown as Any)[name]?.call(engine, argument) ?? Promise.resolve(),
  ]),
  ['simulateSignals', (_, argument) => backtesting.simulateSignals(untyped<backtesting.SignalsRequest>(argument))],
  ['options of runBacktest', (engine, options) => engine.runBacktest(request(), untyped(options))],
  ['options of renderChart', (engine, options) => engine.renderChart('bt-000000000000', untyped(options))],
  ['names of getMetrics', (engine, names) => engine.getMetrics('bt-000000000000', untyped<[]>(names))],
]

/** Values to throw, as program texts, so that other processes can create them too. */
const THROWN = [
  "new Error('mine')",
  "'text'",
  'undefined',
  'null',
  '10n',
  "Symbol('mine')",
  'Object.create(null)',
  '(() => { const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); return proxy })()',
  "new Proxy({}, new Proxy({}, { get() { throw new Error('trap') } }))",
  "Object.defineProperty(new Error(), 'stack', { get() { throw new Error('stack') } })",
  "Object.defineProperty(new Error(), 'message', { get() { throw new Error('message') } })",
  "Object.defineProperty(new Error(), 'name', { get() { throw new Error('name') } })",
  "Object.assign(new Error(), { name: Symbol('n'), message: { toString: null } })",
  "(() => { const error = new Error('cyclic'); error.cause = error; return error })()",
  "new Error('\\u001b[31mred\\u0000\\u202e\\ud800')",
  "new Error('x'.repeat(2 ** 28))",
  "new Error('\\ufeff'.repeat(10_000))",
]
const thrown = () => THROWN.map((text): unknown => runInThisContext(text))

describe('a listener', () => {
  test.each([
    ['throws', '() => { throw thrown }'],
    ['rejects', 'async () => { throw thrown }'],
    ['returns a thenable whose then throws', '() => ({ get then() { throw thrown } })'],
    ['returns a thenable that rejects twice', '() => ({ then(_, no) { no(thrown); no(thrown) } })'],
  ])(
    'that %s affects neither the backtest nor the process and causes one warning',
    async (_, listener) => {
      const { status, stdout, stderr } = await inProcess(
        `const warnings = []
       process.on('warning', ({ name, message }) => { if (name === 'BacktestWarning') warnings.push(message) })
       const engine = new backtesting.BacktestEngine({ logLevel: 'off' })
       const close = Float64Array.from({ length: 30 }, (_, bar) => 10 + Math.sin(bar))
       const timestamps = Float64Array.from({ length: 30 }, (_, bar) => bar * 86400000)
       const request = { strategyId: 'rsi', assetSymbol: 'X', startDate: '1970-01-01', endDate: '1970-01-31',
         initialCapital: 1, persist: false, bars: { timestamps, open: close, high: close, low: close, close } }
       const found = []
       for (const thrown of [${THROWN.join(', ')}]) {
         const { status } = await engine.runBacktest(request, { onProgress: ${listener} })
         await new Promise((resolve) => setTimeout(resolve, 5))
         found.push([status, ...warnings.splice(0)])
       }
       console.log(JSON.stringify(found))`,
        { environment: { DATA_DIR: folder() } },
      )
      expect(status, stderr).toBe(0)
      const found = JSON.parse(stdout) as string[][]
      expect(found).toHaveLength(THROWN.length)
      for (const [index, [status, warning, ...more]] of found.entries()) {
        expect(status).toBe('completed')
        expect(warning, THROWN[index]).toMatch(/^onProgress threw: /)
        expect(warning?.length).toBeLessThan(2_100)
        expect(warning).not.toMatch(UNSAFE_EXCEPT_LINE_FEED)
        expect(more).toEqual([])
      }
    },
    60_000,
  )

  test('has no effect even if the warning cannot be emitted', async () => {
    const { status, stdout } = await inProcess(
      `process.emitWarning = () => { throw new Error('nobody') }
       const engine = new backtesting.BacktestEngine({ logLevel: 'off' })
       const close = Float64Array.from({ length: 30 }, (_, bar) => 10 + Math.sin(bar))
       const timestamps = Float64Array.from({ length: 30 }, (_, bar) => bar * 86400000)
       const { status } = await engine.runBacktest({ strategyId: 'rsi', assetSymbol: 'X', startDate: '1970-01-01',
         endDate: '1970-01-31', initialCapital: 1, persist: false,
         bars: { timestamps, open: close, high: close, low: close, close } }, { onProgress() { throw 1 } })
       console.log(status)`,
      { environment: { DATA_DIR: folder() } },
    )
    expect([status, stdout]).toEqual([0, 'completed\n'])
  })
})

const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u
const UNSAFE_EXCEPT_LINE_FEED = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u

describe('a value that is thrown while an argument is read', () => {
  // Of a result, only the fields that a chart needs are read.
  const readers = READERS.filter(([name]) => name !== 'renderChart')
  test.each(readers)('by a getter is the cause of the rejection: %s', async (_, call) => {
    const engine = newEngine()
    for (const value of thrown()) {
      const argument = Object.defineProperty({}, 'field', {
        enumerable: true,
        get() {
          throw value
        },
      })
      const error = await failure(call(engine, argument), 'INVALID_ARGUMENT')
      expect(Object.hasOwn(error, 'cause')).toBe(true)
      expect(Object.is(error.cause, value)).toBe(true)
      expect(error.issues.map((issue) => issue.code)).toEqual(['threw'])
      expect(error.issues[0]?.path).toMatch(/field$/)
      expect(error.message).toContain('field threw ')
      expect(error.message).not.toMatch(UNSAFE)
      expect(error.message.length).toBeLessThanOrEqual(2_000)
    }
  })

  test.each(['ownKeys', 'getPrototypeOf', 'get', 'getOwnPropertyDescriptor'])(
    'by the proxy trap %s is the cause',
    async (trap) => {
      const engine = newEngine()
      const mine = new Error('mine')
      const argument = new Proxy(request(), {
        [trap]() {
          throw mine
        },
      })
      for (const [name, call] of readers) {
        if (name.startsWith('names')) continue
        expect((await failure(call(engine, argument), 'INVALID_ARGUMENT')).cause, name).toBe(mine)
      }
    },
  )

  test('is reported with its path', async () => {
    const engine = newEngine()
    const evil = {
      get fast_period(): number {
        throw new RangeError('no period')
      },
    }
    const error = await failure(engine.runBacktest(request({ parameters: evil })), 'INVALID_ARGUMENT')
    expect(error.message).toBe('parameters.fast_period threw RangeError: no period')
    expect(issueAt(error, 'parameters.fast_period').code).toBe('threw')
    const names = Object.defineProperty(['sharpeRatio', 'x'], 1, {
      get() {
        throw 'mine'
      },
    })
    const other = await failure(engine.getMetrics('bt-000000000000', untyped<[]>(names)), 'INVALID_ARGUMENT')
    expect([other.message, other.cause]).toEqual(['metrics[1] threw mine', 'mine'])
    const strategy = {
      get generateSignals() {
        throw mine
      },
    }
    const mine = new Error('mine')
    const third = await failure(engine.registerStrategy(untyped(strategy)), 'INVALID_ARGUMENT')
    expect([third.message, third.cause]).toEqual(['strategy.generateSignals threw Error: mine', mine])
  })

  test('by a trade is the cause, even if its own causes are cyclic', async () => {
    const engine = newEngine()
    const result = await engine.runBacktest(request())
    const cyclic = new Error('cyclic')
    cyclic.cause = cyclic
    const trades = [
      new Proxy({} as backtesting.Trade, {
        get() {
          throw cyclic
        },
      }),
    ]
    const error = await failure(engine.renderChart({ ...result, trades }), 'INVALID_ARGUMENT')
    expect(error.cause).toBe(cyclic)
  })

  test('by a strategy function or its result is the cause', async () => {
    const engine = newEngine()
    for (const value of thrown()) {
      const throws = () => {
        throw value
      }
      for (const generateSignals of [
        throws,
        () => Object.defineProperty({ exits: [] }, 'entries', { enumerable: true, get: throws }),
        () => ({
          entries: Object.defineProperty(new Array(366).fill(0), 7, { get: throws }),
          exits: new Uint8Array(366),
        }),
        () => new Proxy({}, { ownKeys: throws }),
        () => Object.defineProperty({}, 'then', { get: throws }),
      ]) {
        await engine.registerStrategy({ id: 'mine', generateSignals: untyped(generateSignals) })
        const error = await failure(
          engine.runBacktest(request({ strategyId: 'mine', parameters: {} })),
          'INVALID_ARGUMENT',
        )
        expect(Object.is(error.cause, value)).toBe(true)
        expect(error.message).toMatch(/^strategy\.generateSignals(\.entries)? threw /)
        expect(error.message).not.toMatch(UNSAFE)
      }
    }
  }, 60_000)

  test('by a fake signal is the cause', async () => {
    const engine = newEngine()
    const mine = new Error('mine')
    const throws = () => {
      throw mine
    }
    const signal = { aborted: false, addEventListener: () => {}, removeEventListener: () => {} }
    const run = (like: object) => engine.runBacktest(request(), { signal: untyped({ ...signal, ...like }) })
    expect((await failure(run({ addEventListener: throws }), 'INVALID_ARGUMENT')).cause).toBe(mine)
    const getter = Object.defineProperty({ ...signal }, 'aborted', { get: throws })
    const refused = engine.runBacktest(request(), { signal: untyped(getter) })
    expect((await failure(refused, 'INVALID_ARGUMENT')).cause).toBe(mine)
    expect(await run({ removeEventListener: throws })).toMatchObject({ status: 'completed' })
    const reason = Object.defineProperty({ ...signal, aborted: true }, 'reason', { get: throws })
    const aborted = await rejection(engine.runBacktest(request(), { signal: untyped(reason) }))
    expect(aborted).toMatchObject({ name: 'AbortError', code: 'ABORT_ERR' })
  })

  test('by process.env is not ignored', async () => {
    const { stdout } = await inProcess(
      `const mine = new Error('mine')
       process.env = new Proxy({}, { get() { throw mine } })
       const error = await backtesting.listBacktests().catch((error) => error)
       require('node:fs').writeSync(1, [error.code, error.message, error.cause === mine].join(' '))`,
      { environment: { DATA_DIR: folder() } },
    )
    expect(stdout).toBe('INVALID_ARGUMENT process.env threw Error: mine true')
  })
})

describe('functions do not throw', () => {
  test.each(READERS)('for keys with NUL: %s', async (name, call) => {
    const engine = newEngine()
    const argument = name.startsWith('names') ? ['a\0b'] : { 'a\0b': 1, '\ud800': 2, __proto: 3 }
    if (name === 'validateStrategy') {
      const { errors } = (await call(engine, argument)) as { errors: string[] }
      return expect(errors.join()).toContain('a\\u{0}b')
    }
    const error = await failure(call(engine, argument), 'INVALID_ARGUMENT')
    if (name !== 'renderChart') expect(error.message).toContain(name.startsWith('names') ? 'a\\0b' : 'a\\u{0}b')
    expect(error.message).not.toMatch(UNSAFE)
    for (const { path, message } of error.issues) expect(path + message).not.toMatch(UNSAFE)
  })

  test('for methods without their engine', async () => {
    const engine = newEngine()
    for (const name of Object.getOwnPropertyNames(backtesting.BacktestEngine.prototype)) {
      // `limits` returns no promise, and throws.
      if (name === 'constructor' || name === 'limits') continue
      const method = (engine as unknown as Any)[name] as Any[string]
      expect(method.name).toBe(name)
      for (const receiver of [undefined, {}, Object.create(backtesting.BacktestEngine.prototype)]) {
        const called = method.call(receiver)
        // A sweep in parts rejects its first part.
        const settled = name === 'sweep' ? untyped<AsyncIterableIterator<unknown>>(called).next() : called
        const error = await failure(settled, 'INVALID_ARGUMENT')
        expect(error.message).toContain(`engine.${name}(`)
        expect(error.cause).toBeInstanceOf(TypeError)
      }
    }
  })

  test('except for a constructor without new, like every class', () => {
    expect(() => untyped<() => void>(backtesting.BacktestEngine)()).toThrow(TypeError)
    class Mine extends backtesting.BacktestEngine {}
    const mine = new Mine({ dataDir: folder(), logLevel: 'off' })
    expect(mine).toBeInstanceOf(backtesting.BacktestEngine)
    return mine.close()
  })

  test('if an argument calls them again, closes the engine or detaches a buffer', async () => {
    const engine = newEngine()
    const bars = waves(366)
    const argument = {
      ...request(),
      get bars() {
        void engine.runBacktest(request({ persist: false }))
        return {
          ...bars,
          get volume() {
            if (bars.close.length > 0) structuredClone(bars.close, { transfer: [bars.close.buffer as ArrayBuffer] })
            return bars.volume
          },
        }
      },
    }
    const error = await failure(engine.runBacktest(argument), 'BAD_DATA')
    expect(issueAt(error, 'bars.close').message).toBe('bars.close has 0 values for 366 timestamps')
    const closing = {
      ...request(),
      get persist() {
        void engine.close()
        return false
      },
    }
    await failure(engine.runBacktest(closing), 'CLOSED')
  })

  test('even if stacks cannot be formatted', async () => {
    const { stdout } = await inProcess(
      `Error.prepareStackTrace = () => { throw new Error('mine') }
       const error = await backtesting.getMetrics(1).catch((error) => error)
       console.log(error.code, error.message)`,
      { environment: { DATA_DIR: folder() } },
    )
    expect(stdout).toBe('INVALID_ARGUMENT backtestId must be a string, was number 1\n')
  })
})

describe('an argument that is too large', () => {
  test('is rejected at once: values, texts, sparse arrays, and objects that expand', async () => {
    const engine = newEngine()
    let tree: object = { leaf: 1 }
    for (let level = 0; level < 15; level++) tree = { a: tree, b: tree, c: tree, d: tree }
    const text = 'x'.repeat(2 ** 29 - 24)
    const long = new Array(2 ** 32 - 1)
    const drawn = await engine.runBacktest(request())
    const cases: [() => Promise<unknown>, string][] = [
      [() => engine.getMetrics('bt-000000000000', new Array(1_000_000).fill(null)), 'metrics'],
      [() => engine.getMetrics('bt-000000000000', long), 'metrics'],
      [() => engine.getMetrics(text), 'backtestId'],
      [() => engine.runBacktest(request({ parameters: tree as never })), 'parameters'],
      [() => engine.runBacktest(request({ strategyId: text })), 'strategyId'],
      [() => engine.runBacktest(request({ bars: { ...waves(2), close: long as never } })), 'bars.close[0]'],
      [
        () =>
          engine.runBacktest(untyped(Object.fromEntries(Array.from({ length: 100_000 }, (_, at) => [`k${at}`, at])))),
        '',
      ],
      [
        () =>
          backtesting.simulateSignals(
            untyped<backtesting.SignalsRequest>({ close: long, entries: long, exits: long, initialCapital: 1 }),
          ),
        'close[0]',
      ],
      [() => engine.renderChart(untyped({ ...drawn, trades: long })), 'result.trades'],
    ]
    for (const [call, path] of cases) {
      const start = performance.now()
      const error = await failure(call(), 'INVALID_ARGUMENT')
      expect(performance.now() - start).toBeLessThan(5_000)
      expect(error.issues[0]?.path.startsWith(path), `${error.issues[0]?.path} begins with ${path}`).toBe(true)
      expect(error.message.length).toBeLessThan(500)
    }
  })

  test('has its problems counted', async () => {
    const engine = newEngine()
    const names = Array.from({ length: 9_000 }, (_, at) => `nope${at}${'x'.repeat(50)}`)
    const error = await failure(engine.getMetrics('bt-000000000000', untyped<[]>(names)), 'INVALID_ARGUMENT')
    expect(error.issues).toHaveLength(101)
    expect(error.issues.at(-1)).toEqual({ path: '', code: 'more', message: 'and 8900 more problems' })
    expect(error.message).toMatch(/^more than 100 problems: metrics\[0\]: unknown metric "nope0x+"…?; the nearest of/)
    expect(error.message).toMatch(/; and 8900 more problems$/)
    expect(error.message.length).toBeLessThan(8_001)
    const parameters = Object.fromEntries(names.map((name) => [name, 1]))
    const { issues, valid, errors } = await engine.validateStrategy({ strategyId: 'rsi', parameters })
    expect([issues.length, valid, errors.at(-1)]).toEqual([101, false, 'and 8900 more problems'])
  })

  test('or a text of it is truncated and escaped in messages', async () => {
    const engine = newEngine()
    const evil = `\x1b[31m\u202e\0\n${'x'.repeat(10_000)}`
    const calls: [backtesting.ErrorCode, () => Promise<unknown>][] = [
      ['UNKNOWN_STRATEGY', () => engine.runBacktest(request({ strategyId: evil }))],
      ['INVALID_ARGUMENT', () => engine.runBacktest(request({ assetSymbol: evil }))],
      ['INVALID_ARGUMENT', () => engine.runBacktest(request({ startDate: evil }))],
      ['INVALID_ARGUMENT', () => engine.runBacktest(request({ parameters: { [evil]: 1 } }))],
      ['INVALID_ARGUMENT', () => engine.runBacktest({ ...request(), [evil]: 1 })],
      ['INVALID_ARGUMENT', () => engine.runBacktest(request(), untyped({ [evil]: 1 }))],
      ['INVALID_ARGUMENT', () => engine.runBacktest(request({ bars: untyped({ ...waves(2), [evil]: 1 }) }))],
      ['NOT_FOUND', () => engine.getMetrics(evil)],
      ['INVALID_ARGUMENT', () => engine.getMetrics('bt-000000000000', untyped<[]>([evil]))],
      ['INVALID_ARGUMENT', () => engine.listBacktests({ before: evil })],
      ['INVALID_ARGUMENT', () => engine.importBars({ assetSymbol: 'X', timeframe: '1d', bars: `${evil}.csv` })],
      ['INVALID_ARGUMENT', () => engine.importBars({ assetSymbol: 'X', timeframe: '1d', bars: evil })],
      ['NOT_FOUND', () => engine.renderChart(evil)],
      [
        'INVALID_ARGUMENT',
        () => engine.registerStrategy({ id: evil, entries: evil, exits: `${'x'.repeat(5_000)} > 1` }),
      ],
      [
        'INVALID_ARGUMENT',
        () =>
          engine.registerStrategy({
            id: 'x',
            entries: 'close > 1',
            exits: `'${'x'.repeat(5_000)}' > 1`,
            parameters: { [evil]: untyped(1) },
          }),
      ],
    ]
    for (const [code, call] of calls) {
      const error = await failure(call(), code)
      expect(error.message).not.toMatch(UNSAFE)
      expect(error.message.length).toBeLessThan(12_000)
      for (const { path, message } of error.issues) {
        expect(path + message).not.toMatch(UNSAFE)
        expect(path.length).toBeLessThan(501)
      }
    }
  })
})

describe('columns', () => {
  test('in plain arrays give the same result as typed arrays, and their first invalid item is reported', async () => {
    const engine = newEngine()
    const bars = waves(366)
    const plain = Object.fromEntries(Object.entries(bars).map(([name, column]) => [name, [...column]]))
    const one = await engine.runBacktest(request({ bars }))
    const other = await engine.runBacktest(request({ bars: untyped(plain) }))
    expect(other.equityCurve).toEqual(one.equityCurve)
    const at = async (name: string, index: number, value: unknown) => {
      const column = [...(plain[name] as number[])] as unknown[]
      column[index] = value
      const bars = untyped<backtesting.Bars>({ ...plain, [name]: column })
      return (await failure(engine.runBacktest(request({ bars })), 'INVALID_ARGUMENT')).message
    }
    expect(await at('close', 300, '5')).toBe('bars.close[300] must be a number, was string "5"')
    expect(await at('high', 2, null)).toBe('bars.high[2] must be a number, was null')
    expect(await at('volume', 365, { a: 1 })).toMatch(/^bars\.volume\[365\] must be a number, was a/)
    const signals = { close: [1, 2, 3], entries: [0, 1, true], exits: [0, false, 1], initialCapital: 1 }
    expect((await backtesting.simulateSignals(untyped<backtesting.SignalsRequest>(signals))).equityCurve).toHaveLength(
      3,
    )
    const wrong = backtesting.simulateSignals(untyped<backtesting.SignalsRequest>({ ...signals, exits: [0, 2, 1] }))
    expect((await failure(wrong, 'INVALID_ARGUMENT')).message).toBe('exits[1] must be 0 or 1, was number 2')
  })

  test('over detached, shrunk, growing or shared memory are read as they are', async () => {
    const engine = newEngine()
    const Growing = ArrayBuffer as unknown as new (
      bytes: number,
      options: object,
    ) => ArrayBuffer & { resize(n: number): void }
    const buffer = new Growing(8 * 366, { maxByteLength: 8 * 1000 })
    const tracking = new Float64Array(buffer)
    tracking.set(waves(366).close)
    const bars = { ...waves(366), close: tracking }
    expect(await engine.runBacktest(request({ bars }))).toMatchObject({ status: 'completed' })
    const fixed = new Float64Array(buffer, 8, 365)
    buffer.resize(80)
    expect((await failure(engine.runBacktest(request({ bars })), 'BAD_DATA')).message).toContain('has 10 values')
    const gone = request({ bars: { ...bars, close: fixed } })
    expect((await failure(engine.runBacktest(gone), 'BAD_DATA')).message).toContain('has 0 values')
    const shared = Object.fromEntries(
      Object.entries(waves(366)).map(([name, column]) => {
        const copy = new Float64Array(new SharedArrayBuffer(column.byteLength))
        copy.set(column)
        return [name, copy]
      }),
    )
    const one = await engine.runBacktest(request())
    expect((await engine.runBacktest(request({ bars: untyped(shared) }))).equityCurve).toEqual(one.equityCurve)
  })

  test('over shared memory that another thread changes are checked after they were copied', async () => {
    const engine = newEngine()
    const count = 200
    const bars = Object.fromEntries(
      Object.entries(waves(count)).map(([name, column]) => {
        const copy = new Float64Array(new SharedArrayBuffer(column.byteLength))
        copy.set(column)
        return [name, copy]
      }),
    ) as unknown as backtesting.Bars
    const worker = new Worker(
      `const { workerData: { close, high } } = require('node:worker_threads')
       const sound = Float64Array.from(close)
       for (;;) for (let bar = 0; bar < close.length; bar++) {
         close[bar] = 1e12
         close[bar] = sound[bar]
       }`,
      { eval: true, workerData: bars },
    )
    try {
      const wanted = request({ bars, strategyId: 'buy_and_hold', parameters: {}, persist: false })
      let rejections = 0
      for (let run = 0; run < 3_000; run++) {
        const result = await engine.runBacktest(wanted).catch((error: backtesting.BacktestError) => error)
        if ('code' in result) {
          rejections += 1
          expect(result.code).toBe('BAD_DATA')
        } else {
          expect(Math.max(...result.equityCurve)).toBeLessThan(100_000)
        }
      }
      // Otherwise the test proves nothing.
      expect(rejections).toBeGreaterThan(0)
    } finally {
      await worker.terminate()
    }
  }, 60_000)
})

test('thousands of hostile calls of every export end in results or documented errors', () => {
  const fuzz = join(ROOT, 'scripts', 'fuzz', 'js.mjs')
  const { status, stdout, stderr } = spawnSync(process.execPath, [fuzz, '3000', '--seed', '13'], { encoding: 'utf8' })
  expect(status, `${stdout}\n${stderr}`).toBe(0)
}, 180_000)
