/**
 * A child process of scripts/fuzz/js.mjs: runs cases one after the other and checks the results. It writes the number of each
 * case to a file before the case starts, so that a crash can be attributed to its case.
 *
 *   node scripts/fuzz/calls.mjs '{"seed": 1, "from": 0, "count": 100, "progress": FILE, "dataDir": FOLDER, …}'
 */

import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { ROOT } from '../lib.mjs'
import { Random } from './random.mjs'
import { anyText, anyThenable, anyThrown, anyValue, mutated } from './values.mjs'

/** @typedef {Record<string, any>} Any */
/** @typedef {{ case: number, call: string, problem: string, detail: string }} Failure */

const { seed, from, count, progress, dataDir, verbose, lenient } = JSON.parse(process.argv[2] ?? '{}')
process.env.DATA_DIR = dataDir
process.env.LOG_LEVEL = 'off'
/** @type {Any} */
const backtesting = createRequire(import.meta.url)(join(ROOT, 'index.js'))
const { BacktestEngine, BacktestError } = backtesting

/** Concurrent cases. */
const BATCH = 16
/** Limits on blocking the event loop and on the total time of a call, milliseconds: generous, for busy computers. */
const LONGEST_HOLD = 4_000
const LONGEST_CALL = 20_000
/** Limits on the bytes of an error message and of an issue message. */
const LONGEST_MESSAGE = 8_000
const LONGEST_ISSUE = 2_000
const LATE = Symbol('late')
const DAY = 86_400_000
// biome-ignore lint/suspicious/noControlCharactersInRegex: these must not occur in messages
const ACTS = /[\0-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]|[\ud800-\udfff]/u

const FUNCTIONS = Object.keys(backtesting).filter(
  (name) => typeof backtesting[name] === 'function' && !/^[A-Z]/.test(name),
)
/** `limits` takes no argument, and is the only method that returns no promise. */
const METHODS = Object.getOwnPropertyNames(BacktestEngine.prototype).filter(
  (name) => name !== 'constructor' && name !== 'limits',
)
const documented = readCodes()

/** @type {Failure[]} */
const failures = []
/** @type {Record<string, number>} */
const calls = {}
/** @type {Record<string, number>} */
const outcomes = {}
let longestHold = 0
/** @type {string | undefined} */
let current

process.on('unhandledRejection', (reason) => note(current, 'unhandled rejection', reason))
process.on('uncaughtException', (error) => note(current, 'uncaught exception', error))
process.on('warning', (warning) => {
  const text = warning.message.replaceAll('\n', ' ')
  if (ACTS.test(text) || text.length > 6_000) note('onProgress', 'unsafe warning', text)
  outcomes[warning.name] = (outcomes[warning.name] ?? 0) + 1
})

const delays = monitorEventLoopDelay({ resolution: 10 })
const file = openSync(progress, 'w')
const engine = new BacktestEngine({ dataDir, logLevel: 'off' })
const closed = new BacktestEngine({ dataDir, logLevel: 'off' })
await closed.close()
const samples = await makeSamples()
delays.enable()

const began = performance.now()
for (let at = from; at < from + count; at += BATCH) {
  writeSync(file, `${at}\n`.padEnd(16), 0)
  const batch = []
  for (let index = at; index < Math.min(at + BATCH, from + count); index++)
    batch.push(one(index).catch((error) => note(`${index} fuzzer`, 'the fuzzer itself failed', error)))
  await Promise.all(batch)
  await new Promise((resolve) => setImmediate(resolve))
  if (failures.length > 20) break
  if (verbose) process.stderr.write(`${at + BATCH}: ${Math.round(performance.now() - began)} ms\n`)
}
const seconds = (performance.now() - began) / 1000
closeSync(file)
await engine.close()
const stats = {
  calls,
  outcomes,
  failures,
  seconds,
  longestHold,
  longestDelay: delays.max / 1e6,
  rss: process.resourceUsage().maxRSS / 1024,
}
process.stdout.write(`${JSON.stringify(stats)}\n`, () => process.exit(0))

/**
 * Runs one case.
 * @param {number} index
 */
async function one(index) {
  const random = new Random(seed, index)
  const kind = random.below(20)
  if (kind === 0) return construct(index, random)
  const onEngine = kind > 4
  const name = pickName(random, onEngine ? METHODS.filter((method) => method !== 'close') : FUNCTIONS)
  /** @type {Any} */
  const target = onEngine ? pickEngine(random) : backtesting
  const side = { act: () => act(random) }
  let given = validArguments(name, random)
  if (random.chance(0.85)) given = given.map((value) => (random.chance(0.8) ? mutated(random, value, side) : value))
  if (random.chance(0.04)) given = given.slice(0, random.below(given.length + 1))
  if (random.chance(0.04)) given.push(anyValue(random), anyValue(random))
  if (random.chance(0.02)) given.reverse()
  if (random.chance(0.02)) given = [anyValue(random), anyValue(random)]
  let receiver = target
  if (onEngine && random.chance(0.02)) {
    const strangers = [undefined, null, 1, {}, Object.create(BacktestEngine.prototype), BacktestEngine, new Map()]
    receiver = random.pick(strangers)
  }
  const invoke = () => Reflect.apply(target[name], receiver, given)
  const isDeep = random.chance(0.001)
  await check(index, name, isDeep ? () => dive(invoke) : invoke, isDeep)
  if (target !== engine && target !== backtesting && target !== closed) await target.close()
}

/**
 * Returns the promise of the first part of a sweep in parts, and leaves it then; anything else as it is.
 * @param {any} value
 */
function firstPart(value) {
  if (typeof value?.[Symbol.asyncIterator] !== 'function') return value
  const part = value.next()
  void value.return()
  return part
}

/**
 * Calls a function and checks the outcome.
 * @param {number} index
 * @param {string} name
 * @param {() => any} invoke
 * @param {boolean} [isDeep] called where the stack ends
 */
async function check(index, name, invoke, isDeep = false) {
  const label = `${index} ${name}`
  current = label
  calls[name] = (calls[name] ?? 0) + 1
  if (verbose) process.stderr.write(`${label}\n`)
  const start = performance.now()
  let promise
  try {
    promise = firstPart(invoke())
  } catch (error) {
    // Without stack space, no function can be called.
    if (!isDeep) note(label, 'threw instead of rejecting', error)
    return
  }
  const held = performance.now() - start
  longestHold = Math.max(longestHold, held)
  if (verbose && held > 100) process.stderr.write(`${label} held ${Math.round(held)} ms\n`)
  if (held > LONGEST_HOLD) note(label, 'blocked the event loop', `${Math.round(held)} ms`)
  if (!(promise instanceof Promise)) return note(label, 'is no promise', promise)
  /** @type {NodeJS.Timeout | undefined} */
  let timer
  const late = new Promise((resolve) => {
    timer = setTimeout(() => resolve(LATE), LONGEST_CALL)
  })
  try {
    const value = await Promise.race([promise, late])
    if (value === LATE) return note(label, 'did not end', `within ${LONGEST_CALL} ms`)
    tally('resolved')
    const place = unsound(value, '')
    if (place !== undefined) note(label, 'result is not finite', place)
  } catch (error) {
    checkError(label, name, /** @type {any} */ (error), isDeep)
  } finally {
    clearTimeout(timer)
    const took = performance.now() - start
    if (verbose && took > 500) process.stderr.write(`${label} took ${Math.round(took)} ms\n`)
  }
}

/**
 * @param {string} label
 * @param {string} name
 * @param {any} error
 * @param {boolean} isDeep
 */
function checkError(label, name, error, isDeep) {
  if (error?.name === 'AbortError' && error.code === 'ABORT_ERR' && name === 'runBacktest') return tally('ABORT_ERR')
  if (!(error instanceof BacktestError)) {
    if (!isDeep) note(label, 'rejected with something else', error)
    return
  }
  tally(error.code)
  const allowed = documented[name]
  if (error.code === 'INTERNAL') {
    if (!lenient) note(label, 'INTERNAL', error)
  } else if (allowed !== undefined && !allowed.includes(error.code)) {
    note(label, `${error.code} is not documented`, error)
  }
  if (Buffer.byteLength(error.message) > LONGEST_MESSAGE) note(label, 'message is too long', error.message.length)
  if (error.issues.length > 101) note(label, 'too many issues', error.issues.length)
  if (ACTS.test(error.message)) note(label, 'message acts', JSON.stringify(error.message.slice(0, 500)))
  for (const { path, code, message } of error.issues) {
    if (ACTS.test(path + code + message)) note(label, 'issue acts', JSON.stringify([path, message]).slice(0, 500))
    if (Buffer.byteLength(message) > LONGEST_ISSUE) note(label, 'issue is too long', message.length)
  }
}

/**
 * Returns the path of a number that is not finite.
 * @param {any} value
 * @param {string} path
 * @returns {string | undefined}
 */
function unsound(value, path) {
  if (lenient) return undefined
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : `${path}: ${value}`
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return undefined
  for (const [key, item] of Object.entries(value)) {
    const found = unsound(item, `${path}.${key}`)
    if (found !== undefined) return found
  }
  return undefined
}

/**
 * Checks the constructor, which may only throw a BacktestError.
 * @param {number} index
 * @param {Random} random
 */
async function construct(index, random) {
  const label = `${index} BacktestEngine`
  calls.BacktestEngine = (calls.BacktestEngine ?? 0) + 1
  current = label
  const config = { dataDir, logLevel: 'off', maxDataPoints: 1000, cacheTtlSeconds: 0, chunkSize: 10 }
  const given = mutated(random, config, { act: () => act(random) })
  try {
    const made = new BacktestEngine(given)
    tally('constructed')
    // Its store is not opened, because it may be anywhere.
    await made.close()
  } catch (error) {
    checkError(label, 'BacktestEngine', /** @type {any} */ (error), false)
  }
}

/**
 * Calls a function with almost no stack space left.
 * @param {() => any} invoke
 * @returns {any}
 */
function dive(invoke) {
  try {
    return dive(invoke)
  } catch {
    return invoke()
  }
}

/**
 * Uses the engines while another call reads its arguments.
 * @param {Random} random
 */
function act(random) {
  const name = random.pick([
    'runBacktest',
    'simulateSignals',
    'validateStrategy',
    'getMetrics',
    'listStrategies',
    'new',
  ])
  if (name === 'new') {
    new BacktestEngine({ dataDir, logLevel: 'off' }).close().catch(() => {})
    return
  }
  const target = name === 'simulateSignals' ? backtesting : engine
  target[name](...validArguments(name, random)).catch(() => {})
}

/** @param {Random} random */
function pickEngine(random) {
  const kind = random.below(40)
  if (kind === 0) return closed
  if (kind > 1) return engine
  // An engine that is closed meanwhile.
  const other = new BacktestEngine({ dataDir, logLevel: 'off' })
  const close = () => other.close().catch(() => {})
  if (random.chance(0.5)) setImmediate(close)
  else queueMicrotask(close)
  return other
}

/**
 * Picks a function; those with the largest arguments most often.
 * @param {Random} random
 * @param {string[]} names
 */
function pickName(random, names) {
  const heavy = ['runBacktest', 'validateStrategy', 'simulateSignals', 'registerStrategy'].filter((name) =>
    names.includes(name),
  )
  return random.chance(0.6) ? random.pick(heavy) : random.pick(names)
}

/**
 * Returns valid arguments.
 * @param {string} name
 * @param {Random} random
 * @returns {any[]}
 */
function validArguments(name, random) {
  switch (name) {
    case 'runBacktest':
      return random.chance(0.5) ? [anyRequest(random)] : [anyRequest(random), anyOptions(random)]
    case 'simulateSignals':
      return [anySignals(random)]
    case 'importBars':
      return [
        {
          assetSymbol: `A${random.below(5)}`,
          timeframe: '1d',
          bars: random.chance(0.9) ? someBars(random) : samples.csv,
        },
      ]
    case 'deleteBars':
      return [{ assetSymbol: `A${random.below(5)}`, timeframe: '1d', from: '1970-01-10', to: new Date(20 * DAY) }]
    case 'registerStrategy':
      return [random.chance(0.5) ? anyFunctionStrategy(random) : anyDefinition(random)]
    case 'validateStrategy':
      return [
        random.chance(0.5)
          ? { strategy: anyDefinition(random), parameters: { fast: 3 }, barCount: 100 }
          : { strategyId: random.pick(samples.ids), parameters: { fast_period: 2, slow_period: 5 } },
      ]
    case 'renderChart':
      return [
        // A copy, because cases detach memory.
        random.chance(0.8) ? structuredClone(samples.result) : samples.backtestId,
        { format: random.chance(0.9) ? 'svg' : 'png', width: 200, height: 200, theme: 'dark' },
      ]
    case 'getMetrics':
      return [samples.backtestId, ['sharpeRatio', 'totalReturn', 'maxDrawdown']]
    case 'listBacktests':
      return [
        { strategyId: 'rsi', assetSymbol: 'X', status: 'completed', userId: 'u', limit: 5, before: samples.backtestId },
      ]
    case 'getBacktestResults':
      return [samples.backtestId]
    case 'deleteBacktest':
      return ['bt-0123456789ab']
    default:
      return []
  }
}

/** @param {Random} random */
function someBars(random) {
  const bars = random.pick([0, 1, 2, 30, 30, 60, 120])
  /** @param {(bar: number) => number} value */
  const column = (value) => Float64Array.from({ length: bars }, (_, bar) => value(bar))
  const price = column((bar) => 100 + 10 * Math.sin(bar / 3))
  const columns = {
    timestamps: column((bar) => bar * DAY),
    open: price,
    high: price.map((value) => value + 1),
    low: price.map((value) => value - 1),
    close: price.slice(),
    volume: column(() => 5),
  }
  if (random.chance(0.1)) return Object.fromEntries(Object.entries(columns).map(([key, value]) => [key, [...value]]))
  return random.chance(0.05) ? samples.arrow.slice() : columns
}

/** @param {Random} random */
function anyRequest(random) {
  const named = random.chance(0.7)
  return {
    ...(named ? { strategyId: random.pick(samples.ids) } : { strategy: anyDefinition(random) }),
    assetSymbol: random.chance(0.95) ? 'X' : 'A1',
    startDate: '1970-01-01',
    endDate: random.chance(0.5) ? '1970-12-31' : new Date(100 * DAY),
    initialCapital: 1000,
    ...(random.chance(0.3) ? { parameters: { position_size: 0.5 } } : {}),
    ...(random.chance(0.4) ? { simulation: { fees: 0.001, slippage: 0.001, direction: 'both', slStop: 0.1 } } : {}),
    ...(random.chance(0.95) ? { bars: someBars(random) } : {}),
    persist: random.chance(0.03),
    ...(random.chance(0.2) ? { timeframe: '1d', userId: 'u' } : {}),
  }
}

/** @param {Random} random */
function anySignals(random) {
  const { timestamps, open, high, low, close } = /** @type {Any} */ (someBars(random))
  const bars = close?.length ?? 0
  const signals = () =>
    random.chance(0.8)
      ? Uint8Array.from({ length: bars }, () => random.below(2))
      : Array.from({ length: bars }, () => random.chance(0.5))
  return {
    close: close ?? new Float64Array(0),
    ...(random.chance(0.5) ? { timestamps, open, high, low } : {}),
    entries: signals(),
    exits: signals(),
    ...(random.chance(0.3) ? { shortEntries: signals(), shortExits: signals() } : {}),
    initialCapital: 1000,
    fees: 0.001,
    direction: random.pick(['longOnly', 'both']),
  }
}

/** @param {Random} random */
function anyDefinition(random) {
  return {
    id: `s${random.below(20)}`,
    name: 'A strategy',
    description: anyText(random).slice(0, 20) || 'x',
    type: 'trend',
    parameters: {
      fast: { type: 'integer', default: 2, minimum: 1, maximum: 500, description: 'Bars' },
      wide: { type: 'boolean', default: true },
    },
    constraints: ['fast < 100'],
    entries: random.pick([
      'close > sma(close, fast)',
      'rsi(fast) < 30 and wide',
      'close crosses above ema(close, fast)',
    ]),
    exits: 'close < sma(close, fast)',
  }
}

/** @param {Random} random */
function anyFunctionStrategy(random) {
  return { id: `f${random.below(4)}`, parameters: {}, generateSignals: anyGenerator(random) }
}

/**
 * @param {Random} random
 * @returns {any}
 */
function anyGenerator(random) {
  const thrown = anyThrown(random)
  /** @param {Any} bars */
  const sound = (bars) => ({
    entries: Uint8Array.from(bars.close, (_, bar) => (bar % 5 === 1 ? 1 : 0)),
    exits: Uint8Array.from(bars.close, (_, bar) => (bar % 5 === 3 ? 1 : 0)),
  })
  switch (random.below(6)) {
    case 0:
      return () => {
        throw thrown
      }
    case 1:
      return () => anyThenable(random)
    case 2:
      return () => anyValue(random)
    case 3:
      return (/** @type {Any} */ bars) => mutated(random, sound(bars), { act: () => act(random) })
    default:
      return (/** @type {Any} */ bars) => {
        act(random)
        return sound(bars)
      }
  }
}

/** @param {Random} random */
function anyOptions(random) {
  /** @type {Any} */
  const options = {}
  const controller = new AbortController()
  const when = random.below(8)
  if (when === 0) controller.abort(anyThrown(random))
  if (when === 1) setImmediate(() => controller.abort(anyThrown(random)))
  if (when === 2) queueMicrotask(() => controller.abort())
  if (when === 3) setTimeout(() => controller.abort(), 1)
  if (when < 6) options.signal = random.chance(0.7) ? controller.signal : lookAlike(random)
  if (random.chance(0.5)) options.onProgress = anyListener(random, controller)
  return options
}

/** @param {Random} random */
function lookAlike(random) {
  const thrown = anyThrown(random)
  const throws = () => {
    throw thrown
  }
  const signal = {
    aborted: random.chance(0.2),
    addEventListener: random.pick([() => {}, throws, (/** @type {any} */ _, /** @type {Function} */ abort) => abort()]),
    removeEventListener: random.pick([() => {}, throws, undefined]),
  }
  if (random.chance(0.4))
    Object.defineProperty(signal, random.pick(['aborted', 'reason', 'addEventListener']), { get: throws })
  return signal
}

/**
 * @param {Random} random
 * @param {AbortController} controller
 */
function anyListener(random, controller) {
  const thrown = anyThrown(random)
  switch (random.below(6)) {
    case 0:
      return () => anyThenable(random)
    case 1:
      return () => controller.abort()
    case 2:
      return () => act(random)
    case 3:
      return async () => {
        throw thrown
      }
    default:
      return () => {
        throw thrown
      }
  }
}

/**
 * Creates the assets, strategies and runs that calls refer to.
 * @returns {Promise<Any>}
 */
async function makeSamples() {
  /** @type {Any} */
  const first = { ids: ['sma_crossover', 'rsi', 'macd', 'buy_and_hold'], arrow: new Uint8Array(100) }
  const price = Float64Array.from({ length: 60 }, (_, bar) => 100 + 10 * Math.sin(bar / 3))
  const bars = {
    timestamps: Float64Array.from({ length: 60 }, (_, bar) => bar * DAY),
    open: price,
    high: price.map((value) => value + 1),
    low: price.map((value) => value - 1),
    close: price,
  }
  const { tableFromArrays, tableToIPC } = await import('apache-arrow')
  first.arrow = tableToIPC(tableFromArrays(/** @type {any} */ (bars)))
  first.csv = join(ROOT, 'data', 'sp500-daily.csv')
  const result = await engine.runBacktest({
    strategyId: 'rsi',
    parameters: { period: 5 },
    assetSymbol: 'X',
    startDate: '1970-01-01',
    endDate: '1970-12-31',
    initialCapital: 1000,
    bars,
  })
  first.backtestId = result.backtestId
  first.result = structuredClone({ ...result })
  await engine.importBars({ assetSymbol: 'A1', timeframe: '1d', bars })
  return { ...first, ids: [...first.ids, 'f0', 'f1', 's1', 's2'] }
}

/** Returns the error codes in the documentation of each function. */
function readCodes() {
  const text = readFileSync(join(ROOT, 'index.d.ts'), 'utf8')
  /** @type {Record<string, string[]>} */
  const found = Object.create(null)
  for (const [, comment = '', name = ''] of text.matchAll(
    /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\n\s*(?:export declare function )?(\w+)\(/g,
  )) {
    const codes = [...comment.matchAll(/`([A-Z]+(?:_[A-Z]+)*)`/g)].map(([, code = '']) => code)
    // A method whose `this` is not an engine is rejected as well.
    found[name] = [...new Set([...(found[name] ?? []), ...codes, 'INVALID_ARGUMENT'])]
  }
  return found
}

/** @param {string} outcome */
function tally(outcome) {
  outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
}

/**
 * @param {string | undefined} label
 * @param {string} problem
 * @param {unknown} what
 */
function note(label, problem, what) {
  let detail
  try {
    const stack = /** @type {any} */ (what)?.stack
    detail = String(typeof stack === 'string' ? stack : what)
  } catch {
    detail = typeof what
  }
  const [index = '', call = ''] = (label ?? '').split(' ')
  failures.push({ case: Number(index), call, problem, detail: detail.slice(0, 1500) })
}
