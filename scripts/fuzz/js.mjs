/**
 * Calls every export with hostile arguments, in child processes. Checks that each call returns a promise that resolves without
 * NaN and infinities or rejects with a documented error of bounded size, and that nothing ends or blocks the process.
 *
 *   node scripts/fuzz/js.mjs [N] [--seed S] [--processes P] [--lenient] [--only CASE] [--verbose]
 *
 * N calls (default 10,000). A seed repeats a run, and --only repeats one case, with the few that run at the same time.
 * --lenient ignores results that are not finite, and INTERNAL.
 */

import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { fail, ROOT } from '../lib.mjs'

/** Calls per process: enough to expose leaks and lasting damage, and few enough to lose in a crash. */
const CHUNK = 20_000
const LARGEST_RSS_MEGABYTES = 2_000
/** A process hangs if it exceeds these limits: milliseconds per call, and in addition. */
const PER_CALL = 20
const BESIDES = 120_000

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string' },
    processes: { type: 'string' },
    only: { type: 'string' },
    lenient: { type: 'boolean' },
    verbose: { type: 'boolean' },
  },
})
const only = values.only === undefined ? undefined : whole(values.only, '--only')
const count = only === undefined ? whole(positionals[0] ?? '10000', 'the number of calls') : 1
const seed = whole(values.seed ?? String(Date.now() % 1_000_000), '--seed')
const processes = whole(values.processes ?? '2', '--processes')

/**
 * Report of a process.
 * @typedef {object} Stats
 * @property {Record<string, number>} calls
 * @property {Record<string, number>} outcomes
 * @property {{ case: number, call: string, problem: string, detail: string }[]} failures
 * @property {number} longestHold
 * @property {number} longestDelay
 * @property {number} rss
 */

/** @type {Stats} */
const total = { calls: {}, outcomes: {}, failures: [], longestHold: 0, longestDelay: 0, rss: 0 }
const began = performance.now()
let next = only ?? 0
const last = next + count
console.log(`seed ${seed}`)
await Promise.all(Array.from({ length: Math.max(1, processes) }, work))
report()

async function work() {
  while (next < last && total.failures.length <= 20) {
    const from = next
    const size = Math.min(CHUNK, last - from, Math.max(1000, Math.ceil(count / processes)))
    next += size
    await chunk(from, size)
  }
}

/**
 * Runs some cases in a child process.
 * @param {number} from
 * @param {number} size
 */
async function chunk(from, size) {
  const folder = mkdtempSync(join(tmpdir(), 'backtesting-fuzz-'))
  const progress = join(folder, 'progress')
  const { lenient, verbose } = values
  const options = { seed, from, count: size, progress, dataDir: folder, lenient, verbose }
  const child = spawn(process.execPath, [join(ROOT, 'scripts', 'fuzz', 'calls.mjs'), JSON.stringify(options)], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  let errors = ''
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output += text
  })
  child.stderr.setEncoding('utf8').on('data', (text) => {
    if (verbose) process.stderr.write(text)
    errors = (errors + text).slice(-4000)
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), BESIDES + size * PER_CALL)
  const [status, signal] = await new Promise((resolve) => child.on('close', (...ended) => resolve(ended)))
  clearTimeout(timer)
  const line = output.trimEnd().split('\n').at(-1) ?? ''
  if (status === 0 && line.startsWith('{')) add(JSON.parse(line))
  else {
    const reached = Number(read(progress)) || from
    const detail = `ended with ${signal ?? `status ${status}`} in the cases from ${reached} on\n${errors}`
    total.failures.push({ case: reached, call: '', problem: 'the process ended', detail })
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}

/** @param {Stats} stats */
function add(stats) {
  for (const key of /** @type {const} */ (['calls', 'outcomes'])) {
    for (const [name, number] of Object.entries(stats[key])) total[key][name] = (total[key][name] ?? 0) + number
  }
  for (const key of /** @type {const} */ (['longestHold', 'longestDelay', 'rss'])) {
    total[key] = Math.max(total[key], stats[key])
  }
  total.failures.push(...stats.failures)
  if (stats.rss > LARGEST_RSS_MEGABYTES) {
    total.failures.push({ case: -1, call: '', problem: 'too much memory', detail: `${Math.round(stats.rss)} MB` })
  }
}

function report() {
  const seconds = (performance.now() - began) / 1000
  const made = Object.values(total.calls).reduce((sum, number) => sum + number, 0)
  for (const { case: index, call, problem, detail } of total.failures.slice(0, 30)) {
    console.log(`\ncase ${index} ${call}: ${problem}\n${detail}`)
  }
  /** @param {Record<string, number>} counts */
  const listed = (counts) =>
    Object.entries(counts)
      .sort(([, one], [, other]) => other - one)
      .map(([name, number]) => `${name} ${number}`)
      .join(', ')
  console.log(`calls: ${listed(total.calls)}`)
  console.log(`outcomes: ${listed(total.outcomes)}`)
  console.log(
    `${made} calls in ${seconds.toFixed(1)} s (${Math.round(made / seconds)} per second), longest blocking of the event loop by a call ` +
      `${Math.round(total.longestHold)} ms, longest delay ${Math.round(total.longestDelay)} ms, peak memory ${Math.round(total.rss)} MB`,
  )
  if (total.failures.length > 0) fail(`${total.failures.length} failures, seed ${seed}`)
}

/** @param {string} path */
function read(path) {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return ''
  }
}

/**
 * @param {string} text
 * @param {string} what
 */
function whole(text, what) {
  if (!/^\d+$/.test(text)) fail(`${what} must be an integer, was ${text}`)
  return Number(text)
}
