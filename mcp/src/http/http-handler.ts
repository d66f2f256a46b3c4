/** Streamable HTTP: sessions for clients of the 2025 revisions, stateless requests for those of 2026, one shared engine. */

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
import type { Engine } from '../engine.js'
import { isTooComplexValue } from '../json-limits.js'
import { logDefect, logError } from '../log.js'
import { createServer } from '../server.js'
import { resolveOptions, type ServerOptions, takeIntegers } from '../server-options.js'
import { Access, addressOf, type HttpError, SERVER_ERROR } from './access.js'
import { ClientLimits } from './client-limits.js'
import { type Body, BodyReader, COMPLEX, MAX_BODY_BYTES, TOO_LARGE } from './request-body.js'
import { type Session, Sessions } from './sessions.js'
import { disconnectSignal, sendWebResponse, toWebRequest } from './web-adapter.js'

/** Options of a handler of HTTP requests. */
export interface HttpOptions extends ServerOptions {
  /** Accepted host names in the `Host` header, without ports. Default: `localhost`, `127.0.0.1` and `::1`. */
  allowedHosts?: string[]
  /** Accepted host names in the `Origin` header of browsers, without ports. Default: `localhost`, `127.0.0.1` and `::1`. */
  allowedOrigins?: string[]
  /**
   * Bearer tokens (RFC 6750) of at least 16 characters. If set, every request must carry one of them, and each token counts
   * as one client. Otherwise clients are identified by the `auth.clientId` that middleware sets, or by remote address.
   */
  tokens?: string[]
  /**
   * Returns the user that a request belongs to, which your authentication has found; undefined rejects it with 401. Each user only
   * sees its own runs (`userId` of a server), has its own sessions, and counts as one client. Not together with `userId`.
   */
  userOf?: (request: IncomingMessage) => string | undefined
  /** Concurrent sessions; further ones are rejected with 503. @default 1000 */
  maxSessions?: number
  /**
   * Concurrent sessions per client. A further one replaces the client's longest idle session if that has been idle for at
   * least five minutes; otherwise it is rejected with 429. @default 100
   */
  maxSessionsPerClient?: number
  /** Concurrent requests and streams per client; further ones are rejected with 429. @default 100 */
  maxRequestsPerClient?: number
  /** Concurrent requests and streams per session; further ones are rejected with 429. @default 25 */
  maxRequestsPerSession?: number
  /**
   * Requests per second and client; further ones are rejected with 429 and `Retry-After`. Bursts of up to ten seconds' worth
   * are allowed. 0: no limit. @default 100
   */
  requestsPerSecond?: number
}

/** Handles a request. Pass `body` if middleware has already parsed it. Never throws and never rejects. */
export interface HttpHandler {
  (request: IncomingMessage, response: ServerResponse, body?: unknown): Promise<void>
  /** Ends all sessions. The engine stays open. */
  close(): Promise<void>
}

const INTEGER_OPTIONS = {
  maxSessions: { defaultValue: 1000, min: 1 },
  maxSessionsPerClient: { defaultValue: 100, min: 1 },
  maxRequestsPerClient: { defaultValue: 100, min: 1 },
  maxRequestsPerSession: { defaultValue: 25, min: 1 },
  requestsPerSecond: { defaultValue: 100, min: 0 },
}

/** Messages in one batch. */
const MAX_BATCH_SIZE = 100

/** Value of the `Allow` header. */
const METHODS = ['GET', 'POST', 'DELETE']

/**
 * Creates a handler of HTTP requests to mount at one path of your own server. It rejects requests whose `Host` or `Origin` is
 * not allowed and, if `tokens` are set, requests without one of them. Your server has to limit connections and slow clients;
 * `createBacktestingHttpServer` creates a server that does.
 */
export function createBacktestingHttpHandler(engine: Engine, options: HttpOptions = {}): HttpHandler {
  const { access, limits, sessions, maxRequestsPerSession, serverOptions, userOf } = resolveHttpOptions(options)
  const bodies = new BodyReader()
  const serverOf = (userId: string | undefined, mode: { canSubscribe: boolean }) =>
    createServer(engine, { ...serverOptions, ...(userId !== undefined && { userId }) }, mode)
  /** The users of requests without a session. */
  const users = new WeakMap<Request, string | undefined>()
  const stateless = createMcpHandler(
    ({ requestInfo }) => {
      if (requestInfo === undefined || !users.has(requestInfo)) throw new Error('a request without a known user')
      return serverOf(users.get(requestInfo), { canSubscribe: false })
    },
    { legacy: 'reject', onerror: logError },
  )
  let isClosed = false

  const handle = async (request: IncomingMessage, response: ServerResponse, given: unknown): Promise<void> => {
    const error = access.headerError(request) ?? requestError(request)
    if (error) return sendError(response, error)
    const found = access.authenticate(request)
    const user = userOf === undefined || typeof found !== 'string' ? undefined : userOf(request)
    const isUnknown = userOf !== undefined && typeof found === 'string' && (typeof user !== 'string' || user === '')
    const client = isUnknown ? NO_USER : user === undefined ? found : `user ${user}`
    // Requests without a valid token count against their address, so that they cannot use up the limit of a token.
    const wait = limits.takeTokens(typeof client === 'string' ? client : addressOf(request))
    if (wait > 0) return sendError(response, tooMany('requests', wait))
    if (typeof client !== 'string') return sendError(response, client)
    if (isClosed) return sendError(response, CLOSED)
    const exceeded = limits.begin(client)
    if (exceeded) return sendError(response, tooMany(exceeded, 1))
    const [disconnected, release] = disconnectSignal(request, response)
    try {
      await handleAdmitted(request, response, disconnected, { client, user }, given)
    } finally {
      release()
      limits.end(client)
    }
  }

  async function handleAdmitted(
    request: IncomingMessage,
    response: ServerResponse,
    disconnected: AbortSignal,
    caller: Caller,
    given: unknown,
  ): Promise<void> {
    const { client } = caller
    let body: unknown
    if (request.method === 'POST') {
      const read = given === undefined || typeof given === 'function' ? await bodies.read(request) : checkParsed(given)
      if (disconnected.aborted) return
      if ('error' in read) return sendError(response, read.error)
      body = read.value
      if (Array.isArray(body) && body.length > MAX_BATCH_SIZE) return sendError(response, LARGE_BATCH)
      // Each message of a batch counts as a request. The first one has already been counted.
      const wait = Array.isArray(body) && body.length > 1 ? limits.takeTokens(client, body.length - 1) : 0
      if (wait > 0) return sendError(response, tooMany('requests', wait))
    }
    const web = toWebRequest(request, disconnected)
    if (await isLegacyRequest(web, body)) {
      await handleInSession(request, response, web, disconnected, caller, body)
    } else {
      users.set(web, caller.user)
      const answer = await stateless.fetch(web, { parsedBody: body })
      await sendWebResponse(response, answer, disconnected, (bytes) => limits.addUnreadBytes(client, bytes))
    }
  }

  async function handleInSession(
    request: IncomingMessage,
    response: ServerResponse,
    web: Request,
    disconnected: AbortSignal,
    { client, user }: Caller,
    body: unknown,
  ): Promise<void> {
    const id = request.headers['mcp-session-id']
    if (typeof id === 'string') {
      const session = sessions.find(id, client)
      if (session === undefined) return sendError(response, UNKNOWN_SESSION)
      if (session.active >= maxRequestsPerSession) return sendError(response, tooMany('requests in this session', 1))
      return serve(session, response, web, disconnected, body)
    }
    if (!(request.method === 'POST' && isInitializeRequest(body))) return sendError(response, NO_SESSION)
    const reservation = sessions.reserve(client)
    if (reservation === 'client') return sendError(response, tooMany('sessions', 60))
    if (reservation === 'all') return sendError(response, FULL)
    let isOpened = false
    try {
      const session = await openSession({ client, user }, () => {
        isOpened = true
      })
      await serve(session, response, web, disconnected, body)
    } finally {
      if (!isOpened) sessions.release(client)
    }
  }

  async function serve(
    session: Session,
    response: ServerResponse,
    web: Request,
    disconnected: AbortSignal,
    parsedBody: unknown,
  ): Promise<void> {
    // The SDK sends a response to the latest request with its id: an earlier request with the same id would wait forever.
    const ids = requestIds(parsedBody)
    if (new Set(ids).size < ids.length || ids.some((id) => session.pendingIds.has(id))) {
      return sendError(response, ID_IN_USE)
    }
    session.active += 1
    for (const id of ids) session.pendingIds.add(id)
    try {
      const answer = await session.transport.handleRequest(web, { parsedBody })
      await sendWebResponse(response, answer, disconnected, (bytes) => limits.addUnreadBytes(session.client, bytes))
    } finally {
      for (const id of ids) session.pendingIds.delete(id)
      session.active -= 1
      session.lastUsed = performance.now()
    }
  }

  async function openSession({ client, user }: Caller, onOpen: () => void): Promise<Session> {
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => {
        onOpen()
        sessions.add(id, session)
        // The handler, and with it all other sessions, was closed in the meantime.
        if (isClosed) sessions.remove(id)
      },
      onsessionclosed: (id) => sessions.remove(id),
    })
    const session = { client, transport, lastUsed: performance.now(), active: 0, pendingIds: new Set<RequestId>() }
    const server = serverOf(user, { canSubscribe: true })
    server.server.onerror = logError
    await server.connect(transport)
    return session
  }

  return Object.assign(
    async (request: IncomingMessage, response: ServerResponse, body?: unknown) => {
      try {
        // Without a listener, a late write to a closed connection would end the process.
        if (response.listenerCount('error') === 0) response.on('error', logError)
        await handle(request, response, body)
      } catch (error) {
        logDefect(error)
        sendInternalError(response)
      }
    },
    {
      close: async () => {
        isClosed = true
        sessions.close()
        await stateless.close()
      },
    },
  )
}

/** Checks the options, applies the defaults, and creates what depends on them. */
function resolveHttpOptions(options: HttpOptions) {
  const { allowedHosts, allowedOrigins, tokens, userOf, ...others } = options
  if (userOf !== undefined && typeof userOf !== 'function') throw new TypeError('userOf must be a function')
  if (userOf !== undefined && others.userId !== undefined) throw new TypeError('set either userId or userOf')
  const { integers, rest } = takeIntegers(others, INTEGER_OPTIONS)
  resolveOptions(rest)
  return {
    access: new Access({ allowedHosts, allowedOrigins, tokens }),
    limits: new ClientLimits(integers),
    sessions: new Sessions(integers),
    maxRequestsPerSession: integers.maxRequestsPerSession,
    serverOptions: rest,
    userOf,
  }
}

/** Who sends a request. */
interface Caller {
  /** Whose limits and sessions count. */
  client: string
  /** Whose runs exist. */
  user: string | undefined
}

const NO_USER: HttpError = {
  status: 401,
  code: SERVER_ERROR,
  message: 'Unauthorized: the request belongs to no user',
  headers: { 'www-authenticate': 'Bearer' },
}
const CLOSED: HttpError = {
  status: 503,
  code: SERVER_ERROR,
  message: 'Service Unavailable: the server is shutting down',
}
const FULL: HttpError = {
  status: 503,
  code: SERVER_ERROR,
  message: 'Service Unavailable: too many sessions; try again in a few minutes',
  headers: { 'retry-after': '60' },
}
const UNKNOWN_SESSION: HttpError = { status: 404, code: -32001, message: 'Session not found: initialize a new one' }
const NO_SESSION: HttpError = {
  status: 400,
  code: SERVER_ERROR,
  message: 'Bad Request: initialize a session first, then send its id in the Mcp-Session-Id header',
}

const LARGE_BATCH: HttpError = {
  status: 400,
  code: -32600,
  message: `Invalid Request: a batch must not exceed ${MAX_BATCH_SIZE} messages`,
}
const ID_IN_USE: HttpError = {
  status: 400,
  code: -32600,
  message: 'Invalid Request: another request of this session with the same id is still pending',
}

/** Returns the ids of the requests in a body. */
function requestIds(body: unknown): RequestId[] {
  return (Array.isArray(body) ? body : [body]).filter(isJSONRPCRequest).map(({ id }) => id)
}

function tooMany(what: string, seconds: number): HttpError {
  const message = `Too Many Requests: too many ${what}; try again in ${seconds} s`
  return { status: 429, code: SERVER_ERROR, message, headers: { 'retry-after': String(seconds) } }
}

/** Checks a body that middleware has parsed. */
function checkParsed(value: unknown): Body {
  return isTooComplexValue(value) ? { error: COMPLEX } : { value }
}

/** Returns an error for an unsupported method, content type or content length. */
function requestError({ headers, method = '' }: IncomingMessage): HttpError | undefined {
  if (!METHODS.includes(method)) {
    const allow = METHODS.join(', ')
    return { status: 405, code: SERVER_ERROR, message: `Method Not Allowed: use ${allow}`, headers: { allow } }
  }
  if (method === 'POST' && !isJsonContentType(headers['content-type'])) {
    return {
      status: 415,
      code: SERVER_ERROR,
      message: 'Unsupported Media Type: Content-Type must be application/json',
    }
  }
  if (Number(headers['content-length'] ?? 0) > MAX_BODY_BYTES) return TOO_LARGE
  return undefined
}

/** Sends an error as a JSON-RPC response. */
export function sendError(response: ServerResponse, { status, code, message, headers }: HttpError): void {
  if (response.headersSent || response.destroyed) return
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify({ jsonrpc: '2.0', id: null, error: { code, message } }))
}

/** Sends an internal error. If the response has already started, destroys it, so that it cannot look complete. */
export function sendInternalError(response: ServerResponse): void {
  try {
    if (response.headersSent) response.destroy()
    else sendError(response, { status: 500, code: -32603, message: 'Internal error' })
  } catch (error) {
    logError(error)
    response.destroy()
  }
}
