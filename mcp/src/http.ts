/** Streamable HTTP: sessions for clients of the 2025 revisions, single requests for those of 2026, one engine behind all. */

import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  hostHeaderValidation,
  localhostHostValidation,
  localhostOriginValidation,
  type NodeIncomingMessageLike,
  NodeStreamableHTTPServerTransport,
  originValidation,
  toNodeHandler,
  toWebRequest,
} from '@modelcontextprotocol/node'
import { createMcpHandler, isInitializeRequest, isLegacyRequest } from '@modelcontextprotocol/server'
import type { Engine } from './engine.js'
import { createBacktestingServer } from './server.js'
import { type ServerOptions, settingsOf } from './settings.js'

/** Options of a handler of HTTP requests. */
export interface HttpOptions extends ServerOptions {
  /** Names that a request may have in its `Host` header, without ports. Default: those of this machine's loopback. */
  allowedHosts?: string[]
  /** Names of the pages that a browser may call from (`Origin`), without ports. Default: those of the loopback. */
  allowedOrigins?: string[]
  /** Sessions at once; the one that was idle for longest makes room for one more. @default 1000 */
  maxSessions?: number
}

/** Handles requests; takes the body already parsed where something before it did that. */
export interface HttpHandler {
  (request: IncomingMessage, response: ServerResponse, body?: unknown): Promise<void>
  /** Ends all sessions. The engine stays open. */
  close(): Promise<void>
}

/** A larger body is refused. */
const LARGEST = 4 * 1024 * 1024

/** A session that nobody used for so long is over. */
const IDLE_MILLISECONDS = 60 * 60 * 1000

interface Session {
  transport: NodeStreamableHTTPServerTransport
  used: number
  open: number
}

/**
 * Makes a handler of HTTP requests, to be mounted at one path of a server of your own. It answers no request whose `Host` or
 * `Origin` is not allowed; it knows no users and no passwords: put those in front of it.
 */
export function createBacktestingHttpHandler(engine: Engine, options: HttpOptions = {}): HttpHandler {
  const { allowedHosts, allowedOrigins, maxSessions = 1000, ...serverOptions } = options
  settingsOf(serverOptions)
  if (!(Number.isInteger(maxSessions) && maxSessions > 0)) {
    throw new RangeError(`maxSessions must be a whole number above 0, was ${maxSessions}`)
  }
  const hostAllowed = allowedHosts ? hostHeaderValidation(allowedHosts) : localhostHostValidation()
  const originAllowed = allowedOrigins ? originValidation(allowedOrigins) : localhostOriginValidation()
  const make = () => createBacktestingServer(engine, serverOptions)
  const modern = createMcpHandler(make, { legacy: 'reject', onerror: note })
  const single = toNodeHandler(modern, { onerror: note })
  const sessions = new Map<string, Session>()
  const sweep = setInterval(() => {
    for (const [id, session] of sessions) if (idle(session) > IDLE_MILLISECONDS) drop(id)
  }, 60_000)
  sweep.unref()

  const handle = async (request: IncomingMessage, response: ServerResponse, given?: unknown): Promise<void> => {
    if (!hostAllowed(request, response) || !originAllowed(request, response)) return
    let body = typeof given === 'function' ? undefined : given
    if (request.method === 'POST' && body === undefined) {
      const text = await read(request)
      if (text === undefined) {
        refuse(response, 413, -32000, `Payload Too Large: a body may have ${LARGEST} bytes at most`, {
          connection: 'close',
        })
        return
      }
      try {
        body = JSON.parse(text)
      } catch {
        refuse(response, 400, -32700, 'Parse error: the body is not JSON')
        return
      }
    }
    // The SDK's type of a request knows no absent method, Node's does.
    const incoming = request as NodeIncomingMessageLike
    const legacy = await isLegacyRequest(await toWebRequest(incoming, body), body)
    await (legacy ? inSession(request, response, body) : single(incoming, response, body))
  }

  async function inSession(request: IncomingMessage, response: ServerResponse, body: unknown): Promise<void> {
    const id = request.headers['mcp-session-id']
    const known = typeof id === 'string' ? sessions.get(id) : undefined
    if (typeof id === 'string' && known === undefined) {
      refuse(response, 404, -32001, 'Session not found: initialize a new one')
      return
    }
    if (known === undefined && !(request.method === 'POST' && isInitializeRequest(body))) {
      refuse(response, 400, -32000, 'Bad Request: initialize a session first, then name it in Mcp-Session-Id')
      return
    }
    const session = known ?? (await begin())
    session.open += 1
    response.once('close', () => {
      session.open -= 1
      session.used = performance.now()
    })
    await session.transport.handleRequest(request, response, body)
  }

  async function begin(): Promise<Session> {
    const transport = new NodeStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => {
        makeRoom()
        sessions.set(id, session)
      },
      onsessionclosed: (id) => {
        sessions.delete(id)
      },
    })
    const session = { transport, used: performance.now(), open: 0 }
    const server = make()
    server.server.onerror = note
    await server.connect(transport)
    return session
  }

  function makeRoom(): void {
    while (sessions.size >= maxSessions) {
      const [first] = [...sessions].sort(([, one], [, other]) => idle(other) - idle(one))
      if (first === undefined) return
      drop(first[0])
    }
  }

  function drop(id: string): void {
    const session = sessions.get(id)
    sessions.delete(id)
    session?.transport.close().catch(note)
  }

  return Object.assign(
    async (request: IncomingMessage, response: ServerResponse, body?: unknown) => {
      try {
        await handle(request, response, body)
      } catch (error) {
        note(error)
        if (response.headersSent) response.end()
        else refuse(response, 500, -32603, 'Internal error')
      }
    },
    {
      close: async () => {
        clearInterval(sweep)
        for (const id of [...sessions.keys()]) drop(id)
        await modern.close()
      },
    },
  )
}

function idle({ open, used }: Session): number {
  return open > 0 ? 0 : performance.now() - used
}

/** Reads a body; nothing if it is too large. */
async function read(request: IncomingMessage): Promise<string | undefined> {
  if (Number(request.headers['content-length'] ?? 0) > LARGEST) return undefined
  const parts: Buffer[] = []
  let length = 0
  for await (const part of request) {
    length += part.length
    if (length > LARGEST) return undefined
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}

function refuse(
  response: ServerResponse,
  status: number,
  code: number,
  message: string,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify({ jsonrpc: '2.0', id: null, error: { code, message } }))
}

/** What goes wrong outside of a call is noted on standard error. */
function note(error: unknown): void {
  console.error(error instanceof Error ? `${error.name}: ${error.message}` : error)
}
