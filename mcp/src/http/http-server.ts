/** A complete HTTP server: the MCP server at /mcp and a health check at /health. No input from a socket can end it. */

import { lookup } from 'node:dns/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, BlockList, isIP, type Socket } from 'node:net'
import type { Engine } from '../engine.js'
import { logDefect, logError } from '../log.js'
import { takeIntegers } from '../server-options.js'
import { singleLine } from '../single-line.js'
import { VERSION } from '../version.js'
import { Access, addressOf, type HttpError, SERVER_ERROR, urlHost } from './access.js'
import { createBacktestingHttpHandler, type HttpOptions, sendError, sendInternalError } from './http-handler.js'
import { onBeforeRead } from './request-body.js'

/** Options of a server over HTTP. */
export interface HttpServerOptions extends HttpOptions {
  /** Concurrent connections; further ones are closed. @default 1000 */
  maxConnections?: number
  /**
   * Concurrent connections per remote address; further ones are closed. Behind a proxy, all connections come from its address.
   * @default 250
   */
  maxConnectionsPerAddress?: number
}

/** A server over HTTP. */
export interface BacktestingHttpServer {
  /**
   * Listens on a port (0: any free port) and returns the URL of the MCP server. The default address is 127.0.0.1. Any address
   * that is not a loopback address requires `tokens` and `allowedHosts`.
   */
  listen(port: number, host?: string): Promise<string>
  /** Stops listening and ends all sessions, streams and connections within two seconds. The engine stays open. */
  close(): Promise<void>
}

const INTEGER_OPTIONS = {
  maxConnections: { defaultValue: 1000, min: 1 },
  maxConnectionsPerAddress: { defaultValue: 250, min: 1 },
}

/** Time limits for the headers and for the whole request, and how often they are checked. */
const TIMEOUTS = { headersTimeout: 10_000, requestTimeout: 40_000, connectionsCheckingInterval: 1000 }

/** Time for pending responses when the server closes. */
const SHUTDOWN_TIMEOUT_MS = 1000

/** Creates an HTTP server around `createBacktestingHttpHandler`. Call `listen` to start it. */
export function createBacktestingHttpServer(engine: Engine, options: HttpServerOptions = {}): BacktestingHttpServer {
  const { integers, rest } = takeIntegers(options, INTEGER_OPTIONS)
  const handler = createBacktestingHttpHandler(engine, rest)
  const access = new Access(rest)
  const connectionsByAddress = new Map<string, number>()
  let isClosing = false

  const route = (request: IncomingMessage, response: ServerResponse): void => {
    const error = access.headerError(request)
    const path = pathOf(request.url ?? '')
    if (error) sendError(response, error)
    else if (path === undefined) sendError(response, INVALID_TARGET)
    else if (path === '/health') sendHealth(request, response, isClosing)
    // The handler never rejects.
    else if (path === '/mcp') void handler(request, response)
    else sendError(response, NOT_FOUND)
  }
  const guarded = (request: IncomingMessage, response: ServerResponse): void => {
    try {
      route(request, response)
    } catch (error) {
      logDefect(error)
      sendInternalError(response)
    }
  }

  const server = createServer(TIMEOUTS, guarded)
  server.maxConnections = integers.maxConnections
  server.on('checkContinue', (request, response) => {
    // Request the body only when it is read, after all checks. A rejected client may send it or not, so the connection has to
    // be closed: the start of its next request would be unknown.
    onBeforeRead(request, () => response.writeContinue())
    response.setHeader('connection', 'close')
    guarded(request, response)
  })
  server.on('connect', (_request, socket) => {
    // Node.js leaves such a socket to its listener, including errors.
    socket.on('error', () => {})
    // The response to an earlier request may be in progress, and this one must not end up in the middle of it.
    if ('bytesWritten' in socket && socket.bytesWritten !== 0) {
      socket.destroy()
      return
    }
    socket.end('HTTP/1.1 405 Method Not Allowed\r\nallow: GET, POST, DELETE\r\nconnection: close\r\n\r\n')
    setTimeout(() => socket.destroy(), SHUTDOWN_TIMEOUT_MS).unref()
  })
  server.on('connection', (socket: Socket) => {
    const address = addressOf({ socket })
    const open = (connectionsByAddress.get(address) ?? 0) + 1
    if (open > integers.maxConnectionsPerAddress) {
      socket.destroy()
      return
    }
    connectionsByAddress.set(address, open)
    socket.once('close', () => {
      const remaining = (connectionsByAddress.get(address) ?? 1) - 1
      if (remaining > 0) connectionsByAddress.set(address, remaining)
      else connectionsByAddress.delete(address)
    })
  })

  return {
    listen: async (port, host = '127.0.0.1') => {
      const address = await addressToListenOn(host, rest)
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject)
        server.listen(port, address, () => {
          server.off('error', reject)
          // From here on, an error means that a connection could not be accepted, for example for lack of file descriptors.
          server.on('error', logError)
          resolve()
        })
      })
      const bound = server.address() as AddressInfo
      return `http://${urlHost(bound.address)}:${bound.port}/mcp`
    },
    close: async () => {
      isClosing = true
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve())
      })
      await handler.close()
      const timeout = setTimeout(() => server.closeAllConnections(), SHUTDOWN_TIMEOUT_MS)
      await closed
      clearTimeout(timeout)
    },
  }
}

/**
 * Resolves and checks the address to listen on, so that no server is exposed by accident: an address that is not a loopback
 * address requires tokens and the host names of the server, which it cannot know itself.
 */
export async function addressToListenOn(
  host: string,
  { tokens, allowedHosts }: Pick<HttpOptions, 'tokens' | 'allowedHosts'>,
): Promise<string> {
  const address = isIP(host) ? host : (await lookup(host)).address
  const shown = singleLine(host)
  if (!isLoopback(address)) {
    if (!tokens?.length) {
      throw new RangeError(
        `refusing to listen on ${shown} without a token: anyone who can connect could call every tool; set tokens ` +
          '(--token-file, MCP_TOKEN_FILE), or listen on 127.0.0.1 behind a proxy that authenticates its users',
      )
    }
    if (!allowedHosts?.length) {
      throw new RangeError(
        `listening on ${shown} requires allowedHosts (--allowed-hosts, MCP_ALLOWED_HOSTS): the names or addresses that ` +
          'clients use for this server',
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

const NOT_FOUND: HttpError = { status: 404, code: SERVER_ERROR, message: 'Not Found: the MCP server is at /mcp' }
const INVALID_TARGET: HttpError = {
  status: 400,
  code: SERVER_ERROR,
  message: 'Bad Request: the request target must be a path',
}

/** Returns the path of a request target. The path is only compared, so it is not parsed: no target can make this throw. */
function pathOf(target: string): string | undefined {
  if (!/^\/(?!\/)[\x21-\x7e]*$/.test(target) || target.includes('\\')) return undefined
  return target.split('?', 1)[0]
}

/** Reports that the process and its event loop are running. Does not query the engine: its store may be slow or unreachable. */
function sendHealth({ method = '' }: IncomingMessage, response: ServerResponse, isClosing: boolean): void {
  if (method !== 'GET' && method !== 'HEAD') {
    const message = 'Method Not Allowed: use GET or HEAD'
    sendError(response, { status: 405, code: SERVER_ERROR, message, headers: { allow: 'GET, HEAD' } })
    return
  }
  const body = JSON.stringify({ status: isClosing ? 'closing' : 'ok', version: VERSION })
  response.writeHead(isClosing ? 503 : 200, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(body)
}
