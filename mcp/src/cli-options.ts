/** Parses the command line and the environment variables. */

import { readFileSync, statSync } from 'node:fs'
import { parseArgs, parseEnv } from 'node:util'
import { Access } from './http/access.js'
import { addressToListenOn, type HttpServerOptions } from './http/http-server.js'
import { MAX_WAIT_SECONDS, resolveOptions, type ServerOptions } from './server-options.js'
import { singleLine } from './single-line.js'
import { VERSION } from './version.js'

const HELP = `Usage: aitradepro-backtesting-mcp [options]

An MCP server for backtesting trading strategies. Uses standard input and output unless --http is given.

Options:
  --http PORT       serve streamable HTTP at http://127.0.0.1:PORT/mcp; 0 picks a free port
  --wait SECONDS    how long run_backtest and run_sweep wait for the result before they return status "running", 0 to ${MAX_WAIT_SECONDS}
                    (default 8; environment: MCP_WAIT_SECONDS)
  --notifications   also send backtest/progress, backtest/complete and backtest/failed
                    (environment: MCP_BACKTEST_NOTIFICATIONS=true)
  --full-resources  embed whole results and lists in the answers, as existing backends expect them
                    (environment: MCP_FULL_RESOURCES=true)
  --help            show this help
  --version         show the version

Options of --http (environment variable in parentheses):
  --host ADDRESS            address to listen on (MCP_HOST; default 127.0.0.1); an address that is not a loopback
                            address requires a token and --allowed-hosts
  --allowed-hosts A,B       accepted Host headers, without ports (MCP_ALLOWED_HOSTS; default localhost,127.0.0.1,::1)
  --allowed-origins A,B     host names of web pages that may call the server, without scheme and port
                            (MCP_ALLOWED_ORIGINS; default localhost,127.0.0.1,::1)
  --token-file FILE         file of accepted Bearer tokens, one per line; # starts a comment (MCP_TOKEN_FILE)
  --token TOKEN             one accepted Bearer token (MCP_TOKEN); every user of the computer can read the command
                            line, so prefer --token-file
  --rate-limit N            requests per second and client (MCP_RATE_LIMIT; default 100; 0: no limit)
  --max-sessions N          concurrent sessions (MCP_MAX_SESSIONS; default 1000)
  --max-sessions-per-client N
                            concurrent sessions per client (MCP_MAX_SESSIONS_PER_CLIENT; default 100)
  --max-connections N       concurrent connections (MCP_MAX_CONNECTIONS; default 1000)
  --max-connections-per-address N
                            concurrent connections per remote address (MCP_MAX_CONNECTIONS_PER_ADDRESS; default 250);
                            behind a proxy, all connections come from one address

Environment variables or a .env file in the working directory configure the engine: DATABASE_URL, DATA_DIR, LOG_LEVEL and
others. The log is written to standard error.
`

/** A parsed command line. */
export type Command =
  | { kind: 'print'; text: string }
  | { kind: 'stdio'; options: ServerOptions }
  | { kind: 'http'; port: number; host: string; options: HttpServerOptions }

/** Options of --http that are strings. */
const STRING_OPTIONS = ['host', 'allowed-hosts', 'allowed-origins', 'token', 'token-file'] as const
/** Options of --http that are integers, with their names in `HttpServerOptions`. */
const INTEGER_OPTIONS = {
  'rate-limit': 'requestsPerSecond',
  'max-sessions': 'maxSessions',
  'max-sessions-per-client': 'maxSessionsPerClient',
  'max-connections': 'maxConnections',
  'max-connections-per-address': 'maxConnectionsPerAddress',
} as const
type StringOption = (typeof STRING_OPTIONS)[number]
type IntegerOption = keyof typeof INTEGER_OPTIONS

/** Returns the environment, completed by the `.env` file of the working directory, which the engine reads as well. */
export function environmentWithFile(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  let text: string
  try {
    text = readFileSync('.env', 'utf8')
  } catch {
    return environment
  }
  // `parseEnv` exists since Node.js 20.12.
  return typeof parseEnv === 'function' ? { ...parseEnv(text), ...environment } : environment
}

/** Parses a command line. Throws an error that names the invalid option. */
export async function parseCommand(args: string[], environment: NodeJS.ProcessEnv): Promise<Command> {
  const httpOptions = [...STRING_OPTIONS, ...(Object.keys(INTEGER_OPTIONS) as IntegerOption[])]
  const { values } = parseArgs({
    args,
    options: {
      http: { type: 'string' },
      wait: { type: 'string' },
      notifications: { type: 'boolean' },
      'full-resources': { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
      version: { type: 'boolean', short: 'v' },
      ...(Object.fromEntries(httpOptions.map((name) => [name, { type: 'string' }])) as Record<
        StringOption | IntegerOption,
        { type: 'string' }
      >),
    },
  })
  if (values.help) return { kind: 'print', text: HELP }
  if (values.version) return { kind: 'print', text: `${VERSION}\n` }
  const options: ServerOptions = {}
  const wait = values.wait ?? environment.MCP_WAIT_SECONDS
  if (wait !== undefined && wait !== '') options.waitSeconds = parseNumber(wait, '--wait', MAX_WAIT_SECONDS)
  options.backtestNotifications = values.notifications ?? parseFlag(environment, 'MCP_BACKTEST_NOTIFICATIONS')
  options.fullResources = values['full-resources'] ?? parseFlag(environment, 'MCP_FULL_RESOURCES')
  resolveOptions(options)
  if (values.http === undefined) {
    // An environment variable may be meant for another server on the same computer, but an option is a mistake.
    const given = httpOptions.find((name) => values[name] !== undefined)
    if (given !== undefined) throw new RangeError(`--${given} requires --http`)
    return { kind: 'stdio', options }
  }
  const port = parseInteger(values.http, '--http', 65_535, 'a port number')
  /** Returns an option, or else its environment variable. An empty variable counts as not set. */
  const setting = (name: StringOption | IntegerOption) =>
    values[name] ?? (environment[`MCP_${name.toUpperCase().replaceAll('-', '_')}`] || undefined)
  const http: HttpServerOptions = { ...options }
  const integerOptions = Object.entries(INTEGER_OPTIONS) as [IntegerOption, (typeof INTEGER_OPTIONS)[IntegerOption]][]
  for (const [name, field] of integerOptions) {
    const text = setting(name)
    if (text === undefined) continue
    http[field] = parseInteger(text, `--${name}`, 1_000_000)
    if (http[field] === 0 && name !== 'rate-limit') throw new RangeError(`--${name} must be above 0`)
  }
  const hosts = setting('allowed-hosts')
  const origins = setting('allowed-origins')
  if (hosts !== undefined) http.allowedHosts = parseList(hosts, '--allowed-hosts')
  if (origins !== undefined) http.allowedOrigins = parseList(origins, '--allowed-origins')
  // An option replaces both variables: a token left in the environment must not stay valid after the move to a file.
  const given = values.token ?? values['token-file']
  const tokens =
    given === undefined
      ? readTokens(setting('token'), setting('token-file'))
      : readTokens(values.token, values['token-file'])
  if (tokens) http.tokens = tokens
  const host = setting('host') ?? '127.0.0.1'
  // Check the options before an engine is created.
  new Access(http)
  await addressToListenOn(host, http)
  return { kind: 'http', port, host, options: http }
}

const MAX_TOKEN_FILE_BYTES = 1024 * 1024

function readTokens(token: string | undefined, file: string | undefined): string[] | undefined {
  if (token === undefined && file === undefined) return undefined
  const tokens = token === undefined ? [] : [token]
  if (file !== undefined) {
    const stat = statSync(file)
    if (!stat.isFile() || stat.size > MAX_TOKEN_FILE_BYTES) {
      throw new RangeError(`${singleLine(file)} must be a file of at most ${MAX_TOKEN_FILE_BYTES} bytes`)
    }
    const found = readFileSync(file, 'utf8')
      .split('\n')
      .map((line) => line.replace(/#.*/, '').trim())
      .filter((line) => line !== '')
    if (found.length === 0) throw new RangeError(`${singleLine(file)} contains no token: write one token per line`)
    tokens.push(...found)
  }
  return tokens
}

function parseList(text: string, name: string): string[] {
  const found = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
  if (found.length === 0) {
    throw new RangeError(`${name} must contain at least one name, was ${JSON.stringify(singleLine(text))}`)
  }
  return found
}

function parseNumber(text: string, name: string, max: number): number {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
  if (!(value <= max)) throw new RangeError(`${name} must be a number from 0 to ${max}, was ${JSON.stringify(text)}`)
  return value
}

function parseInteger(text: string, name: string, max: number, what = 'an integer'): number {
  const value = parseNumber(text, name, max)
  if (!Number.isInteger(value)) throw new RangeError(`${name} must be ${what}, was ${text}`)
  return value
}

function parseFlag(environment: NodeJS.ProcessEnv, name: string): boolean {
  const { [name]: text } = environment
  if (text === undefined || text === '' || text === 'false' || text === '0') return false
  if (text === 'true' || text === '1') return true
  throw new RangeError(`${name} must be true or false, was ${JSON.stringify(text)}`)
}
