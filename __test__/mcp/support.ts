/** Helpers for tests of the MCP server: stores with bars, servers as child processes, SDK clients. */

import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { type CallToolResult, Client, type ClientOptions } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { expect, onTestFinished } from 'vitest'
import { BacktestEngine } from '../../index.js'
import { folder, ROOT, SP500, waves } from '../support.js'

/** The command of the package. */
export const COMMAND = join(ROOT, 'mcp', 'dist', 'cli.js')

/** Arguments of a run as the existing backend passes them, with the conventions of vectorbt, which the numbers come from. */
export const RUN = {
  warmup: 0,
  simulation: { year_days: 365 },
  strategy_id: 'sma_crossover',
  asset_symbol: 'SP500',
  start_date: '2010-01-04',
  end_date: '2014-12-31',
  initial_capital: 10_000,
  parameters: { fast_period: 20, slow_period: 100 },
}

/** Three hundred averages, in groups because expressions may only be nested 64 deep. */
const AVERAGES = Array.from({ length: 12 }, (_, group) => {
  const terms = Array.from({ length: 25 }, (_, index) => `close > sma(close, ${100 + group * 25 + index})`)
  return `(${terms.join(' and ')})`
})

/** A run of a few seconds on the 900,000 bars of LONG. */
export const LONG = {
  strategy: {
    id: 'long',
    entries: AVERAGES.join(' and '),
    exits: 'close < sma(close, 50)',
  },
  asset_symbol: 'LONG',
  start_date: '2020-01-01',
  end_date: '2021-09-30',
  initial_capital: 10_000,
}

/** Creates a store with real bars, and if `long` with many synthetic ones. Returns its folder. */
export async function store({ long = false } = {}): Promise<string> {
  const dataDir = folder()
  const engine = new BacktestEngine({ dataDir, logLevel: 'off' })
  await engine.importBars({ assetSymbol: 'SP500', timeframe: '1d', bars: SP500 })
  if (long) await engine.importBars({ assetSymbol: 'LONG', timeframe: '1m', bars: waves(900_000, 60_000) })
  await engine.close()
  return dataDir
}

/** Returns the environment of this process without engine settings, plus the given ones. */
export function environment(settings: Record<string, string>): Record<string, string> {
  const inherited = Object.entries(process.env).filter(
    ([name, value]) =>
      value !== undefined && !/^(DATABASE_|DATA_DIR|DB_|MAX_|CACHE_|CHUNK_|LOG_|THREADS|MARKET_|MCP_)/.test(name),
  ) as [string, string][]
  return { ...Object.fromEntries(inherited), LOG_LEVEL: 'off', ...settings }
}

/** A server as a child process, with its lines of output. */
export interface Served {
  child: ChildProcessWithoutNullStreams
  /** Every line of standard output so far. */
  lines: string[]
  stderr(): string
  /** Sends a message, or any text, as a line. */
  send(message: object | string): void
  /** Waits for a message that meets a condition. */
  message(matches: (message: Message) => boolean): Promise<Message>
  /** Calls a method and returns the response. */
  request(method: string, params?: object): Promise<Message>
  /** Resolves when the process has ended. */
  ended: Promise<number | null>
}

export interface Message {
  jsonrpc?: string
  id?: number | string | null
  method?: string
  // biome-ignore lint/suspicious/noExplicitAny: tests inspect arbitrary parts of the output.
  params?: any
  // biome-ignore lint/suspicious/noExplicitAny: tests inspect arbitrary parts of the output.
  result?: any
  error?: { code: number; message: string }
}

/** Runs the command until it exits. */
export function run(args: string[], settings: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [COMMAND, ...args], {
    encoding: 'utf8',
    env: environment(settings),
    input: '',
  })
  return { status, stdout, stderr }
}

/** Starts the command, after the shell command `prepare` if given. */
export function serve(
  args: string[],
  settings: Record<string, string> = {},
  prepare?: string,
  cwd: string = folder(),
): Served {
  const command = [process.execPath, COMMAND, ...args]
  const [program = '', ...given] = prepare ? ['sh', '-c', `${prepare}; exec "$0" "$@"`, ...command] : command
  const child = spawn(program, given, { cwd, env: environment(settings) })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  const lines: string[] = []
  const waiting = new Set<() => void>()
  let rest = ''
  let stderr = ''
  let nextId = 1
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n')
    rest = parts.pop() ?? ''
    lines.push(...parts)
    for (const look of [...waiting]) look()
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
    for (const look of [...waiting]) look()
  })
  child.stdin.on('error', () => {})
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  void ended.then(() => {
    for (const look of [...waiting]) look()
  })
  const send = (message: object | string) => {
    child.stdin.write(`${typeof message === 'string' ? message : JSON.stringify(message)}\n`)
  }
  const message = (matches: (message: Message) => boolean) =>
    new Promise<Message>((resolve, reject) => {
      const look = () => {
        const found = lines.map((line) => JSON.parse(line) as Message).find(matches)
        if (found) resolve(found)
        else if (child.exitCode !== null) reject(new Error(`the server ended with ${child.exitCode}: ${stderr}`))
        else return
        waiting.delete(look)
      }
      waiting.add(look)
      look()
    })
  return {
    child,
    lines,
    stderr: () => stderr,
    send,
    message,
    request: (method, params = {}) => {
      const id = `r${nextId++}`
      send({ jsonrpc: '2.0', id, method, params })
      return message((answer) => answer.id === id)
    },
    ended,
  }
}

/** Initializes a connection as clients of the 2025 revisions do. */
export async function initialize(served: Served): Promise<Message> {
  const answer = await served.request('initialize', {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'test', version: '1' },
  })
  served.send({ jsonrpc: '2.0', method: 'notifications/initialized' })
  return answer
}

/** Starts the command over HTTP on a free port and returns its URL. */
export async function serveHttp(
  args: string[],
  settings: Record<string, string> = {},
  prepare?: string,
  cwd?: string,
): Promise<{ served: Served; url: string }> {
  const served = serve(['--http', '0', ...args], settings, prepare, cwd)
  const url = await new Promise<string>((resolve, reject) => {
    served.child.stderr.on('data', () => {
      const found = /listening on (\S+)/.exec(served.stderr())?.[1]
      if (found) resolve(found)
    })
    void served.ended.then(() => reject(new Error(served.stderr())))
  })
  return { served, url }
}

/** Starts a server over stdio and connects an SDK client to it. */
export async function client(
  settings: Record<string, string>,
  { args = [], options = {} }: { args?: string[]; options?: ClientOptions } = {},
): Promise<Client> {
  const made = new Client({ name: 'test', version: '1' }, options)
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [COMMAND, ...args],
    env: environment(settings),
    cwd: folder(),
    stderr: 'ignore',
  })
  await made.connect(transport)
  onTestFinished(() => made.close().catch(() => {}))
  return made
}

/** Calls a tool that must succeed. Returns its structured content. */
// biome-ignore lint/suspicious/noExplicitAny: tests inspect arbitrary parts of the output.
export async function call(from: Client, name: string, args: object = {}): Promise<any> {
  const result = await raw(from, name, args)
  expect(result.isError, textOf(result)).toBeFalsy()
  return result.structuredContent
}

/** Calls a tool that must fail. Returns its text. */
export async function refusal(from: Client, name: string, args: object = {}): Promise<string> {
  const result = await raw(from, name, args)
  expect(result.isError, JSON.stringify(result.structuredContent)).toBe(true)
  expect(result.structuredContent).toBeUndefined()
  const text = textOf(result)
  expect(text).not.toMatch(/\n\s+at |node:internal|\.js:\d/)
  return text
}

/** Calls a tool. */
export async function raw(from: Client, name: string, args: object = {}): Promise<CallToolResult> {
  return (await from.callTool({ name, arguments: args as Record<string, unknown> })) as CallToolResult
}

/** Returns the text of a result. */
export function textOf({ content }: CallToolResult): string {
  return content.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('\n')
}

/** Returns the first resource of a result, parsed, as the existing backend does. */
// biome-ignore lint/suspicious/noExplicitAny: tests inspect arbitrary parts of the output.
export function firstResource({ content }: CallToolResult): { uri: string; value: any } {
  const block = content.find(({ type }) => type === 'resource')
  if (block?.type !== 'resource' || !('text' in block.resource))
    throw new Error(`no resource in ${JSON.stringify(content)}`)
  expect(block.resource.mimeType).toBe('application/json')
  return { uri: block.resource.uri, value: JSON.parse(block.resource.text) }
}
