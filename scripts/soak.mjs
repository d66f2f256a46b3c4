/**
 * Soak test: puts one process under mixed load for a long time, and reports memory, handles and delays.
 *
 *   npm run soak -- [--minutes 60] [--seed S] [--store sqlite|postgres] [--json FILE]
 *
 * The load: small and large runs, stored or not, aborted runs, failing requests, imports, lists, charts, signals,
 * registrations, deletions, short-lived engines, and an MCP client. Prints one line per minute, and at the end how fast
 * memory grew in the second half. With postgres, starts a server unless TEST_DATABASE_URL is set.
 */

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Client, InMemoryTransport } from '@modelcontextprotocol/client'
import { bars, random, request, strategy } from './crash/content.mjs'
import { fail } from './lib.mjs'
import { startPostgres } from './postgres.mjs'

const require = createRequire(import.meta.url)
const { BacktestEngine } = require('../index.js')
const { createBacktestingServer } = require('../mcp/dist/index.js')

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
    store: { type: 'string', default: 'sqlite' },
    json: { type: 'string' },
  },
})
const minutes = Number(values.minutes)
if (!(minutes > 0)) fail(`--minutes must be a number above 0, found ${values.minutes}`)
if (!['sqlite', 'postgres'].includes(values.store)) fail(`--store must be sqlite or postgres, found ${values.store}`)

/** Time between two samples of memory, milliseconds. */
const SAMPLE = 10_000
/** Most stored runs, so that the store does not grow all the time. */
const KEPT = 400
/** Growth of resident memory that counts as a leak, MB per hour. */
const LEAK = 30

setFlagsFromString('--expose-gc')
/** @type {() => void} */
const collect = runInNewContext('gc')

const folder = mkdtempSync(join(tmpdir(), 'backtesting-soak-'))
const own = values.store === 'postgres' && !process.env.TEST_DATABASE_URL ? await startPostgres() : undefined
const database = own?.url ?? process.env.TEST_DATABASE_URL
const place =
  values.store === 'postgres' && database ? { databaseUrl: database, dbSchema: 'soak' } : { dataDir: folder }
const engine = new BacktestEngine({ logLevel: 'off', maxConcurrentBacktests: 3, ...place })
const chance = random(Number(values.seed))
const below = (/** @type {number} */ limit) => Math.floor(chance() * limit)

/** Bars are created once: allocations of the script must not hide those of the engine. */
const made = (/** @type {number} */ count) => bars(new Array(count).fill(1))
const [TINY, SMALL, MEDIUM, LARGE] = [made(300), made(1000), made(20_000), made(300_000)]
const of = (/** @type {ReturnType<typeof bars>} */ held) => request('GIVEN', held)
const { strategyId: _, strategy: __, parameters: ___, ...terms } = request('GIVEN')
const small = () => of(below(2) ? TINY : SMALL)
const csv = join(folder, 'bars.csv')
writeFileSync(csv, csvOf(MEDIUM))
for (const symbol of ['A', 'B']) await engine.importBars({ assetSymbol: symbol, timeframe: '1m', bars: MEDIUM })
await engine.importBars({ assetSymbol: 'LARGE', timeframe: '1m', bars: LARGE })

const client = new Client({ name: 'soak', version: '1' })
const [near, far] = InMemoryTransport.createLinkedPair()
await Promise.all([createBacktestingServer(engine).connect(far), client.connect(near)])

/** @type {string[]} */
const kept = []
const keep = (/** @type {{ backtestId: string }} */ { backtestId }) => {
  kept.push(backtestId)
}
const one = () => kept[below(kept.length)] ?? 'bt-000000000000'

/** The calls with their relative frequencies. @type {[string, number, () => Promise<unknown>][]} */
const WORK = [
  ['small run', 20, () => engine.runBacktest({ ...small(), persist: false })],
  ['small stored run', 12, async () => keep(await engine.runBacktest(small()))],
  ['run on stored bars', 10, async () => keep(await engine.runBacktest(request(below(2) ? 'A' : 'B')))],
  ['large run', 4, () => engine.runBacktest({ ...request('LARGE'), persist: false })],
  ['large stored run', 1, async () => keep(await engine.runBacktest(of(LARGE)))],
  ['run with progress', 3, () => engine.runBacktest({ ...of(MEDIUM), persist: false }, { onProgress: () => {} })],
  [
    'run of a definition',
    4,
    () => engine.runBacktest({ ...terms, bars: SMALL, strategy: strategy('own', below(90)), persist: false }),
  ],
  ['aborted run', 5, () => engine.runBacktest(request('LARGE'), { signal: AbortSignal.timeout(1 + below(20)) })],
  ['rejected run', 5, () => engine.runBacktest({ ...terms, bars: TINY, strategyId: 'nobody', initialCapital: -1 })],
  ['run without bars', 3, () => engine.runBacktest(request('NOBODY'))],
  ['results', 6, () => engine.getBacktestResults(one())],
  ['metrics', 3, () => engine.getMetrics(one())],
  ['list', 5, () => engine.listBacktests({ limit: 50 })],
  ['delete', 4, () => engine.deleteBacktest(kept.splice(below(kept.length), 1)[0] ?? 'bt-000000000000')],
  ['chart', 2, () => engine.renderChart(one(), { format: below(2) ? 'png' : 'svg' })],
  ['import', 2, () => engine.importBars({ assetSymbol: 'B', timeframe: '1m', bars: MEDIUM })],
  ['import of a file', 1, () => engine.importBars({ assetSymbol: 'C', timeframe: '1m', bars: csv })],
  ['rejected import', 1, () => engine.importBars({ assetSymbol: 'D', timeframe: '1m', bars: folder })],
  ['assets', 2, () => engine.listAssets()],
  ['registration', 1, () => engine.registerStrategy(strategy(`s_${below(5)}`, below(90)))],
  ['function', 1, () => engine.registerStrategy({ id: `f_${below(5)}`, generateSignals: signals })],
  [
    'run of a function',
    1,
    () => engine.runBacktest({ ...terms, bars: SMALL, strategyId: `f_${below(5)}`, persist: false }),
  ],
  ['strategies', 1, () => engine.listStrategies()],
  ['validation', 1, () => engine.validateStrategy({ strategyId: 'rsi', parameters: { period: below(30) } })],
  ['another engine', 1, another],
  ['MCP', 1, () => client.callTool({ name: 'list_strategies', arguments: {} })],
]

/** @param {{ close: Float64Array }} held */
function signals({ close }) {
  const up = Uint8Array.from(close, (price, bar) => Number(price > (close[bar - 1] ?? price)))
  return { entries: up, exits: up.map((value) => 1 - value) }
}

async function another() {
  const dataDir = mkdtempSync(join(folder, 'engine-'))
  const second = new BacktestEngine({ dataDir, logLevel: 'off' })
  await second.runBacktest(of(TINY))
  await second.close()
  rmSync(dataDir, { recursive: true, force: true })
}

/** @param {ReturnType<typeof bars>} held */
function csvOf({ timestamps, open, high, low, close }) {
  const lines = Array.from(timestamps, (time, at) => [time, open[at], high[at], low[at], close[at]].join(','))
  return `timestamp,open,high,low,close\n${lines.join('\n')}\n`
}

const total = WORK.reduce((sum, [, share]) => sum + share, 0)
function choose() {
  // Too many stored runs: delete one.
  if (kept.length > KEPT) return WORK.find(([name]) => name === 'delete') ?? WORK[0]
  let dice = below(total)
  return WORK.find(([, share]) => {
    dice -= share
    return dice < 0
  })
}

/** Outcomes of calls: `small run: ok`. @type {Record<string, number>} */
const outcomes = {}
/** Errors that no caller should see. @type {string[]} */
const problems = []
let calls = 0
let ends = false

async function lane() {
  while (!ends) {
    const [name, , work] = choose() ?? WORK[0] ?? fail('there is no work')
    let outcome = 'ok'
    try {
      await work()
    } catch (error) {
      const { code = String(error), message = '' } = /** @type {{ code?: string, message?: string }} */ (error ?? {})
      outcome = code
      if (!/^[A-Z_]+$/.test(code) || ['INTERNAL', 'STORAGE', 'CLOSED'].includes(code))
        problems.push(`${name}: ${code} ${message}`)
    }
    calls += 1
    outcomes[`${name}: ${outcome}`] = (outcomes[`${name}: ${outcome}`] ?? 0) + 1
    // Small runs complete immediately: yield to timers and the other lanes.
    await new Promise((resolve) => setImmediate(resolve))
  }
}

const MB = 1024 * 1024
const delay = monitorEventLoopDelay({ resolution: 1 })
delay.enable()

function sample() {
  // The garbage collection for the sample must not count as a delay of the engine.
  delay.disable()
  collect()
  delay.enable()
  const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage()
  return {
    seconds: process.uptime(),
    rss: rss / MB,
    heap: heapUsed / MB,
    external: external / MB,
    arrayBuffers: arrayBuffers / MB,
    handles: count('/proc/self/fd'),
    threads: Number(/^Threads:\s*(\d+)/m.exec(readStatus())?.[1] ?? 0),
    calls,
  }
}

function readStatus() {
  try {
    return readFileSync('/proc/self/status', 'utf8')
  } catch {
    return ''
  }
}

/** @param {string} path */
function count(path) {
  try {
    return readdirSync(path).length
  } catch {
    return 0
  }
}

/**
 * Returns the slope of a regression line through samples, per hour.
 * @param {ReturnType<typeof sample>[]} samples
 * @param {'rss' | 'heap' | 'external' | 'handles' | 'threads'} key
 */
function slope(samples, key) {
  const mean = (/** @type {number[]} */ all) => all.reduce((sum, value) => sum + value, 0) / all.length
  const [x, y] = [mean(samples.map(({ seconds }) => seconds)), mean(samples.map((one) => one[key]))]
  const along = samples.reduce((sum, one) => sum + (one.seconds - x) * (one[key] - y), 0)
  const across = samples.reduce((sum, { seconds }) => sum + (seconds - x) ** 2, 0)
  return across > 0 ? (along / across) * 3600 : 0
}

const lanes = Array.from({ length: 4 }, lane)
const samples = []
const delays = []
/** The worst ten-second interval of a minute. */
let worst = { p99: 0, max: 0 }
const start = performance.now()
console.log('minute    rss MB  heap MB  external MB  handles  threads  delay p99 ms  max ms   calls')
while (performance.now() - start < minutes * 60_000) {
  await new Promise((resolve) => setTimeout(resolve, Math.min(SAMPLE, minutes * 6000)))
  worst.p99 = Math.max(worst.p99, delay.percentile(99) / 1e6)
  worst.max = Math.max(worst.max, delay.max / 1e6)
  const taken = sample()
  samples.push(taken)
  // The garbage collection for the sample must not count as a delay of the engine.
  await new Promise((resolve) => setTimeout(resolve, 5))
  delay.reset()
  if (samples.length % 6 === 0) {
    delays.push(worst)
    const cells = [
      ((performance.now() - start) / 60_000).toFixed(1).padStart(6),
      taken.rss.toFixed(1).padStart(10),
      taken.heap.toFixed(1).padStart(9),
      taken.external.toFixed(1).padStart(13),
      String(taken.handles).padStart(9),
      String(taken.threads).padStart(9),
      worst.p99.toFixed(1).padStart(14),
      worst.max.toFixed(1).padStart(8),
      String(taken.calls).padStart(8),
    ]
    console.log(cells.join(''))
    worst = { p99: 0, max: 0 }
  }
}
ends = true
await Promise.all(lanes)
await client.close()
await engine.close()
await own?.remove()
rmSync(folder, { recursive: true, force: true, maxRetries: 5 })

const half = samples.slice(Math.floor(samples.length / 2))
const keys = /** @type {const} */ (['rss', 'heap', 'external', 'handles', 'threads'])
const slopes = Object.fromEntries(keys.map((key) => [key, slope(half, key)]))
const isLong = minutes >= 30
const leaks = (slopes.rss ?? 0) > LEAK
for (const [what, times] of Object.entries(outcomes).sort()) console.log(`${String(times).padStart(8)}  ${what}`)
console.log(
  `growth in the second half: ${keys.map((key) => `${key} ${(slopes[key] ?? 0).toFixed(1)}`).join(', ')} (MB or count per hour)`,
)
const first = Math.max(...half.slice(0, half.length / 2).map(({ rss }) => rss))
const last = Math.max(...half.slice(half.length / 2).map(({ rss }) => rss))
console.log(`highest rss in the third quarter ${first.toFixed(1)} MB, in the last ${last.toFixed(1)} MB`)
const verdict = isLong
  ? leaks
    ? `memory grows by more than ${LEAK} MB an hour`
    : 'memory does not grow'
  : 'too short to judge memory'
console.log(`${verdict}; ${calls} calls, ${problems.length} problems`)
for (const problem of problems.slice(0, 20)) console.log(`PROBLEM ${problem}`)
if (values.json) {
  writeFileSync(values.json, JSON.stringify({ minutes, samples, delays, outcomes, slopes, verdict, problems }, null, 2))
}
process.exit(problems.length > 0 || (isLong && leaks) ? 1 : 0)
