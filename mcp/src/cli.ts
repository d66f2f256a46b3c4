#!/usr/bin/env node
/** The command `aitradepro-backtesting-mcp`: an engine with the settings of the environment, over stdio or HTTP. */

import { createServer } from 'node:http'
import { parseArgs } from 'node:util'
import { BacktestEngine } from '@aitradepro/backtesting'
import { serveStdio } from '@modelcontextprotocol/server/stdio'
import { VERSION } from './about.js'
import { createBacktestingHttpHandler } from './http.js'
import { createBacktestingServer } from './server.js'
import { LONGEST_WAIT, type ServerOptions, settingsOf } from './settings.js'
import { LineTransport } from './stdio.js'

const HELP = `Usage: aitradepro-backtesting-mcp [options]

An MCP server for backtests of trading strategies. Speaks over standard input and output.

Options:
  --http PORT       serve streamable HTTP at http://127.0.0.1:PORT/mcp instead; 0 chooses a free port
  --wait SECONDS    how long run_backtest waits for a result before it answers "running", 0 to ${LONGEST_WAIT}
                    (default 8; environment: MCP_WAIT_SECONDS)
  --notifications   also send backtest/progress, backtest/complete and backtest/failed
                    (environment: MCP_BACKTEST_NOTIFICATIONS=true)
  --help            show this
  --version         show the version

The engine is set by the environment or a file .env in the working directory: DATABASE_URL, DATA_DIR, LOG_LEVEL and others.
The log goes to standard error.
`

/** Ends the process for a command line that makes no sense. */
const MISUSED = 2

// Standard output belongs to the protocol, whatever a dependency prints.
console.log = console.error
console.info = console.error
console.debug = console.error

void main()

async function main(): Promise<void> {
  let command: Command
  try {
    command = read(process.argv.slice(2), process.env)
  } catch (error) {
    console.error(`${messageOf(error)}\nTry --help.`)
    process.exitCode = MISUSED
    return
  }
  if (command.print !== undefined) {
    process.stdout.write(command.print)
    return
  }
  // From now on a signal is an orderly end, however early it comes.
  const signal = signalled()
  try {
    const engine = new BacktestEngine()
    await (command.port === undefined
      ? overStdio(engine, command.options, signal)
      : overHttp(engine, command.options, command.port, signal))
  } catch (error) {
    console.error(messageOf(error))
    process.exit(1)
  }
}

interface Command {
  print?: string
  port?: number
  options: ServerOptions
}

function read(args: string[], environment: NodeJS.ProcessEnv): Command {
  const { values } = parseArgs({
    args,
    options: {
      http: { type: 'string' },
      wait: { type: 'string' },
      notifications: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
      version: { type: 'boolean', short: 'v' },
    },
  })
  if (values.help) return { print: HELP, options: {} }
  if (values.version) return { print: `${VERSION}\n`, options: {} }
  const options: ServerOptions = {}
  const wait = values.wait ?? environment.MCP_WAIT_SECONDS
  if (wait !== undefined && wait !== '') options.waitSeconds = number(wait, '--wait', LONGEST_WAIT)
  options.backtestNotifications = values.notifications ?? flag(environment.MCP_BACKTEST_NOTIFICATIONS)
  settingsOf(options)
  if (values.http === undefined) return { options }
  const port = number(values.http, '--http', 65_535)
  if (!Number.isInteger(port)) throw new RangeError(`--http must be a port, was ${values.http}`)
  return { port, options }
}

function number(text: string, name: string, most: number): number {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
  if (!(value <= most)) throw new RangeError(`${name} must be a number from 0 to ${most}, was ${JSON.stringify(text)}`)
  return value
}

function flag(text: string | undefined): boolean {
  if (text === undefined || text === '' || text === 'false' || text === '0') return false
  if (text === 'true' || text === '1') return true
  throw new RangeError(`MCP_BACKTEST_NOTIFICATIONS must be true or false, was ${JSON.stringify(text)}`)
}

async function overStdio(engine: BacktestEngine, options: ServerOptions, signal: Promise<void>): Promise<void> {
  const transport = new LineTransport()
  const handle = serveStdio(() => createBacktestingServer(engine, options), { transport, onerror: note })
  await Promise.race([transport.closed, signal])
  await handle.close()
  await engine.close()
  process.exit(0)
}

async function overHttp(
  engine: BacktestEngine,
  options: ServerOptions,
  port: number,
  signal: Promise<void>,
): Promise<void> {
  const handler = createBacktestingHttpHandler(engine, options)
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost')
    if (pathname === '/mcp') void handler(request, response)
    else response.writeHead(404, { 'content-type': 'text/plain' }).end('the MCP server is at /mcp\n')
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  const address = server.address()
  const bound = typeof address === 'object' && address !== null ? address.port : port
  console.error(`listening on http://127.0.0.1:${bound}/mcp`)
  await signal
  server.close()
  await handler.close()
  await engine.close()
  server.closeAllConnections()
  process.exit(0)
}

function signalled(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGINT', () => resolve())
    process.once('SIGTERM', () => resolve())
  })
}

function note(error: Error): void {
  console.error(`${error.name}: ${error.message}`)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
