/**
 * Fuzzes the MCP server over HTTP and over standard input. Checks that it keeps running, serves other clients, keeps its
 * memory, and logs no bug.
 *
 *   node scripts/fuzz/http.mjs [N] [--seed S] [--stdio N] [--only INDEX]
 *
 * N requests over HTTP (default 20,000), and a quarter as many lines over standard input unless --stdio is given. A seed
 * repeats a run; --only sends and shows a single case of it.
 */

import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { fail, ROOT } from '../lib.mjs'
import { Connection, faultOf } from './exchange.mjs'
import { anyText } from './messages.mjs'
import { Random } from './random.mjs'
import { anyCase } from './requests.mjs'

const { BacktestEngine } = createRequire(import.meta.url)('../../index.js')

/** Concurrent sockets. */
const SOCKETS = 48

/** Cases between two checks of the server. */
const BATCH = 2000

/** Heap limit of the server, so that a leak ends it instead of going unnoticed. */
const HEAP_MEGABYTES = 400
const LARGEST_RSS_MEGABYTES = 900

const COMMAND = join(ROOT, 'mcp', 'dist', 'cli.js')
const TOKENS = ['fuzz', 'other', 'check'].map((name) => `${name}-0123456789abcdef`)
const [TOKEN = '', OTHER_TOKEN = '', CHECK_TOKEN = ''] = TOKENS

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seed: { type: 'string' }, stdio: { type: 'string' }, only: { type: 'string' } },
})
const count = whole(positionals[0] ?? '20000', 'the number of requests')
const lines = whole(values.stdio ?? String(Math.floor(count / 4)), '--stdio')
const seed = whole(values.seed ?? String(Date.now() % 1_000_000), '--seed')
const only = values.only === undefined ? undefined : whole(values.only, '--only')

const dataDir = mkdtempSync(join(tmpdir(), 'backtesting-fuzz-'))
process.on('exit', () => rmSync(dataDir, { recursive: true, force: true }))
const engine = new BacktestEngine({ dataDir, databaseUrl: undefined, logLevel: 'off' })
await engine.importBars({ assetSymbol: 'SP500', timeframe: '1d', bars: join(ROOT, 'data', 'sp500-daily.csv') })
await engine.close()

console.log(`seed ${seed}`)
if (count > 0) await overHttp()
if (lines > 0 && only === undefined) await overStdio()
process.exit(0)

/**
 * @param {string} text
 * @param {string} name
 */
function whole(text, name) {
  if (!/^\d+$/.test(text)) fail(`${name} must be an integer, was ${JSON.stringify(text)}`, 2)
  return Number(text)
}

/**
 * Starts the command and checks its standard error.
 * @param {string[]} args
 */
function start(args) {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(DATABASE_|DB_|MAX_|MCP_)/.test(name))
  const child = spawn(process.execPath, [`--max-old-space-size=${HEAP_MEGABYTES}`, COMMAND, ...args], {
    cwd: dataDir,
    env: { ...Object.fromEntries(inherited), DATA_DIR: dataDir, LOG_LEVEL: 'off' },
  })
  let stderr = ''
  let last = ''
  /** @type {string | undefined} */
  let fault
  child.stderr.setEncoding('utf8').on('data', (text) => {
    if (stderr.length < 10_000) stderr += text
    last = (last + text).slice(-20_000)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these must not occur
    const found = /^\s+at |INTERNAL|\(node:\d+\)|[\u0000-\u0009\u000b-\u001f\u007f]/m.exec(last)
    if (found)
      fault ??= `an unexpected line on standard error:\n${last.slice(Math.max(0, found.index - 500), found.index + 1500)}`
    if (!found) last = last.slice(-1000)
  })
  let highest = 0
  /** Returns what is wrong with the process. */
  const state = () => {
    if (child.exitCode !== null || child.signalCode !== null) {
      return `the server ended with ${child.exitCode ?? child.signalCode}:\n${last}`
    }
    highest = Math.max(highest, memoryOf(child.pid ?? 0))
    if (highest > LARGEST_RSS_MEGABYTES) return `the server uses ${highest} MB`
    return fault
  }
  process.on('exit', () => child.kill('SIGKILL'))
  return { child, state, stderr: () => stderr, highest: () => highest }
}

/**
 * Returns the peak memory of a process in megabytes; 0 if the system does not report it.
 * @param {number} pid
 */
function memoryOf(pid) {
  try {
    return Math.round(Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024)
  } catch {
    return 0
  }
}

async function overHttp() {
  const limits = ['--rate-limit', '0', '--max-connections-per-address', '1000']
  const server = start(['--http', '0', '--token', `${TOKENS[0]}`, '--token-file', tokenFile(), ...limits])
  const url = await new Promise((resolve) => {
    server.child.stderr.on('data', () => {
      const found = /listening on (\S+)/.exec(server.stderr())?.[1]
      if (found) resolve(found)
    })
    server.child.once('exit', () => fail(`the server did not start:\n${server.stderr()}`))
  })
  const { port, host, origin } = new URL(url)
  // Another client, whose session must survive everything.
  const check = new Client({ name: 'check', version: '1' })
  const transport = new StreamableHTTPClientTransport(new URL(url), {
    requestInit: { headers: { authorization: `Bearer ${CHECK_TOKEN}` } },
  })
  await check.connect(transport)
  const known = {
    host,
    token: TOKEN,
    otherToken: OTHER_TOKEN,
    sessions: /** @type {string[]} */ ([]),
    doomed: '',
    otherSessions: [transport.sessionId ?? ''],
  }
  /** @type {Map<number | string, number>} */
  const statuses = new Map()
  let open = 0
  let next = only ?? 0
  const end = only === undefined ? count : only + 1

  const healthy = async () => {
    const state = server.state()
    if (state !== undefined) throw new Error(state)
    const health = await fetch(`${origin}/health`, { signal: AbortSignal.timeout(10_000) })
    if (health.status !== 200) throw new Error(`/health returned ${health.status}`)
    const answer = await check.callTool({ name: 'list_assets', arguments: {} }, { timeout: 20_000 })
    if (answer.isError || JSON.stringify(answer).includes('SP500') === false)
      throw new Error('another client is not served')
    // The fuzzer ends its own sessions.
    const opened = (await Promise.all([1, 2, 3, 4].map(() => openSession(url)))).filter((id) => id !== undefined)
    const [doomed = known.doomed, ...sessions] = opened
    known.doomed = doomed
    if (sessions.length > 0) known.sessions = sessions
  }
  await healthy()
  if (known.sessions.length === 0) fail('no session could be opened')

  const began = performance.now()
  const worker = async (/** @type {number} */ until) => {
    const connection = new Connection(Number(port))
    while (next < until) {
      const index = next++
      const given = anyCase(new Random(seed, index), known)
      if (only !== undefined) console.log(shown(given))
      const outcome = await connection.send(given)
      for (const status of outcome.statuses) statuses.set(status, (statuses.get(status) ?? 0) + 1)
      if (outcome.statuses.length === 0) statuses.set('none', (statuses.get('none') ?? 0) + 1)
      if (outcome.stream) open += 1
      if (outcome.fault !== undefined) {
        fail(`case ${index} of seed ${seed}: ${outcome.fault}\n${shown(given)}\n${server.state() ?? ''}`)
      }
    }
    connection.close()
  }
  for (let until = Math.min(next + BATCH, end); next < end; until = Math.min(next + BATCH, end)) {
    const first = next
    await Promise.all(Array.from({ length: SOCKETS }, () => worker(until)))
    try {
      await healthy()
      if (next % (10 * BATCH) === 0 && next < end) console.log(`… ${next} cases`)
    } catch (error) {
      fail(
        `after the cases ${first} to ${until - 1} of seed ${seed}: ${error instanceof Error ? error.message : error}`,
      )
    }
  }
  const seconds = (performance.now() - began) / 1000
  await check.close()
  const ended = new Promise((resolve) => server.child.once('exit', resolve))
  server.child.removeAllListeners('exit')
  server.child.once('exit', (code) => {
    if (code !== 0) fail(`the server ended with ${code} at SIGTERM`)
  })
  server.child.kill('SIGTERM')
  await Promise.race([ended, new Promise((resolve) => server.child.once('exit', resolve))])
  const sorted = [...statuses].sort(([one], [other]) => String(one).localeCompare(String(other)))
  console.log(
    `http: ${end - (only ?? 0)} cases in ${seconds.toFixed(1)} s, ${Math.round((end - (only ?? 0)) / seconds)} a second; ` +
      `peak memory ${server.highest()} MB; streams left open: ${open}\n` +
      `answers: ${sorted.map(([status, times]) => `${status}: ${times}`).join(', ')}`,
  )
}

function tokenFile() {
  const file = join(dataDir, 'tokens')
  writeFileSync(file, `# for the fuzzer\n${OTHER_TOKEN}\n${CHECK_TOKEN} # for the client that must not be affected\n`)
  return file
}

/** @param {string} url */
async function openSession(url) {
  const answer = await fetch(url, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${TOKEN}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'fuzz', version: '1' } },
    }),
  })
  const text = await answer.text()
  // No other request is active: disconnected clients must not count as active requests.
  if (text.includes('concurrent requests')) throw new Error(`finished requests still count as active: ${text}`)
  return answer.headers.get('mcp-session-id') ?? undefined
}

/** @param {import('./requests.mjs').Case} given */
function shown({ parts, end }) {
  const text = JSON.stringify(Buffer.concat(parts).toString('latin1'))
  return `${text.slice(0, 1500)}${text.length > 1500 ? ` … ${text.length} characters` : ''}, then ${end}`
}

/** Sends lines over standard input. Every request must get a response, and the output may only contain messages. */
async function overStdio() {
  const server = start([])
  /** @type {Map<string, (text: string) => void>} */
  const waiting = new Map()
  /** @type {string | undefined} */
  let fault
  let answers = 0
  let rest = ''
  server.child.stdout.setEncoding('utf8').on('data', (text) => {
    const parts = (rest + text).split('\n')
    rest = parts.pop() ?? ''
    for (const line of parts) {
      answers += 1
      fault ??= line === '' ? 'an empty line' : faultOf(line)
      const id = /"id":"(check \d+)"/.exec(line.slice(0, 200) + line.slice(-200))?.[1]
      if (id !== undefined) waiting.get(id)?.(line)
    }
  })
  server.child.stdin.on('error', () => {})
  let checks = 0
  const ask = (/** @type {string} */ method, /** @type {object} */ params) =>
    new Promise((resolve, reject) => {
      const id = `check ${checks++}`
      const timer = setTimeout(() => reject(new Error(`${method} got no response`)), 20_000)
      waiting.set(id, (line) => {
        clearTimeout(timer)
        waiting.delete(id)
        resolve(line)
      })
      server.child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`)
    })
  const clientInfo = { name: 'fuzz', version: '1' }
  await ask('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo })
  server.child.stdin.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n')
  const began = performance.now()
  for (let index = 0; index < lines; ) {
    const first = index
    for (const until = Math.min(index + 500, lines); index < until; index++) {
      const random = new Random(seed ^ 0x5bd1e995, index)
      const { bytes: text } = anyText(random, random.chance(0.8) ? 'session' : 'mixed')
      server.child.stdin.write(text)
      server.child.stdin.write(random.chance(0.02) ? '\r\n' : '\n')
    }
    try {
      await ask('ping', {})
      const line = String(await ask('tools/call', { name: 'list_assets', arguments: {} }))
      if (!line.includes('SP500')) throw new Error(`list_assets returned ${line.slice(0, 500)}`)
      const state = fault ?? server.state()
      if (state !== undefined) throw new Error(state)
    } catch (error) {
      fail(
        `stdio, after the lines ${first} to ${index - 1} of seed ${seed}: ${error instanceof Error ? error.message : error}\n${server.state() ?? ''}`,
      )
    }
  }
  const seconds = (performance.now() - began) / 1000
  const ended = new Promise((resolve) => server.child.once('exit', resolve))
  server.child.stdin.end()
  const code = await ended
  if (code !== 0) fail(`the server ended with ${code} at the end of standard input`)
  console.log(
    `stdio: ${lines} lines in ${seconds.toFixed(1)} s, ${Math.round(lines / seconds)} a second; ${answers} answers; ` +
      `peak memory ${server.highest()} MB`,
  )
}
