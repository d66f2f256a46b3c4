/**
 * Runs all tests: the Rust tests, the tests of the built package in vitest, and the smoke test in jest. All run, even if one fails.
 * The counts at the end are those of the test runners. TEST_SUMMARY=FILE also writes them to a file.
 */

import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hostTarget, installed, ROOT } from './lib.mjs'
import { offerPgbouncer } from './pgbouncer.mjs'
import { startPostgres } from './postgres.mjs'

/**
 * @typedef {object} Outcome
 * @property {string} name
 * @property {number} passed
 * @property {number} failed
 * @property {number} skipped
 * @property {number} status
 * @property {string[]} [left] the names of skipped tests, which include the reason
 */

// Tests create their own engines: settings of this shell must not affect them.
const settings = readFileSync(join(ROOT, '.env.example'), 'utf8').matchAll(/^#?([A-Z_]+)=/gm)
for (const [, name = ''] of settings) delete process.env[name]

// One server and one pooler for all runners, unless the environment names them.
const server = process.env.TEST_DATABASE_URL ? undefined : await startPostgres()
const database = server?.url ?? process.env.TEST_DATABASE_URL ?? ''
process.env.TEST_DATABASE_URL = database
const pooler = await offerPgbouncer(database)

const reports = mkdtempSync(join(tmpdir(), 'backtesting-tests-'))
const vitest = join(reports, 'vitest.json')
const jest = join(reports, 'jest.json')
const outcomes = [
  await cargo(),
  await node(
    'vitest',
    'vitest/vitest.mjs',
    ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${vitest}`],
    vitest,
  ),
  await node('jest', 'jest/bin/jest.js', ['--json', `--outputFile=${jest}`], jest),
]
await pooler?.remove()
await server?.remove()
rmSync(reports, { recursive: true, force: true })

const summary = summarize(outcomes)
console.log(`\n${summary}`)
if (process.env.TEST_SUMMARY) writeFileSync(process.env.TEST_SUMMARY, `${summary}\n`)
process.exit(outcomes.every(isGood) ? 0 : 1)

/** @returns {Promise<Outcome>} */
async function cargo() {
  // The same target as the addon, so that both share build artifacts.
  process.env.CARGO_BUILD_TARGET ??= hostTarget()
  const { status, output } = await watch('cargo', ['test', '--no-fail-fast'])
  const counts = { passed: 0, failed: 0, skipped: 0 }
  for (const [, passed, failed, ignored] of output.matchAll(
    /^test result: .*?(\d+) passed; (\d+) failed; (\d+) ignored/gm,
  )) {
    counts.passed += Number(passed)
    counts.failed += Number(failed)
    counts.skipped += Number(ignored)
  }
  return { name: 'cargo test', ...counts, status }
}

/**
 * @param {string} name
 * @param {string} program
 * @param {string[]} args
 * @param {string} report
 * @returns {Promise<Outcome>}
 */
async function node(name, program, args, report) {
  const { status } = await watch(process.execPath, [installed(program), ...args])
  try {
    const { numPassedTests, numFailedTests, numPendingTests, testResults } = JSON.parse(readFileSync(report, 'utf8'))
    /** @type {{ status: string, fullName: string }[]} */
    const tests = testResults.flatMap((/** @type {{ assertionResults: object[] }} */ file) => file.assertionResults)
    const left = tests.filter(({ status }) => ['pending', 'skipped'].includes(status)).map(({ fullName }) => fullName)
    return { name, passed: numPassedTests, failed: numFailedTests, skipped: numPendingTests, status, left }
  } catch {
    return { name, passed: 0, failed: 0, skipped: 0, status: status || 1 }
  }
}

/**
 * Runs a program, shows its output and returns it.
 * @param {string} program
 * @param {string[]} args
 * @returns {Promise<{ status: number, output: string }>}
 */
function watch(program, args) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] })
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text) => {
      output += text
      process.stdout.write(text)
    })
    child.on('error', (error) => {
      console.error(`${program} cannot be run: ${error.message}`)
      resolve({ status: 1, output })
    })
    child.on('close', (status) => resolve({ status: status ?? 1, output }))
  })
}

/** @param {Outcome} outcome */
function isGood({ status, passed, failed }) {
  return status === 0 && failed === 0 && passed > 0
}

/** @param {Outcome[]} outcomes */
function summarize(outcomes) {
  const lines = outcomes.map((outcome) => {
    const { name, passed, failed, skipped, status } = outcome
    const ended = isGood(outcome) || failed > 0 ? '' : `  (ended with status ${status} and no failed test)`
    return `${name.padEnd(11)} ${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}${ended}`
  })
  const sum = (/** @type {'passed' | 'failed'} */ key) => outcomes.reduce((total, outcome) => total + outcome[key], 0)
  const broken = outcomes.filter((outcome) => !isGood(outcome) && outcome.failed === 0).length
  const left = new Set(outcomes.flatMap((outcome) => outcome.left ?? []))
  if (process.env.TEST_PGBOUNCER_MISSING)
    left.add(`cargo tests behind pgbouncer: ${process.env.TEST_PGBOUNCER_MISSING}`)
  lines.push(...[...left].map((name) => `skipped: ${name.trim()}`))
  return [...lines, `${sum('passed')} passed, ${sum('failed') + broken} failed`].join('\n')
}
