/**
 * Sweeps of the addon, in a process of their own, so that its peak memory is that of one sweep.
 *
 * Requests: {"load": FILE, "bars": N} reads columns (float64, little-endian: timestamps, open, high, low, close); {"sweep": REQUEST}
 * runs a sweep and answers with its times and memory; {"dump": FILE, "names": […]} writes metrics of the last one.
 */

import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const require = createRequire(import.meta.url)
const { BacktestEngine } = require('../../index.js')
const folder = mkdtempSync(join(tmpdir(), 'backtesting-bench-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
const engine = new BacktestEngine({
  dataDir: folder,
  logLevel: 'off',
  maxBacktestDurationDays: 100_000,
  maxDataPoints: 100_000_000,
})

/** Bytes of this process in memory, and the most so far. */
const memory = () => ({ now: process.memoryUsage.rss(), peak: process.resourceUsage().maxRSS * 1024 })

let bars
let result

function load({ load: file, bars: count }) {
  const bytes = readFileSync(file)
  const [timestamps, open, high, low, close] = Array.from(
    { length: 5 },
    (_, column) =>
      new Float64Array(
        bytes.buffer.slice(bytes.byteOffset + column * count * 8, bytes.byteOffset + (column + 1) * count * 8),
      ),
  )
  bars = { timestamps, open, high, low, close }
  return { now: process.memoryUsage.rss() }
}

async function sweep(request) {
  const before = memory()
  let reports = 0
  const onProgress = () => void reports++
  const { cpu: cpuBefore, wall } = { cpu: process.cpuUsage(), wall: performance.now() }
  result = await engine.runSweep(
    {
      assetSymbol: 'X',
      startDate: '1970-01-01',
      endDate: new Date(bars.close.length * 60_000),
      initialCapital: 1_000_000,
      timeframe: '1m',
      bars,
      ...request,
      simulation: { yearDays: 365, ...request.simulation },
    },
    { onProgress },
  )
  const seconds = (performance.now() - wall) / 1000
  const { user, system } = process.cpuUsage(cpuBefore)
  return {
    seconds,
    cpu: (user + system) / 1e6,
    combinations: result.combinations,
    paths: result.paths,
    reports,
    before: before.now,
    peak: memory().peak,
    columns: columns().reduce((sum, column) => sum + column.byteLength, 0),
  }
}

/** All columns of the last result. */
function columns() {
  const { parameters, metrics, objective, standing, sums = {} } = result
  return [...Object.values(parameters), ...Object.values(metrics), objective, standing, ...Object.values(sums)]
}

/** Writes parameters and metrics of the last result, and answers with a hash of all its columns. */
function dump({ dump: file, names }) {
  const { parameters, metrics } = result
  const written = [...Object.values(parameters), ...names.map((name) => metrics[name])]
  writeFileSync(
    file,
    Buffer.concat(written.map((column) => Buffer.from(column.buffer, column.byteOffset, column.byteLength))),
  )
  return { parameters: Object.keys(parameters), rows: result.combinations }
}

function digest() {
  const hash = createHash('sha256')
  for (const { buffer, byteOffset, byteLength } of columns())
    hash.update(new Uint8Array(buffer, byteOffset, byteLength))
  return { digest: hash.digest('hex') }
}

/**
 * Returns how each built-in strategy is computed with each of several settings, on a small grid around its defaults.
 * @param {Record<string, object>} settings
 */
async function builtIns(settings) {
  const found = []
  for (const { id, parametersSchema } of await engine.listStrategies()) {
    const grid = {}
    for (const [name, { type, default: value, minimum, maximum }] of Object.entries(parametersSchema.properties)) {
      if (name === 'position_size' || type === 'boolean') continue
      const factors = [0.4, 0.55, 0.7, 0.85, 1, 1.15, 1.3, 1.45, 1.6]
      const values = factors.map((factor) => (value === 0 ? factor - 1 : value * factor))
      const rounded = type === 'integer' ? values.map(Math.round) : values
      grid[name] = [...new Set(rounded.map((number) => Math.min(maximum, Math.max(minimum, number))))]
    }
    if (Object.keys(grid).length === 0) grid['simulation.fees'] = { from: 0, to: 0.001, count: 80 }
    for (const [name, { parameters: more, ...request }] of Object.entries(settings)) {
      const full = { strategyId: id, top: 0, ...request, parameters: { ...grid, ...more } }
      await sweep(full)
      const { seconds, cpu, combinations, paths } = await sweep(full)
      found.push({ id, name, combinations, paths, seconds, cpu })
    }
  }
  return found
}

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line)
  let answer
  if ('load' in request) answer = load(request)
  else if ('sweep' in request) answer = await sweep(request.sweep)
  else if ('dump' in request) answer = dump(request)
  else if ('digest' in request) answer = digest()
  else if ('builtIns' in request) answer = await builtIns(request.builtIns)
  console.log(JSON.stringify(answer))
}
await engine.close()
