/** What the command line and the environment ask for. */

import { readFileSync, statSync } from 'node:fs'
import { parseArgs, parseEnv } from 'node:util'
import { VERSION } from './about.js'
import { Access } from './access.js'
import { addressToListenOn, type HttpServerOptions } from './serve.js'
import { LONGEST_WAIT, type ServerOptions, settingsOf } from './settings.js'
import { inLine } from './text.js'

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

Options of --http (and their variables of the environment):
  --host ADDRESS            where to listen (MCP_HOST; default 127.0.0.1); beyond the loopback a token and
                            --allowed-hosts are needed
  --allowed-hosts A,B       names that clients may call this server by, without ports (MCP_ALLOWED_HOSTS; default
                            localhost,127.0.0.1,::1)
  --allowed-origins A,B     names of web pages that may call, without scheme and port (MCP_ALLOWED_ORIGINS; default
                            localhost,127.0.0.1,::1)
  --token-file FILE         Bearer tokens, one a line, of which each request must carry one; # begins a comment
                            (MCP_TOKEN_FILE)
  --token TOKEN             one token (MCP_TOKEN); the command line is seen by every user of the machine: prefer
                            a file
  --rate-limit N            requests of one client a second (MCP_RATE_LIMIT; default 100; 0: no limit)
  --max-sessions N          sessions at once (MCP_MAX_SESSIONS; default 1000)
  --max-sessions-per-client N      (MCP_MAX_SESSIONS_PER_CLIENT; default 100)
  --max-connections N              (MCP_MAX_CONNECTIONS; default 1000)
  --max-connections-per-address N  (MCP_MAX_CONNECTIONS_PER_ADDRESS; default 250); behind a proxy all come from one

The engine is set by the environment or a file .env in the working directory: DATABASE_URL, DATA_DIR, LOG_LEVEL and others.
The log goes to standard error.
`

/** What to do. */
export type Command =
  | { kind: 'print'; text: string }
  | { kind: 'stdio'; options: ServerOptions }
  | { kind: 'http'; port: number; host: string; options: HttpServerOptions }

/** Options of --http that are texts, those that are numbers, and the names of the latter in `HttpServerOptions`. */
const TEXTS = ['host', 'allowed-hosts', 'allowed-origins', 'token', 'token-file'] as const
const NUMBERS = {
  'rate-limit': 'requestsPerSecond',
  'max-sessions': 'maxSessions',
  'max-sessions-per-client': 'maxSessionsPerClient',
  'max-connections': 'maxConnections',
  'max-connections-per-address': 'maxConnectionsPerAddress',
} as const
type Text = (typeof TEXTS)[number]
type Numeric = keyof typeof NUMBERS

/** Returns the environment, with what only a file `.env` of the working directory names: the engine reads that, too. */
export function environmentWithFile(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  let text: string
  try {
    text = readFileSync('.env', 'utf8')
  } catch {
    return environment
  }
  // Node.js 20.12 has it.
  return typeof parseEnv === 'function' ? { ...parseEnv(text), ...environment } : environment
}

/** Reads a command, or throws an error that says what is wrong with it. */
export async function read(args: string[], environment: NodeJS.ProcessEnv): Promise<Command> {
  const ofHttp = [...TEXTS, ...(Object.keys(NUMBERS) as Numeric[])]
  const { values } = parseArgs({
    args,
    options: {
      http: { type: 'string' },
      wait: { type: 'string' },
      notifications: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
      version: { type: 'boolean', short: 'v' },
      ...(Object.fromEntries(ofHttp.map((name) => [name, { type: 'string' }])) as Record<
        Text | Numeric,
        { type: 'string' }
      >),
    },
  })
  if (values.help) return { kind: 'print', text: HELP }
  if (values.version) return { kind: 'print', text: `${VERSION}\n` }
  const options: ServerOptions = {}
  const wait = values.wait ?? environment.MCP_WAIT_SECONDS
  if (wait !== undefined && wait !== '') options.waitSeconds = number(wait, '--wait', LONGEST_WAIT)
  options.backtestNotifications = values.notifications ?? flag(environment.MCP_BACKTEST_NOTIFICATIONS)
  settingsOf(options)
  if (values.http === undefined) {
    // Variables of the environment may be meant for another server of the same machine, options are not.
    const given = ofHttp.find((name) => values[name] !== undefined)
    if (given !== undefined) throw new RangeError(`--${given} is an option of --http, which is not given`)
    return { kind: 'stdio', options }
  }
  const port = whole(values.http, '--http', 65_535, 'a port')
  /** What an option says, else its variable; an empty variable says nothing. */
  const setting = (name: Text | Numeric) =>
    values[name] ?? (environment[`MCP_${name.toUpperCase().replaceAll('-', '_')}`] || undefined)
  const http: HttpServerOptions = { ...options }
  for (const [name, field] of Object.entries(NUMBERS) as [Numeric, (typeof NUMBERS)[Numeric]][]) {
    const text = setting(name)
    if (text === undefined) continue
    http[field] = whole(text, `--${name}`, 1_000_000)
    if (http[field] === 0 && name !== 'rate-limit') throw new RangeError(`--${name} must be above 0`)
  }
  const hosts = setting('allowed-hosts')
  const origins = setting('allowed-origins')
  if (hosts !== undefined) http.allowedHosts = list(hosts, '--allowed-hosts')
  if (origins !== undefined) http.allowedOrigins = list(origins, '--allowed-origins')
  // A token that was given once as a variable must not outlive the move to a file.
  const given = values.token ?? values['token-file']
  const tokens =
    given === undefined
      ? tokensOf(setting('token'), setting('token-file'))
      : tokensOf(values.token, values['token-file'])
  if (tokens) http.tokens = tokens
  const host = setting('host') ?? '127.0.0.1'
  // Checked here, before there is an engine.
  new Access(http)
  await addressToListenOn(host, http)
  return { kind: 'http', port, host, options: http }
}

/** A file of tokens is no larger. */
const LARGEST_FILE = 1024 * 1024

function tokensOf(token: string | undefined, file: string | undefined): string[] | undefined {
  if (token === undefined && file === undefined) return undefined
  const tokens = token === undefined ? [] : [token]
  if (file !== undefined) {
    const stat = statSync(file)
    if (!stat.isFile() || stat.size > LARGEST_FILE) {
      throw new RangeError(`${inLine(file)} must be a file of at most ${LARGEST_FILE} bytes`)
    }
    const found = readFileSync(file, 'utf8')
      .split('\n')
      .map((line) => line.replace(/#.*/, '').trim())
      .filter((line) => line !== '')
    if (found.length === 0) throw new RangeError(`${inLine(file)} has no token: write one a line`)
    tokens.push(...found)
  }
  return tokens
}

function list(text: string, name: string): string[] {
  const found = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
  if (found.length === 0) throw new RangeError(`${name} must name one at least, was ${JSON.stringify(inLine(text))}`)
  return found
}

function number(text: string, name: string, most: number): number {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
  if (!(value <= most)) throw new RangeError(`${name} must be a number from 0 to ${most}, was ${JSON.stringify(text)}`)
  return value
}

function whole(text: string, name: string, most: number, what = 'a whole number'): number {
  const value = number(text, name, most)
  if (!Number.isInteger(value)) throw new RangeError(`${name} must be ${what}, was ${text}`)
  return value
}

function flag(text: string | undefined): boolean {
  if (text === undefined || text === '' || text === 'false' || text === '0') return false
  if (text === 'true' || text === '1') return true
  throw new RangeError(`MCP_BACKTEST_NOTIFICATIONS must be true or false, was ${JSON.stringify(text)}`)
}
