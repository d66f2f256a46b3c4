/** Streamable HTTP: sessions for clients of the 2025 revisions, single requests for those of 2026, one engine behind all. */

import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  createMcpHandler,
  isInitializeRequest,
  isJSONRPCRequest,
  isJsonContentType,
  isLegacyRequest,
  type RequestId,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server'
import { Access, addressOf, REFUSED, type Refusal } from './access.js'
import { Bodies, type Body, COMPLEX, LARGEST, TOO_LARGE } from './body.js'
import type { Engine } from './engine.js'
import { Limits } from './limits.js'
import { note, noteDefect } from './log.js'
import { createBacktestingServer } from './server.js'
import { type Session, Sessions } from './sessions.js'
import { numbersOf, type ServerOptions, settingsOf } from './settings.js'
import { isTooComplexValue } from './shape.js'
import { departure, sendWeb, toWeb } from './web.js'

/** Options of a handler of HTTP requests. */
export interface HttpOptions extends ServerOptions {
  /** Names that a request may have in its `Host` header, without ports. Default: those of this machine's loopback. */
  allowedHosts?: string[]
  /** Names of the pages that a browser may call from (`Origin`), without ports. Default: those of the loopback. */
  allowedOrigins?: string[]
  /**
   * Bearer tokens (RFC 6750) of at least 16 characters. If there are any, every request must carry one, and each is a client
   * of its own. Without them a client is a remote address, or the `auth.clientId` that middleware put on the request.
   */
  tokens?: string[]
  /** Sessions at once; one more is refused with 503. @default 1000 */
  maxSessions?: number
  /**
   * Sessions of one client at once. One more takes the place of the client's session that has been idle for longest, if that
   * is five minutes at least; else it is refused with 429. @default 100
   */
  maxSessionsPerClient?: number
  /** Requests and streams of one client at once; one more is refused with 429. @default 100 */
  maxRequestsPerClient?: number
  /** Requests and streams of one session at once; one more is refused with 429. @default 25 */
  maxRequestsPerSession?: number
  /**
   * Requests of one client a second; more are refused with 429 and `Retry-After`. Ten seconds' worth may come at once. 0: no
   * limit. @default 100
   */
  requestsPerSecond?: number
}

/** Handles requests; takes the body already parsed where something before it did that. Never throws and never rejects. */
export interface HttpHandler {
  (request: IncomingMessage, response: ServerResponse, body?: unknown): Promise<void>
  /** Ends all sessions. The engine stays open. */
  close(): Promise<void>
}

/** Defaults of the numbers, and the least that each may be. */
const NUMBERS = {
  maxSessions: { preset: 1000, least: 1 },
  maxSessionsPerClient: { preset: 100, least: 1 },
  maxRequestsPerClient: { preset: 100, least: 1 },
  maxRequestsPerSession: { preset: 25, least: 1 },
  requestsPerSecond: { preset: 100, least: 0 },
}

/** Messages of one batch. */
const MOST_MESSAGES = 100

/** What stands in `Allow`. */
const METHODS = ['GET', 'POST', 'DELETE']

/**
 * Makes a handler of HTTP requests, to be mounted at one path of a server of your own. It answers no request whose `Host` or
 * `Origin` is not allowed, and none without one of the `tokens`, if there are any. Slow clients and the number of connections
 * are the server's to limit: `createBacktestingHttpServer` makes one that does.
 */
export function createBacktestingHttpHandler(engine: Engine, options: HttpOptions = {}): HttpHandler {
  const { access, limits, sessions, maxRequestsPerSession, serverOptions } = partsOf(options)
  const bodies = new Bodies()
  const make = () => createBacktestingServer(engine, serverOptions)
  const modern = createMcpHandler(make, { legacy: 'reject', onerror: note })
  let closed = false

  const handle = async (request: IncomingMessage, response: ServerResponse, given: unknown): Promise<void> => {
    const refusal = access.refusal(request) ?? unsuitable(request)
    if (refusal) return refuse(response, refusal)
    const client = access.client(request)
    // Who has no valid token is held to the allowance of the address: it cannot use up that of those who have one.
    const wait = limits.take(typeof client === 'string' ? client : addressOf(request))
    if (wait > 0) return refuse(response, tooMany('requests', wait))
    if (typeof client !== 'string') return refuse(response, client)
    if (closed) return refuse(response, CLOSED)
    const full = limits.enter(client)
    if (full) return refuse(response, tooMany(full, 1))
    const [gone, answered] = departure(request, response)
    try {
      await admitted(request, response, gone, client, given)
    } finally {
      answered()
      limits.leave(client)
    }
  }

  async function admitted(
    request: IncomingMessage,
    response: ServerResponse,
    gone: AbortSignal,
    client: string,
    given: unknown,
  ): Promise<void> {
    let body: unknown
    if (request.method === 'POST') {
      const read = given === undefined || typeof given === 'function' ? await bodies.read(request) : checked(given)
      if (gone.aborted) return
      if ('refusal' in read) return refuse(response, read.refusal)
      body = read.value
      if (Array.isArray(body) && body.length > MOST_MESSAGES) return refuse(response, LARGE_BATCH)
      // Each message of a batch is a request. The first has been paid for.
      const wait = Array.isArray(body) && body.length > 1 ? limits.take(client, body.length - 1) : 0
      if (wait > 0) return refuse(response, tooMany('requests', wait))
    }
    const web = toWeb(request, gone)
    if (await isLegacyRequest(web, body)) await inSession(request, response, web, gone, client, body)
    else
      await sendWeb(response, await modern.fetch(web, { parsedBody: body }), gone, (bytes) => limits.owe(client, bytes))
  }

  async function inSession(
    request: IncomingMessage,
    response: ServerResponse,
    web: Request,
    gone: AbortSignal,
    client: string,
    body: unknown,
  ): Promise<void> {
    const id = request.headers['mcp-session-id']
    if (typeof id === 'string') {
      const session = sessions.find(id, client)
      if (session === undefined) return refuse(response, UNKNOWN_SESSION)
      if (session.open >= maxRequestsPerSession) return refuse(response, tooMany('requests of this session', 1))
      return serve(session, response, web, gone, body)
    }
    if (!(request.method === 'POST' && isInitializeRequest(body))) return refuse(response, NO_SESSION)
    const place = sessions.reserve(client)
    if (place === 'client') return refuse(response, tooMany('sessions', 60))
    if (place === 'all') return refuse(response, FULL)
    let opened = false
    try {
      const session = await begin(client, () => {
        opened = true
      })
      await serve(session, response, web, gone, body)
    } finally {
      if (!opened) sessions.release(client)
    }
  }

  async function serve(
    session: Session,
    response: ServerResponse,
    web: Request,
    gone: AbortSignal,
    parsedBody: unknown,
  ): Promise<void> {
    // The SDK sends an answer to whoever used its id last: the one before would wait for ever.
    const ids = idsOf(parsedBody)
    if (new Set(ids).size < ids.length || ids.some((id) => session.ids.has(id))) return refuse(response, ID_IN_USE)
    session.open += 1
    for (const id of ids) session.ids.add(id)
    try {
      await sendWeb(response, await session.transport.handleRequest(web, { parsedBody }), gone, (bytes) =>
        limits.owe(session.client, bytes),
      )
    } finally {
      for (const id of ids) session.ids.delete(id)
      session.open -= 1
      session.used = performance.now()
    }
  }

  async function begin(client: string, opened: () => void): Promise<Session> {
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => {
        opened()
        sessions.add(id, session)
        // The handler was closed in the meantime, and with it all sessions that there were.
        if (closed) sessions.drop(id)
      },
      onsessionclosed: (id) => sessions.drop(id),
    })
    const session = { client, transport, used: performance.now(), open: 0, ids: new Set<RequestId>() }
    const server = make()
    server.server.onerror = note
    await server.connect(transport)
    return session
  }

  return Object.assign(
    async (request: IncomingMessage, response: ServerResponse, body?: unknown) => {
      try {
        // Without a listener a late write to a connection that is gone would end the process.
        if (response.listenerCount('error') === 0) response.on('error', note)
        await handle(request, response, body)
      } catch (error) {
        noteDefect(error)
        fail(response)
      }
    },
    {
      close: async () => {
        closed = true
        sessions.close()
        await modern.close()
      },
    },
  )
}

/** Fills in defaults and checks. */
function partsOf(options: HttpOptions) {
  const { allowedHosts, allowedOrigins, tokens, ...others } = options
  const { numbers, rest } = numbersOf(others, NUMBERS)
  settingsOf(rest)
  return {
    access: new Access({ allowedHosts, allowedOrigins, tokens }),
    limits: new Limits(numbers),
    sessions: new Sessions(numbers),
    maxRequestsPerSession: numbers.maxRequestsPerSession,
    serverOptions: rest,
  }
}

const CLOSED: Refusal = { status: 503, code: REFUSED, message: 'Service Unavailable: the server is shutting down' }
const FULL: Refusal = {
  status: 503,
  code: REFUSED,
  message: 'Service Unavailable: there are too many sessions; try again in some minutes',
  headers: { 'retry-after': '60' },
}
const UNKNOWN_SESSION: Refusal = { status: 404, code: -32001, message: 'Session not found: initialize a new one' }
const NO_SESSION: Refusal = {
  status: 400,
  code: REFUSED,
  message: 'Bad Request: initialize a session first, then name it in Mcp-Session-Id',
}

const LARGE_BATCH: Refusal = {
  status: 400,
  code: -32600,
  message: `Invalid Request: a batch may have ${MOST_MESSAGES} messages at most`,
}
const ID_IN_USE: Refusal = {
  status: 400,
  code: -32600,
  message: 'Invalid Request: another request of this session with the same id is not answered yet',
}

/** Returns the ids of the requests in a body. */
function idsOf(body: unknown): RequestId[] {
  return (Array.isArray(body) ? body : [body]).filter(isJSONRPCRequest).map(({ id }) => id)
}

function tooMany(what: string, seconds: number): Refusal {
  const message = `Too Many Requests: too many ${what}; try again in ${seconds} s`
  return { status: 429, code: REFUSED, message, headers: { 'retry-after': String(seconds) } }
}

/** Takes a body that something before the handler parsed. */
function checked(value: unknown): Body {
  return isTooComplexValue(value) ? { refusal: COMPLEX } : { value }
}

/** Returns what is wrong with a request whoever sent it, as far as its head says. */
function unsuitable({ headers, method = '' }: IncomingMessage): Refusal | undefined {
  if (!METHODS.includes(method)) {
    const allow = METHODS.join(', ')
    return { status: 405, code: REFUSED, message: `Method Not Allowed: use ${allow}`, headers: { allow } }
  }
  if (method === 'POST' && !isJsonContentType(headers['content-type'])) {
    return {
      status: 415,
      code: REFUSED,
      message: 'Unsupported Media Type: Content-Type must be application/json',
    }
  }
  if (Number(headers['content-length'] ?? 0) > LARGEST) return TOO_LARGE
  return undefined
}

/** Refuses a request. */
export function refuse(response: ServerResponse, { status, code, message, headers }: Refusal): void {
  if (response.headersSent || response.destroyed) return
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify({ jsonrpc: '2.0', id: null, error: { code, message } }))
}

/** Ends an answer that cannot be given: one that was begun is broken off, so that it does not pass for a whole one. */
export function fail(response: ServerResponse): void {
  try {
    if (response.headersSent) response.destroy()
    else refuse(response, { status: 500, code: -32603, message: 'Internal error' })
  } catch (error) {
    note(error)
    response.destroy()
  }
}
