/**
 * Measures sweeps of the addon, alternating with its peers.
 *
 *   npm run bench:sweep [-- --only NAMES] [--rounds N] [--python PATH] [--floor PATH] [--quick] [--readme]
 *
 * Each contestant is a process of its own: the addon on one thread and on two, the hand-written loop in plain JavaScript, vectorbt
 * and raptorbt (see benches/run.mjs), and the floor program (see
 * benches/sweep/floor.mjs) if its path is given. Metrics are compared before anything is measured. Times are medians of processor
 * time, in nanoseconds per bar and combination; the whole call counts, with everything that is prepared. Peers run only some of
 * the combinations. The memory of the addon is the peak of a process that has run one sweep. Ratios are to the addon on one thread; for
 * two threads, it is how much faster than one they are by the clock. `top: 0` leaves out the whole runs of the 20 best.
 *
 * --only takes names of benches/sweep/shapes.mjs, separated by commas; `built-ins` is the last table. --quick takes a tenth of the
 * bars and one round, to try the benchmark itself. With --readme, the tables of the README and of docs/performance.md are written, too.
 * Measure a release build for them.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { fill, ROOT } from '../scripts/lib.mjs'
import { randomBars } from './bars.mjs'
import { Child } from './child.mjs'
import { pythonOf } from './python.mjs'
import { checkFloor, FLOOR_METRICS, nanoseconds, readDump, runFloor } from './sweep/floor.mjs'
import { SHAPES } from './sweep/shapes.mjs'

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string' },
    peers: { type: 'boolean' },
    python: { type: 'string' },
    floor: { type: 'string' },
    quick: { type: 'boolean' },
    readme: { type: 'boolean' },
    // Options of benches/run.mjs.
    bars: { type: 'string' },
  },
})
const ROUNDS = Number(values.rounds ?? (values.quick ? 1 : 7))
const PYTHON = pythonOf(values)
const ONLY = values.only?.split(',')
/** Consecutive runs of a short sweep: the first ones after a peer find the caches full of its data. */
const IN_A_ROW = 3
const COMPARED = ['totalReturn', 'sharpeRatio', 'maxDrawdown', 'totalTrades']

const folder = mkdtempSync(join(tmpdir(), 'backtesting-bench-'))
const require = createRequire(import.meta.url)
const { version } = require('../package.json')
const machine = `Node.js ${process.version}, ${cpus()[0]?.model} × ${cpus().length}`
console.log(`@aitradepro/backtesting ${version}, ${machine}`)

/** @param {number[]} numbers */
const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN
const megabytes = (/** @type {number} */ bytes) => `${(bytes / 1e6).toFixed(0)} MB`
const count = (/** @type {number} */ number) => number.toLocaleString('en')

const peers = /** @type {Record<string, Child>} */ ({})
const versions = []
for (const peer of PYTHON ? ['raptorbt', 'vectorbt'] : []) {
  // One thread each, as the addon.
  const threads = { RAYON_NUM_THREADS: '1', NUMBA_NUM_THREADS: '1', OMP_NUM_THREADS: '1' }
  const child = new Child(PYTHON, [join(import.meta.dirname, 'sweep', 'peers.py'), peer], threads)
  const { version, python } = await child.answer()
  peers[peer] = child
  versions.push(`${peer} ${version} on Python ${python}`)
}
const contestants = ['plain JavaScript', ...versions, ...(values.floor ? ['the floor program'] : [])]
console.log(`peers: ${contestants.join(', ')}`)

/** Starts a process that runs the addon on a number of threads. */
const addon = (/** @type {number} */ threads) =>
  new Child(process.execPath, [join(import.meta.dirname, 'sweep', 'addon.mjs')], { RAYON_NUM_THREADS: String(threads) })

/** Writes bars for all contestants: columns, and the closes alone. */
function writeBars(/** @type {number} */ bars) {
  // Returns of 0.2 % a bar, as those of the floor program.
  const { timestamps, open, high, low, close } = randomBars(bars, 1, 0.002 * Math.sqrt(12))
  const [all, closes] = [join(folder, 'bars.bin'), join(folder, 'closes.bin')]
  const columns = [timestamps, open, high, low, close].map((column) => Buffer.from(column.buffer))
  writeFileSync(all, Buffer.concat(columns))
  writeFileSync(closes, columns[4])
  return { load: { load: all, bars }, closes }
}

/** Throws if two numbers differ; those that one of both does not have are not compared. */
function agree(what, a, b, tolerance) {
  if (
    Number.isFinite(a) &&
    Number.isFinite(b) &&
    Math.abs(a - b) > tolerance * Math.max(Math.abs(a), Math.abs(b), 1e-3)
  ) {
    throw new Error(`${what} differs: ${a} and ${b}; there is nothing to time`)
  }
}

/** Reads a dump of the addon: parameters and metrics by row. */
async function dumped(child, names) {
  const file = join(folder, 'dump.bin')
  const { parameters, rows } = await child.ask({ dump: file, names })
  const bytes = readFileSync(file)
  const numbers = new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength))
  const columns = Array.from({ length: parameters.length + names.length }, (_, index) =>
    numbers.subarray(index * rows, (index + 1) * rows),
  )
  return { rows, parameters: columns.slice(0, parameters.length), metrics: columns.slice(parameters.length) }
}

/** Compares all metrics of all combinations with the floor program. */
async function compareWithFloor(child, mode, { closes, load: { bars } }) {
  const file = join(folder, 'floor.bin')
  const text = runFloor(values.floor, mode, { CLOSES: closes, DUMP: file })
  const floor = readDump(file, mode)
  const { rows, parameters, metrics } = await dumped(
    child,
    FLOOR_METRICS.map(([name]) => name),
  )
  if (rows !== floor.size) throw new Error(`${rows} combinations, but ${floor.size} of the floor program`)
  for (let row = 0; row < rows; row++) {
    const pair = `${parameters[0][row]} ${parameters[1][row]}`
    const other = floor.get(pair)
    // Without a closed trade, ratios of trades are undefined, and are written in other ways there.
    if (other[15] < 2) continue
    FLOOR_METRICS.forEach(([name, unit], index) => {
      const theirs = typeof unit === 'function' ? unit(other[index], bars) : other[index] * unit
      agree(`${name} of ${pair}`, metrics[index][row], theirs, 1e-6)
    })
  }
  return text
}

/** Checks a mode of the floor program that writes no dump, and returns what it printed. */
async function checkByTrades(child, mode, { closes, load: { bars } }) {
  // `short` needs more bars than these.
  const text = runFloor(values.floor, mode, mode === 'short' ? {} : { CLOSES: closes })
  if (mode === 'rsi' || mode === 'macd') {
    const { rows, metrics } = await dumped(child, ['totalTrades', 'openTrades'])
    const [total, open] = metrics.map((column) => column.reduce((sum, value) => sum + value, 0))
    // An open trade has half of the orders of others.
    checkFloor(text, mode, (rows * bars) / (total - open / 2))
  } else {
    checkFloor(text, mode)
  }
  return text
}

/** Combinations for the peers, evenly spaced, and their rows. */
function sampleOf({ rows, parameters }, size) {
  const step = Math.max(1, rows / size)
  const chosen = Array.from({ length: Math.min(rows, size) }, (_, index) => Math.floor(index * step))
  return { chosen, combinations: chosen.map((row) => parameters.map((column) => column[row])) }
}

function compare(peer, { results }, { metrics }, { chosen, combinations }) {
  results.forEach((row, index) => {
    row.forEach((value, metric) => {
      if (value === null) return
      const what = `${COMPARED[metric]} of ${peer} with ${combinations[index]}`
      agree(what, value, metrics[metric][chosen[index]], peer === 'raptorbt' ? 1e-3 : 1e-6)
    })
  })
}

/** What was measured of each shape. */
const table = []

/** The table of the built-in strategies. */
const builtInRows = /** @type {string[][]} */ ([])

for (const [name, shape] of Object.entries(SHAPES)) {
  if (!ONLY || ONLY.includes(name)) await measure(name, shape)
}
if (!ONLY || ONLY.includes('built-ins')) await builtIns()
if (values.readme) writeTables()
for (const child of Object.values(peers)) child.end()
rmSync(folder, { recursive: true, force: true })

async function measure(name, shape) {
  const bars = values.quick ? Math.max(shape.bars / 10, 1_000) : shape.bars
  const { load, closes } = writeBars(bars)
  const rounds = Math.min(ROUNDS, shape.rounds ?? ROUNDS)
  const ours = { 'addon, one thread': addon(1), ...(shape.threads ? { 'addon, two threads': addon(2) } : {}) }
  const first = {}
  for (const [title, child] of Object.entries(ours)) {
    await child.ask(load)
    first[title] = await child.ask({ sweep: shape.request })
  }
  const one = ours['addon, one thread']
  const { combinations, paths } = first['addon, one thread']
  const units = combinations * bars
  console.log(
    `\n${name}: ${shape.title}; ${count(combinations)} combinations × ${count(bars)} bars; paths ${JSON.stringify(paths)}`,
  )
  const digests = await Promise.all(Object.values(ours).map((child) => child.ask({ digest: true })))
  if (new Set(digests.map(({ digest }) => digest)).size > 1) throw new Error('results depend on the number of threads')

  const floor = values.floor && shape.floor && !(values.quick && shape.floor.dump) ? shape.floor : undefined
  const floors = []
  if (floor?.dump) floors.push(await compareWithFloor(one, floor.mode, { closes, load }))
  // Other modes have 10,000 bars at least.
  else if (floor && !values.quick && !shape.request.sums)
    floors.push(await checkByTrades(one, floor.mode, { closes, load }))
  const runs =
    /** @type {Record<string, () => Promise<{ seconds: number, cpu: number, units: number, peak?: number }>>} */ ({})
  const quick = first['addon, one thread'].seconds < 1
  for (const [title, child] of Object.entries(ours)) {
    runs[title] = async () => ({ ...(await child.ask({ sweep: shape.request })), units })
    const bare = { ...shape.request, top: 0 }
    runs[`${title}, top: 0`] = async () => ({ ...(await child.ask({ sweep: bare })), units })
  }
  if (shape.floor?.dump) {
    const metrics = FLOOR_METRICS.map(([metric]) => metric)
    runs['addon, metrics of the floor'] = async () => {
      return { ...(await one.ask({ sweep: { ...shape.request, top: 0, metrics } })), units }
    }
  }
  const others = []
  if (shape.sample) {
    const known = COMPARED.filter((metric) => !shape.request.metrics || shape.request.metrics.includes(metric))
    const dump = known.length === COMPARED.length ? await dumped(one, COMPARED) : undefined
    const sample = dump && sampleOf(dump, values.quick ? 20 : shape.sample)
    const asked = { strategy: shape.peers.strategy, combinations: sample?.combinations, options: shape.peers.options }
    const entrants = { ...(shape.plain ? { 'plain JavaScript': plainLoop() } : {}), ...peers }
    for (const [peer, child] of sample ? Object.entries(entrants) : []) {
      // raptorbt has neither shares of the cash nor both sides in one run, and other rules for short positions and next opens.
      const { size, delay, direction } = shape.peers.options
      if (peer === 'raptorbt' && (size || delay || direction)) continue
      await child.ask(load)
      compare(peer, await child.ask(asked), dump, sample)
      runs[peer] = async () => ({ ...(await child.ask(asked)), units: sample.combinations.length * bars })
      others.push(child)
    }
  }

  const taken = Object.fromEntries(Object.keys(runs).map((title) => [title, []]))
  for (let round = 0; round < rounds; round++) {
    for (const [title, run] of Object.entries(runs)) {
      const turns = quick && title.startsWith('addon') ? IN_A_ROW : 1
      for (let turn = 0; turn < turns; turn++) taken[title].push(await run())
    }
    // It measures several times itself, and the largest sweep took a minute when it was compared.
    if (floor && round === rounds >> 1 && (floors.length === 0 || combinations < 100_000))
      floors.push(runFloor(values.floor, floor.mode, floor.dump ? { CLOSES: closes } : {}))
  }
  for (const child of Object.values(ours)) child.end()
  for (const child of others) if (!Object.values(peers).includes(child)) child.end()

  const medians = {}
  for (const [title, list] of Object.entries(taken)) {
    const of = (/** @type {(run: any) => number} */ figure) => median(list.map(figure))
    const most = (/** @type {string} */ figure) => Math.max(...list.map((run) => run[figure] ?? 0))
    medians[title] = {
      cpu: of((run) => (run.cpu / run.units) * 1e9),
      least: Math.min(...list.map((run) => (run.cpu / run.units) * 1e9)),
      wall: of((run) => (run.seconds / run.units) * 1e9),
      seconds: of((run) => run.seconds),
      part: (list[0].units / units) * combinations,
      // The peak of a process that ran other sweeps before says nothing.
      peak: title.startsWith('addon') ? first[title]?.peak : most('peak'),
      beyond: first[title] && first[title].peak - first[title].before - first[title].columns,
    }
  }
  if (floors.length > 0) {
    const cpu = median(floors.map((text) => nanoseconds(text, floor.mode, floor.reading)))
    medians['floor program'] = { cpu }
  }
  report(medians)
  table.push({ name, title: shape.title, combinations, bars, medians, first: first['addon, one thread'] })
  const { seconds, columns, reports } = first['addon, one thread']
  if (combinations > 100_000) {
    console.log(
      `  the first run took ${seconds.toFixed(1)} s, reported its progress ${reports} times, and returned ${megabytes(columns)}`,
    )
  }
}

function plainLoop() {
  return new Child(process.execPath, [join(import.meta.dirname, 'sweep', 'plain.mjs')])
}

function report(medians) {
  const ours = medians['addon, one thread']
  console.log(
    '  ns a bar and combination            CPU     least      wall     ratio   a call, ms   peak memory (beyond the columns)',
  )
  for (const [title, { cpu, least, wall, seconds, part, peak, beyond }] of Object.entries(medians)) {
    const number = (/** @type {number | undefined} */ value, digits = 3) =>
      value === undefined ? '' : value.toFixed(digits)
    const single = medians[title.replace('two threads', 'one thread')]
    const ratio = title.includes('two threads') ? single.wall / wall : cpu / ours.cpu
    const cells = [
      `  ${title.padEnd(28)}`,
      number(cpu).padStart(12),
      number(least).padStart(10),
      number(wall).padStart(10),
      `${ratio.toFixed(2)} ×`.padStart(10),
      number(seconds && seconds * 1000, 1).padStart(13),
      peak ? `   ${megabytes(peak)}` : '',
      beyond === undefined ? '' : ` (${megabytes(beyond)})`,
      title.startsWith('addon') || part === undefined ? '' : `, ${count(part)} combinations`,
    ]
    console.log(cells.join(''))
  }
}

/** Prints how each built-in strategy is computed with each of several settings. */
async function builtIns() {
  const settings = {
    default: {},
    short: { simulation: { direction: 'shortOnly' } },
    both: { simulation: { direction: 'both' } },
    half: { parameters: { position_size: 0.5 } },
    'next open': { simulation: { execution: 'nextOpen' } },
    stops: { simulation: { slStop: 0.01, tpStop: 0.02 } },
    trailing: { simulation: { slStop: 0.01, slTrail: true } },
  }
  const bars = values.quick ? 1_000 : 10_000
  const child = addon(1)
  await child.ask(writeBars(bars).load)
  const found = await child.ask({ builtIns: settings })
  child.end()
  console.log(`\nbuilt-in strategies, a small grid × ${count(bars)} bars, one thread: path, ns a bar and combination`)
  console.log(
    `  ${'strategy'.padEnd(22)}${Object.keys(settings)
      .map((name) => name.padEnd(16))
      .join('')}`,
  )
  builtInRows.push(['strategy', ...Object.keys(settings)])
  for (const id of new Set(found.map((row) => row.id))) {
    const cells = found
      .filter((row) => row.id === id)
      .map(({ combinations, paths, cpu }) => {
        const used = Object.entries(paths)
          .filter(([, number]) => number > 0)
          .map(([path, number]) => (number === combinations ? path : `${path} ${number}`))
        return `${used.join(', ')} ${((cpu / combinations / bars) * 1e9).toFixed(1)}`.padEnd(16)
      })
    console.log(`  ${id.padEnd(22)}${cells.join('')}`)
    builtInRows.push([id, ...cells.map((cell) => cell.trim())])
  }
}

/** @param {string[][]} rows the first one is the head */
function markdown([head, ...rows]) {
  const line = head.map((_, index) => (index === 0 ? '---' : '---:'))
  return [head, line, ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')
}

/** Replaces a part of a document. */
function write(/** @type {string} */ name, /** @type {string} */ part, /** @type {string} */ text) {
  const file = join(ROOT, name)
  writeFileSync(file, fill(readFileSync(file, 'utf8'), part, text))
}

/** Formats a number with this many significant digits, and whole numbers above 100 with commas. */
function digits(/** @type {number | undefined} */ number, precision = 2) {
  if (number === undefined || Number.isNaN(number)) return ''
  return number >= 100 ? count(Math.round(number)) : String(Number(number.toPrecision(precision)))
}

/** Writes the table of the README and those of docs/performance.md. */
function writeTables() {
  const others = ['plain JavaScript', 'raptorbt', 'vectorbt'].filter((name) =>
    table.some(({ medians }) => name in medians),
  )
  const shown = ['sma', 'sma-long', 'million', 'rsi', 'macd', 'bollinger', 'stops', 'short', 'half']
  const rows = table
    .filter(({ name }) => shown.includes(name))
    .map(({ title, combinations, bars, medians }) => {
      const { cpu, seconds } = medians['addon, one thread']
      const sweep = `${title}: ${count(combinations)} × ${count(bars)} bars`
      return [sweep, `${digits(seconds * 1000)} ms`, digits(cpu), ...others.map((name) => digits(medians[name]?.cpu))]
    })
  const peer = (/** @type {string} */ name) => (name === 'plain JavaScript' ? 'plain JavaScript, five metrics' : name)
  const head = ['sweep', 'a call', 'nanoseconds', ...others.map(peer)]
  const where = `${machine}${versions.length > 0 ? `; ${versions.join(', ')}` : ''}`
  const intro = `Medians on ${where}; one thread. Nanoseconds are processor time per bar and combination.`
  write('README.md', 'output of npm run bench:sweep', `${intro}\n\n${markdown([head, ...rows])}`)

  const all = table.map(({ title, combinations, bars, medians, first }) => {
    const [one, two] = [medians['addon, one thread'], medians['addon, two threads']]
    const bare = medians['addon, one thread, top: 0']
    const same = medians['addon, metrics of the floor']
    const [path] = Object.entries(first.paths).find(([, number]) => number > 0) ?? ['']
    return [
      `${title}: ${count(combinations)} × ${count(bars)}`,
      path,
      digits(one.cpu),
      digits(bare.cpu),
      digits(same?.cpu),
      digits(medians['floor program']?.cpu),
      two ? `${digits(one.wall / two.wall, 3)} ×` : '',
      ...others.map((name) => (medians[name] ? `${digits(medians[name].cpu / one.cpu)} ×` : '')),
      megabytes(one.beyond),
    ]
  })
  const heads = ['sweep', 'path', 'ns', 'top: 0', '20 metrics', 'floor', 'two threads', ...others, 'memory']
  write('docs/performance.md', 'output of npm run bench:sweep', `${where}\n\n${markdown([heads, ...all])}`)
  if (builtInRows.length > 0) {
    write('docs/performance.md', 'built-in strategies', markdown(builtInRows))
  }
}
