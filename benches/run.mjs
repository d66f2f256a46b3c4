/**
 * Measures single runs of the addon, alternating with its peers.
 *
 *   npm run bench [-- --bars N] [--rounds N] [--peers] [--python PATH] [--floor PATH] [--readme]
 *
 * With --readme, the tables of the README are written, too. Measure a release build for it.
 *
 * The plain loop in benches/plain.mjs is always a peer. vectorbt and raptorbt are peers if PATH (or BENCH_PYTHON) is a Python
 * interpreter with what benches/requirements.txt lists; --peers installs that into .venv and uses it. --floor takes the path of
 * the floor program (see benches/sweep/floor.mjs). Results are compared before anything is measured. Times are medians of wall clock time; on
 * shared computers, only ratios within one run are meaningful.
 */

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { fill, ROOT } from '../scripts/lib.mjs'
import { randomBars } from './bars.mjs'
import { Child } from './child.mjs'
import { crossings, onSignals, smaCrossover } from './plain.mjs'
import { pythonOf } from './python.mjs'
import { runFloor, singleRuns } from './sweep/floor.mjs'

const { values } = parseArgs({
  options: {
    bars: { type: 'string' },
    rounds: { type: 'string' },
    peers: { type: 'boolean' },
    python: { type: 'string' },
    floor: { type: 'string' },
    readme: { type: 'boolean' },
  },
})
const MOST = Number(values.bars ?? 1_000_000)
const ROUNDS = Number(values.rounds ?? 9)
/** Consecutive runs of one peer. */
const IN_A_ROW = 5
const PYTHON = pythonOf(values)
const require = createRequire(import.meta.url)
const { BacktestEngine, simulateSignals } = require('../index.js')

const TERMS = { fees: 1e-5, slippage: 1e-5, yearDays: 365 }
const STOPS = { slStop: 0.02, tpStop: 0.03 }
const CAPITAL = 10_000
const folder = mkdtempSync(join(tmpdir(), 'backtesting-bench-'))
const engine = new BacktestEngine({
  dataDir: folder,
  logLevel: 'off',
  maxBacktestDurationDays: 100_000,
  maxDataPoints: 100_000_000,
})

/** @param {number[]} times */
const median = (times) => times.toSorted((a, b) => a - b)[times.length >> 1]

/**
 * Runs functions alternately for several rounds, and returns the median of each in milliseconds. A function in this process
 * runs a few times in a row: JavaScript collects garbage on other threads while the next function runs, and most of it should
 * be its own.
 * @param {Record<string, () => Promise<number | undefined>>} contestants each returns its own milliseconds, if it knows better
 */
async function race(contestants, rounds = ROUNDS) {
  const times = Object.fromEntries(Object.keys(contestants).map((name) => [name, /** @type {number[]} */ ([])]))
  for (let round = -1; round < rounds; round++) {
    for (const [name, run] of Object.entries(contestants)) {
      for (let turn = 0; turn < (name in peers ? 1 : IN_A_ROW); turn++) {
        const begin = performance.now()
        const own = await run()
        const took = own ?? performance.now() - begin
        if (round >= 0) times[name].push(took)
      }
    }
  }
  return Object.fromEntries(Object.entries(times).map(([name, list]) => [name, median(list)]))
}

/** Rows of the table of the README: the number of bars and the medians. */
const rows = /** @type {[number, Record<string, number>][]} */ ([])

/** @param {number} bars @param {Record<string, number>} medians */
function report(bars, title, medians) {
  const ours = medians.addon
  if (title === 'sma_crossover') rows.push([bars, medians])
  console.log(`\n${title}, ${bars.toLocaleString('en')} bars`)
  for (const [name, time] of Object.entries(medians)) {
    const ratio = name === 'addon' ? '' : `${(time / ours).toFixed(2)} × the addon`
    const perBar = `${((time * 1e6) / bars).toFixed(1)} ns a bar`
    console.log(`  ${name.padEnd(28)} ${time.toFixed(3).padStart(10)} ms  ${perBar.padStart(16)}  ${ratio}`)
  }
}

/** @param {string} what @param {number} a @param {number} b */
function agree(what, a, b, tolerance = 1e-6) {
  if (Math.abs(a - b) > tolerance * Math.max(Math.abs(a), Math.abs(b), 1e-9)) {
    throw new Error(`${what} differs: ${a} and ${b}; there is nothing to time`)
  }
}

const { version } = require('../package.json')
const machine = `Node.js ${process.version}, ${cpus()[0]?.model} × ${cpus().length}`
console.log(`@aitradepro/backtesting ${version}, ${machine}`)
const python = PYTHON ? new Child(PYTHON, [join(import.meta.dirname, 'peers.py')]) : undefined
const { peers = {} } = python ? await python.answer() : {}
const names = Object.entries(peers).map(([name, version]) => `${name} ${version}`)
console.log(`peers: plain JavaScript${names.map((name) => `, ${name}`).join('')}`)

for (const count of [100, 1_000, 10_000, 100_000, 1_000_000].filter((count) => count <= MOST)) {
  const bars = randomBars(count)
  if (python) {
    const file = join(folder, 'bars.bin')
    const columns = [bars.timestamps, bars.open, bars.high, bars.low, bars.close]
    writeFileSync(file, Buffer.concat(columns.map((column) => Buffer.from(column.buffer))))
    await python.ask({ load: file, bars: count })
  }
  for (const strategy of ['sma_crossover', 'rsi', 'macd']) {
    for (const stops of [false, true]) await single(bars, count, strategy, stops)
  }
}

/** @param {ReturnType<typeof randomBars>} bars @param {string} strategyId @param {boolean} stops */
async function single(bars, count, strategyId, stops) {
  const request = {
    strategyId,
    assetSymbol: 'X',
    startDate: '1970-01-01',
    endDate: '2100-01-01',
    initialCapital: CAPITAL,
    timeframe: '1m',
    bars,
    persist: false,
    simulation: { ...TERMS, ...(stops ? STOPS : {}) },
  }
  const unlimited = { ...request, endDate: new Date(count * 60_000) }
  const { metrics } = await engine.runBacktest(unlimited)
  /** @type {Record<string, () => Promise<number | undefined>>} */
  const contestants = { addon: async () => void (await engine.runBacktest(unlimited)) }
  if (strategyId === 'sma_crossover' && !stops) {
    const terms = { ...TERMS, initialCapital: CAPITAL, barsAYear: 365 * 1440 }
    const plain = smaCrossover(bars.close, 10, 30, terms)
    agree('totalReturn of the plain loop', plain.totalReturn, metrics.totalReturn)
    agree('maxDrawdown of the plain loop', plain.maxDrawdown, metrics.maxDrawdown)
    agree('trades of the plain loop', plain.trades, metrics.totalTrades)
    if (metrics.sharpeRatio !== null) agree('sharpeRatio of the plain loop', plain.sharpeRatio, metrics.sharpeRatio)
    contestants['plain JavaScript'] = async () => void smaCrossover(bars.close, 10, 30, terms)
  }
  for (const peer of Object.keys(peers)) {
    const first = await python.ask({ peer, strategy: strategyId, stops })
    if (peer === 'vectorbt') {
      for (const [name, value] of Object.entries(first.results)) {
        if (Number.isFinite(value) && metrics[name] !== null) agree(`${name} of vectorbt`, value, metrics[name], 1e-9)
      }
    }
    contestants[peer] = async () => (await python.ask({ peer, strategy: strategyId, stops })).seconds * 1000
  }
  if (strategyId === 'sma_crossover' && !stops) {
    Object.assign(contestants, await otherwise(unlimited, metrics))
    await given(bars, count, metrics)
  }
  const medians = await race(contestants)
  if (values.floor && strategyId === 'sma_crossover' && !stops) {
    const milliseconds = singleRuns(runFloor(values.floor, 'single', {})).get(count)
    if (milliseconds !== undefined) medians['floor program'] = milliseconds
  }
  report(count, `${strategyId}${stops ? ' with stop loss and take profit' : ''}`, medians)
}

/**
 * Returns the same run with metrics as its only output, and both on bars from the cache of the store.
 * @param {Parameters<typeof engine.runBacktest>[0] & { bars: ReturnType<typeof randomBars> }} request
 * @param {Record<string, number>} whole the metrics of the run
 */
async function otherwise({ bars, ...rest }, whole) {
  const assetSymbol = `BARS${bars.close.length}`
  await engine.importBars({ assetSymbol, timeframe: '1m', bars })
  const stored = { ...rest, assetSymbol }
  const { metrics } = await engine.runBacktest(stored)
  agree('totalReturn of stored bars', metrics.totalReturn, whole.totalReturn, 0)
  /** @type {['metrics']} */
  const outputs = ['metrics']
  return {
    'addon, metrics only': async () => void (await engine.runBacktest({ ...rest, bars, outputs })),
    'addon, cached bars': async () => void (await engine.runBacktest(stored)),
    'addon, cached, metrics only': async () => void (await engine.runBacktest({ ...stored, outputs })),
  }
}

/**
 * Measures the simulation alone, and the plain loop on the same signals.
 * @param {ReturnType<typeof randomBars>} bars @param {Record<string, number>} whole the metrics of the whole backtest
 */
async function given(bars, count, whole) {
  const { close, timestamps } = bars
  const { entries, exits } = crossings(close, 10, 30)
  const request = { close, timestamps, entries, exits, initialCapital: CAPITAL, ...TERMS }
  const { metrics } = await simulateSignals(request)
  const terms = { ...TERMS, initialCapital: CAPITAL, barsAYear: 365 * 1440 }
  const plain = onSignals(close, entries, exits, terms)
  agree('totalReturn of the given signals', metrics.totalReturn, whole.totalReturn)
  agree('totalReturn of the plain loop on signals', plain.totalReturn, metrics.totalReturn)
  agree('trades of the plain loop on signals', plain.trades, metrics.totalTrades)
  const contestants = {
    addon: async () => void (await simulateSignals(request)),
    'plain JavaScript': async () => void onSignals(close, entries, exits, terms),
    // The hand-written loop that computes the signals from averages on the fly.
    'the same, with its averages': async () => void smaCrossover(close, 10, 30, terms),
  }
  report(count, 'simulateSignals, on given signals', await race(contestants))
}

// Overhead of a call.
const tiny = randomBars(100)
const entries = Uint8Array.from(tiny.close, (_, bar) => Number(bar % 20 === 5))
const exits = Uint8Array.from(tiny.close, (_, bar) => Number(bar % 20 === 15))
const small = {
  strategyId: 'sma_crossover',
  assetSymbol: 'X',
  startDate: '1970-01-01',
  endDate: '1971-01-01',
  initialCapital: CAPITAL,
  bars: tiny,
  persist: false,
}
const calls = async (/** @type {() => Promise<unknown>} */ call) => {
  const times = []
  for (let index = 0; index < 2_200; index++) {
    const begin = performance.now()
    await call()
    if (index >= 200) times.push(performance.now() - begin)
  }
  return median(times) * 1000
}
const signals = { close: tiny.close, entries, exits, initialCapital: CAPITAL }
const inARow = {
  runBacktest: await calls(() => engine.runBacktest(small)),
  simulateSignals: await calls(() => simulateSignals(signals)),
}
console.log('\na call with 100 bars, one after the other')
console.log(`  runBacktest      ${inARow.runBacktest.toFixed(0)} µs`)
console.log(`  simulateSignals  ${inARow.simulateSignals.toFixed(0)} µs`)

// From `require` to the first result, in child processes.
const program = `
  const begin = performance.now()
  const { simulateSignals } = require(${JSON.stringify(join(import.meta.dirname, '..', 'index.js'))})
  simulateSignals({ close: new Float64Array(100).fill(7), entries: new Uint8Array(100), exits: new Uint8Array(100),
    initialCapital: 1 }).then(() => console.log(performance.now() - begin))`
const starts = Array.from({ length: 7 }, () =>
  Number(spawnSync(process.execPath, ['-e', program], { encoding: 'utf8' }).stdout),
)
console.log(`\nrequire and first result: ${median(starts).toFixed(1)} ms`)

// The embedded store.
const stored = randomBars(Math.min(MOST, 1_000_000))
const storing = performance.now()
await engine.importBars({ assetSymbol: 'STORED', timeframe: '1m', bars: stored })
console.log(`\nembedded store, ${stored.close.length.toLocaleString('en')} bars`)
console.log(`  import            ${(performance.now() - storing).toFixed(0)} ms`)
const kept = {
  strategyId: 'sma_crossover',
  assetSymbol: 'STORED',
  startDate: '1970-01-01',
  endDate: new Date(stored.close.length * 60_000),
  initialCapital: CAPITAL,
  simulation: TERMS,
}
const uncached = new BacktestEngine({
  dataDir: folder,
  logLevel: 'off',
  cacheTtlSeconds: 0,
  maxBacktestDurationDays: 100_000,
})
const runs = await race(
  {
    addon: async () => void (await engine.runBacktest({ ...kept, persist: false })),
    'loaded from the store': async () => void (await uncached.runBacktest({ ...kept, persist: false })),
    'kept in the store': async () => void (await engine.runBacktest(kept)),
  },
  5,
)
report(stored.close.length, 'a run on cached bars', runs)

if (values.readme) writeTable()

/** Writes the table of the README. */
function writeTable() {
  const columns = ['addon', 'plain JavaScript', ...Object.keys(peers)]
  const cells = ([bars, medians]) => [
    bars.toLocaleString('en'),
    ...columns.map((name) => (name in medians ? `${medians[name].toPrecision(2)} ms` : '')),
  ]
  const head = ['bars', 'SMA crossover, all metrics', 'plain JavaScript, five metrics', ...columns.slice(2)]
  const lines = [head, head.map(() => '---:'), ...rows.map(cells)].map((line) => `| ${line.join(' | ')} |`)
  const text = [
    `Medians on ${machine}; bars are passed with the request. One call with 100 bars takes ${inARow.runBacktest.toFixed(0)} µs.`,
    '',
    ...lines,
  ]
  const file = join(ROOT, 'README.md')
  writeFileSync(file, fill(readFileSync(file, 'utf8'), 'output of npm run bench', text.join('\n')))
}

console.log(`\npeak memory of this process: ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MB`)
await engine.close()
await uncached.close()
python?.end()
rmSync(folder, { recursive: true, force: true })
spawnSync(process.execPath, [join(import.meta.dirname, 'chart.mjs'), '--bars', String(MOST)], { stdio: 'inherit' })

const shared = process.argv.slice(2).filter((argument) => argument !== '--peers')
const sweeps = [join(import.meta.dirname, 'sweep.mjs'), ...shared, ...(PYTHON ? ['--python', PYTHON] : [])]
spawnSync(process.execPath, sweeps, { stdio: 'inherit' })

await import('./postgres.mjs')
