/**
 * Measures how long each function blocks the event loop: the longest time between two turns of the loop while it is called
 * repeatedly with different sizes.
 *
 *   npm run event-loop [-- --calls N] [--json]
 *
 * Excludes the cost of the caller's own data: they are created before a call is measured.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'

/** @type {typeof import('../index.js')} */
const { BacktestEngine, simulateSignals } = createRequire(import.meta.url)('../index.js')

/**
 * Durations of the event loop turns in which a function did work, milliseconds.
 * @typedef {{ name: string, calls: number, p50: number, p99: number, max: number }} Delays
 */

const MINUTE = 60_000

/** A shorter turn did no work. */
const IDLE_MILLISECONDS = 0.05

/**
 * Creates synthetic one-minute bars.
 * @param {number} count
 */
function bars(count) {
  const close = Float64Array.from({ length: count }, (_, bar) => 100 + 20 * Math.sin(bar / 9) + 5 * Math.sin(bar / 2.3))
  return {
    timestamps: Float64Array.from(close, (_, bar) => Date.UTC(2020, 0, 1) + bar * MINUTE),
    open: close,
    high: close.map((price) => price + 1),
    low: close.map((price) => price - 1),
    close,
  }
}

/**
 * Calls a function repeatedly and measures the turns of the event loop. Collects garbage first, so that no function pays for
 * the garbage of another.
 * @param {string} name
 * @param {number} calls
 * @param {(call: number) => Promise<unknown>} work
 * @returns {Promise<Delays>}
 */
async function measure(name, calls, work) {
  await work(0)
  globalThis.gc?.()
  /** @type {number[]} */
  const delays = []
  let isOver = false
  let last = performance.now()
  const turn = () => {
    const now = performance.now()
    delays.push(now - last)
    last = now
    if (!isOver) setImmediate(turn)
  }
  await new Promise((resolve) => setImmediate(resolve))
  last = performance.now()
  setImmediate(turn)
  for (let call = 1; call <= calls; call++) await work(call)
  await new Promise((resolve) => setImmediate(resolve))
  isOver = true
  // A waiting loop turns all the time. Only turns that did work count.
  const busy = delays.filter((delay) => delay > IDLE_MILLISECONDS).sort((one, other) => one - other)
  const at = (/** @type {number} */ share) => busy[Math.min(busy.length - 1, Math.floor(share * busy.length))] ?? 0
  return { name, calls, p50: at(0.5), p99: at(0.99), max: busy.at(-1) ?? 0 }
}

/**
 * Measures every function.
 * @param {{ calls?: number, runs?: number }} [sizes] number of calls per function, and number of runs to list
 * @returns {Promise<Delays[]>}
 */
export async function measureAll({ calls = 20, runs = 10_000 } = {}) {
  const dataDir = mkdtempSync(join(tmpdir(), 'backtesting-event-loop-'))
  const engine = new BacktestEngine({ dataDir, logLevel: 'off', maxConcurrentBacktests: 100 })
  try {
    const request = (/** @type {number} */ count, given = bars(count)) => ({
      strategyId: 'sma_crossover',
      parameters: { position_size: 0.001 },
      assetSymbol: 'X',
      startDate: '2020-01-01',
      endDate: '2024-01-01',
      initialCapital: 10_000,
      bars: given,
    })
    const signals = (/** @type {number} */ count) => ({
      close: bars(count).close,
      entries: Uint8Array.from({ length: count }, (_, bar) => Number(bar % 20 === 0)),
      exits: Uint8Array.from({ length: count }, (_, bar) => Number(bar % 20 === 10)),
      initialCapital: 10_000,
    })
    const few = request(300)
    for (let run = 0; run < runs; run += 100) {
      await Promise.all(Array.from({ length: Math.min(100, runs - run) }, () => engine.runBacktest(few)))
    }
    for (let asset = 0; asset < runs / 10; asset++) {
      await engine.importBars({ assetSymbol: `ASSET-${asset}`, timeframe: '1m', bars: bars(3) })
    }
    const large = await engine.runBacktest(request(100_000))
    const hundred = request(100)
    const thousand = request(1000)
    const twenty = request(20_000)
    const limit = request(100_000)
    const someSignals = signals(1000)
    const manySignals = signals(100_000)
    const own = {
      id: 'own',
      generateSignals: (/** @type {{ close: Float64Array }} */ { close }) => ({
        entries: new Uint8Array(close.length),
        exits: new Uint8Array(close.length),
      }),
    }
    await engine.registerStrategy(own)
    await engine.importBars({ assetSymbol: 'STORED', timeframe: '1m', bars: limit.bars })
    const { bars: _, ...named } = limit
    const stored = (/** @type {number} */ count) => {
      const endDate = new Date(Date.UTC(2020, 0, 1) + (count - 1) * MINUTE)
      return { ...named, assetSymbol: 'STORED', endDate, persist: false }
    }
    /** @type {[string, number, (call: number) => Promise<unknown>][]} */
    const cases = [
      ['runBacktest, 100 bars, not stored', calls * 100, () => engine.runBacktest({ ...hundred, persist: false })],
      ['runBacktest, 1,000 bars, not stored', calls * 100, () => engine.runBacktest({ ...thousand, persist: false })],
      ['runBacktest, 1,000 bars of the cache', calls * 100, () => engine.runBacktest(stored(1000))],
      ['runBacktest, 10,000 bars of the cache', calls * 10, () => engine.runBacktest(stored(10_000))],
      ['runBacktest, 100,000 bars of the cache', calls, () => engine.runBacktest(stored(100_000))],
      ['runBacktest, 1,000 bars', calls * 5, () => engine.runBacktest(thousand)],
      ['runBacktest, 100,000 bars', calls, () => engine.runBacktest({ ...limit, persist: false })],
      [
        'runBacktest, rejected',
        calls * 100,
        () => engine.runBacktest({ ...hundred, initialCapital: -1 }).catch(() => {}),
      ],
      [
        'runBacktest, 100 concurrent over 20,000 bars, one call per turn',
        1,
        async () => {
          const all = []
          for (let run = 0; run < 100; run++) {
            all.push(engine.runBacktest({ ...twenty, persist: false }))
            await new Promise((resolve) => setImmediate(resolve))
          }
          await Promise.all(all)
        },
      ],
      [
        'runBacktest, strategy in JavaScript, 20,000 bars',
        calls,
        () => engine.runBacktest({ ...twenty, strategyId: 'own', parameters: {}, persist: false }),
      ],
      ['simulateSignals, 1,000 bars', calls * 100, () => simulateSignals(someSignals)],
      ['simulateSignals, 100,000 bars', calls, () => simulateSignals(manySignals)],
      ['getBacktestResults, 100,000 bars', calls, () => engine.getBacktestResults(large.backtestId)],
      ['getMetrics', calls * 10, () => engine.getMetrics(large.backtestId)],
      ['renderChart, 100,000 bars', 3, () => engine.renderChart(large.backtestId)],
      [`listBacktests, 1,000 of ${runs}`, calls, () => engine.listBacktests({ limit: 1000 })],
      [`listAssets, ${runs / 10}`, calls, () => engine.listAssets()],
      ['listStrategies', calls * 5, () => engine.listStrategies()],
      [
        'registerStrategy',
        calls,
        (call) => engine.registerStrategy({ id: `s${call}`, entries: 'close > open', exits: 'close < open' }),
      ],
      ['validateStrategy', calls * 5, () => engine.validateStrategy({ strategyId: 'rsi' })],
      ['importBars, 100,000 bars', 3, () => engine.importBars({ assetSymbol: 'Y', timeframe: '1m', bars: limit.bars })],
      ['deleteBacktest', calls, () => engine.deleteBacktest('bt-000000000000')],
    ]
    const found = []
    for (const [name, count, work] of cases) found.push(await measure(name, count, work))
    return found
  } finally {
    await engine.close()
    rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 })
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { values } = parseArgs({ options: { calls: { type: 'string' }, json: { type: 'boolean' } } })
  globalThis.gc ?? console.error('a function may pay for the garbage of another: run with node --expose-gc')
  const found = await measureAll({ calls: Number(values.calls ?? 20) })
  if (values.json) console.log(JSON.stringify(found, undefined, 2))
  else {
    const text = (/** @type {number} */ value) => value.toFixed(2).padStart(9)
    console.log(`${'ms between two turns of the event loop'.padEnd(60)}      p50       p99       max`)
    for (const { name, calls, p50, p99, max } of found) {
      console.log(`${`${name} (${calls} calls)`.padEnd(60)}${text(p50)} ${text(p99)} ${text(max)}`)
    }
  }
}
