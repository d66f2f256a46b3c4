/**
 * Connects clients of other projects to the MCP server: each lists the tools, runs a backtest and reads it, as a program or a
 * model would through it.
 *
 *   npm run test:clients [NAME …]
 *
 * Each client is installed in its own folder below target/clients, by npm or by Python's venv and pip. One whose package cannot be
 * installed, because there is no network, is skipped by name. Fails if a client that is there does not work.
 */

import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fail, ROOT } from '../lib.mjs'

const { BacktestEngine } = createRequire(import.meta.url)('../../index.js')

/**
 * The clients, with the packages that each needs. The script of a client is programs/NAME.mjs or programs/NAME.py.
 * @type {Record<string, { npm?: string[], pip?: string[] }>}
 */
const CLIENTS = {
  'typescript-sdk-v1': { npm: ['@modelcontextprotocol/sdk@1.32.2'] },
  'ai-sdk': { npm: ['@ai-sdk/mcp@2.0.99'] },
  langchain: { npm: ['@langchain/mcp-adapters@1.1.4', '@langchain/core'] },
  'openai-agents': { npm: ['@openai/agents@0.20.0', 'zod'] },
  mastra: { npm: ['@mastra/mcp@2.0.0'] },
  'python-sdk': { pip: ['mcp'] },
  fastmcp: { pip: ['fastmcp'] },
}

/** The return of the run that every client makes, percent. */
const EXPECTED = 39.0549

const TOOLS = 15

const wanted = process.argv.slice(2)
const unknown = wanted.find((name) => !(name in CLIENTS))
if (unknown !== undefined) fail(`there is no client ${unknown}; known clients: ${Object.keys(CLIENTS).join(', ')}`)

const dataDir = mkdtempSync(join(tmpdir(), 'backtesting-clients-'))
let failures = 0
try {
  const engine = new BacktestEngine({ dataDir, databaseUrl: undefined, logLevel: 'off' })
  await engine.importBars({ assetSymbol: 'SP500', timeframe: '1d', bars: join(ROOT, 'data', 'sp500-daily.csv') })
  await engine.close()
  for (const name of wanted.length > 0 ? wanted : Object.keys(CLIENTS)) {
    const outcome = check(name)
    if (!/^(?:works|skipped)/.test(outcome)) failures += 1
    console.log(`${name}: ${outcome}`)
  }
} finally {
  rmSync(dataDir, { recursive: true, force: true })
}
if (failures > 0) fail(`${failures} ${failures === 1 ? 'client does' : 'clients do'} not work`)

/**
 * Installs a client, runs its script, and says what happened.
 * @param {string} name
 */
function check(name) {
  const place = join(ROOT, 'target', 'clients', name)
  const { npm, pip = [] } = CLIENTS[name] ?? {}
  const program = npm === undefined ? installWithPip(place, pip) : installWithNpm(place, npm)
  if (program === undefined) return `skipped: ${(npm ?? pip).join(', ')} cannot be installed`
  const script = join(ROOT, 'scripts', 'clients', 'programs', `${name}.${npm === undefined ? 'py' : 'mjs'}`)
  const copy = join(place, npm === undefined ? 'client.py' : 'client.mjs')
  // Beside the packages, so that its imports find them.
  copyFileSync(script, copy)
  const run = {
    asset_symbol: 'SP500',
    strategy_id: 'sma_crossover',
    start_date: '2010-01-04',
    end_date: '2014-12-31',
    initial_capital: 10_000,
    parameters: { fast_period: 20, slow_period: 100 },
    warmup: 0,
    simulation: { year_days: 365 },
  }
  const server = {
    command: process.execPath,
    args: [join(ROOT, 'mcp', 'dist', 'cli.js')],
    env: { DATA_DIR: dataDir, LOG_LEVEL: 'off' },
  }
  const { status, stdout, stderr } = spawnSync(program, [copy, JSON.stringify({ server, run })], {
    cwd: place,
    encoding: 'utf8',
    timeout: 120_000,
  })
  const line = stdout.trim().split('\n').at(-1) ?? ''
  if (status !== 0) return `fails: ${stderr.trim().split('\n').slice(-8).join(' | ')}`
  const { tools, answer } = JSON.parse(line)
  if (tools !== TOOLS) return `fails: it sees ${tools} tools of ${TOOLS}`
  // What a model would read, in whatever form the client hands it over.
  const text = JSON.stringify(answer)
  if (!text.includes(String(EXPECTED))) return `fails: the answer has no return of ${EXPECTED} %: ${text.slice(0, 300)}`
  return `works, and hands over ${text.length} characters`
}

/**
 * @param {string} place
 * @param {string[]} packages
 */
function installWithNpm(place, packages) {
  mkdirSync(place, { recursive: true })
  if (!existsSync(join(place, 'package.json'))) writeFileSync(join(place, 'package.json'), '{ "private": true }\n')
  const args = ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--no-save', ...packages]
  const { status } = spawnSync('npm', args, { cwd: place, stdio: 'ignore', shell: process.platform === 'win32' })
  return status === 0 ? process.execPath : undefined
}

/**
 * @param {string} place
 * @param {string[]} packages
 */
function installWithPip(place, packages) {
  mkdirSync(place, { recursive: true })
  const python = join(place, 'venv', process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python')
  if (!existsSync(python)) spawnSync('python3', ['-m', 'venv', join(place, 'venv')], { stdio: 'ignore' })
  const { status } = spawnSync(python, ['-m', 'pip', 'install', '--quiet', ...packages], { stdio: 'ignore' })
  return status === 0 ? python : undefined
}
