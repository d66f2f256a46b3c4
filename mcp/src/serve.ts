/** A whole HTTP server: the MCP server at /mcp, its health at /health, and nothing that a socket sends can end it. */

import { lookup } from 'node:dns/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, BlockList, isIP, type Socket } from 'node:net'
import { VERSION } from './about.js'
import { Access, addressOf, inUrl, REFUSED, type Refusal } from './access.js'
import { beforeReading } from './body.js'
import type { Engine } from './engine.js'
import { createBacktestingHttpHandler, fail, type HttpOptions, refuse } from './http.js'
import { note, noteDefect } from './log.js'
import { numbersOf } from './settings.js'
import { inLine } from './text.js'

/** Options of a server over HTTP. */
export interface HttpServerOptions extends HttpOptions {
  /** Connections at once; one more is closed. @default 1000 */
  maxConnections?: number
  /** Connections at once from one address; one more is closed. Behind a proxy all come from its address. @default 250 */
  maxConnectionsPerAddress?: number
}

/** A server over HTTP. */
export interface BacktestingHttpServer {
  /**
   * Listens on a port (0: a free one) of an address, by default of the loopback, and returns the URL of the MCP server. Beyond
   * the loopback `tokens` are needed, and on all addresses of the machine `allowedHosts`, too.
   */
  listen(port: number, host?: string): Promise<string>
  /** Stops listening, and ends all sessions, streams and connections, in two seconds at most. The engine stays open. */
  close(): Promise<void>
}

const NUMBERS = {
  maxConnections: { preset: 1000, least: 1 },
  maxConnectionsPerAddress: { preset: 250, least: 1 },
}

/** What a client has to send its headers, and its whole request, and how often that is looked at. */
const TIMEOUTS = { headersTimeout: 10_000, requestTimeout: 40_000, connectionsCheckingInterval: 1000 }

/** How long answers under way may take when the server closes. */
const GRACE_MILLISECONDS = 1000

/** Makes a server over HTTP around `createBacktestingHttpHandler`. It does not listen yet. */
export function createBacktestingHttpServer(engine: Engine, options: HttpServerOptions = {}): BacktestingHttpServer {
  const { numbers, rest } = numbersOf(options, NUMBERS)
  const handler = createBacktestingHttpHandler(engine, rest)
  const access = new Access(rest)
  const addresses = new Map<string, number>()
  let closing = false

  const route = (request: IncomingMessage, response: ServerResponse): void => {
    const refusal = access.refusal(request)
    const path = pathOf(request.url ?? '')
    if (refusal) refuse(response, refusal)
    else if (path === undefined) refuse(response, ODD_TARGET)
    else if (path === '/health') answerHealth(request, response, closing)
    // It never rejects.
    else if (path === '/mcp') void handler(request, response)
    else refuse(response, NOT_FOUND)
  }
  const guarded = (request: IncomingMessage, response: ServerResponse): void => {
    try {
      route(request, response)
    } catch (error) {
      noteDefect(error)
      fail(response)
    }
  }

  const server = createServer(TIMEOUTS, guarded)
  server.maxConnections = numbers.maxConnections
  server.on('checkContinue', (request, response) => {
    // The body is asked for when it is read, that is when nothing speaks against the request. A client that is refused may
    // send it or not, so that nobody knows where its next request would begin.
    beforeReading(request, () => response.writeContinue())
    response.setHeader('connection', 'close')
    guarded(request, response)
  })
  server.on('connect', (_request, socket) => {
    // Node.js leaves such a socket to its listener, errors included.
    socket.on('error', () => {})
    // An answer to a request before may be under way: this one must not stand in the middle of it.
    if ('bytesWritten' in socket && socket.bytesWritten !== 0) {
      socket.destroy()
      return
    }
    socket.end('HTTP/1.1 405 Method Not Allowed\r\nallow: GET, POST, DELETE\r\nconnection: close\r\n\r\n')
    setTimeout(() => socket.destroy(), GRACE_MILLISECONDS).unref()
  })
  server.on('connection', (socket: Socket) => {
    const address = addressOf({ socket })
    const open = (addresses.get(address) ?? 0) + 1
    if (open > numbers.maxConnectionsPerAddress) {
      socket.destroy()
      return
    }
    addresses.set(address, open)
    socket.once('close', () => {
      const left = (addresses.get(address) ?? 1) - 1
      if (left > 0) addresses.set(address, left)
      else addresses.delete(address)
    })
  })

  return {
    listen: async (port, host = '127.0.0.1') => {
      const address = await addressToListenOn(host, rest)
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject)
        server.listen(port, address, () => {
          server.off('error', reject)
          // From now on an error is a connection that could not be accepted, for want of file descriptors for instance.
          server.on('error', note)
          resolve()
        })
      })
      const bound = server.address() as AddressInfo
      return `http://${inUrl(bound.address)}:${bound.port}/mcp`
    },
    close: async () => {
      closing = true
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve())
      })
      await handler.close()
      const late = setTimeout(() => server.closeAllConnections(), GRACE_MILLISECONDS)
      await closed
      clearTimeout(late)
    },
  }
}

/**
 * Returns the address to listen on, so that no server is open to others by accident: beyond the loopback it needs tokens, and
 * on all addresses the names of its hosts, which it cannot know.
 */
export async function addressToListenOn(
  host: string,
  { tokens, allowedHosts }: Pick<HttpOptions, 'tokens' | 'allowedHosts'>,
): Promise<string> {
  const address = isIP(host) ? host : (await lookup(host)).address
  const shown = inLine(host)
  if (!isLoopback(address)) {
    if (!tokens?.length) {
      throw new RangeError(
        `refusing to listen on ${shown} without a token: everybody who reaches it could call every tool; give tokens ` +
          '(--token-file, MCP_TOKEN_FILE), or listen on 127.0.0.1 behind a proxy that knows its users',
      )
    }
    if (!allowedHosts?.length) {
      throw new RangeError(
        `listening on ${shown} needs allowedHosts (--allowed-hosts, MCP_ALLOWED_HOSTS): the names or addresses by which ` +
          'clients reach this server',
      )
    }
  }
  return address
}

function isLoopback(address: string): boolean {
  const loopback = new BlockList()
  loopback.addSubnet('127.0.0.0', 8)
  loopback.addAddress('::1', 'ipv6')
  return loopback.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}

const NOT_FOUND: Refusal = { status: 404, code: REFUSED, message: 'Not Found: the MCP server is at /mcp' }
const ODD_TARGET: Refusal = {
  status: 400,
  code: REFUSED,
  message: 'Bad Request: the target of a request must be a path',
}

/** Returns the path of a target. It is compared and nothing else, so it is not parsed: what does not parse cannot throw. */
function pathOf(target: string): string | undefined {
  if (!/^\/(?!\/)[\x21-\x7e]*$/.test(target) || target.includes('\\')) return undefined
  return target.split('?', 1)[0]
}

/** Says that the process lives and its event loop turns. The engine is not asked: its store may be slow or gone. */
function answerHealth({ method = '' }: IncomingMessage, response: ServerResponse, closing: boolean): void {
  if (method !== 'GET' && method !== 'HEAD') {
    const message = 'Method Not Allowed: use GET or HEAD'
    refuse(response, { status: 405, code: REFUSED, message, headers: { allow: 'GET, HEAD' } })
    return
  }
  const body = JSON.stringify({ status: closing ? 'closing' : 'ok', version: VERSION })
  response.writeHead(closing ? 503 : 200, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(body)
}
