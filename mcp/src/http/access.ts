/** Access control: checks the `Host` and `Origin` headers and the Bearer token of a request. */

import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { isIP, isIPv6 } from 'node:net'
import {
  localhostAllowedHostnames,
  localhostAllowedOrigins,
  validateHostHeader,
  validateOriginHeader,
} from '@modelcontextprotocol/server'
import { singleLine } from '../single-line.js'

/** An error response to a request. */
export interface HttpError {
  status: number
  /** JSON-RPC error code. */
  code: number
  message: string
  headers?: Record<string, string>
}

/** Hosts, origins and tokens that a server accepts. */
export interface AccessOptions {
  allowedHosts?: string[] | undefined
  allowedOrigins?: string[] | undefined
  tokens?: string[] | undefined
}

/** JSON-RPC code of implementation-defined server errors. */
export const SERVER_ERROR = -32000

/** Shorter tokens can be guessed. */
const MIN_TOKEN_LENGTH = 16

/** Host name or address with an optional port. Stricter than a URL: no user, no path, nothing that parsers disagree about. */
const HOST = /^(?:[a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i

/** Syntax of a Bearer token (RFC 6750, section 2.1). */
const TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/

/** Decides which requests are served. */
export class Access {
  readonly #hosts: string[]
  readonly #origins: string[]
  readonly #tokens: Buffer[]

  constructor({ allowedHosts, allowedOrigins, tokens }: AccessOptions) {
    this.#hosts = allowedHosts ? parseList('allowedHosts', allowedHosts, parseHost) : localhostAllowedHostnames()
    this.#origins = allowedOrigins
      ? parseList('allowedOrigins', allowedOrigins, parseOrigin)
      : localhostAllowedOrigins()
    this.#tokens = tokens === undefined ? [] : parseList('tokens', tokens, parseToken).map(sha256)
    if (tokens?.length === 0) {
      throw new RangeError('tokens must not be empty; leave it out to run without authentication')
    }
  }

  /** Returns an error if the `Host` or `Origin` header is not allowed. Must run before any other part of the request is read. */
  headerError(request: IncomingMessage): HttpError | undefined {
    let hosts = 0
    for (let index = 0; index < request.rawHeaders.length; index += 2) {
      if (request.rawHeaders[index]?.toLowerCase() === 'host') hosts += 1
    }
    const host = request.headers.host ?? authorityOf(request)
    if (host === undefined || hosts > 1 || !HOST.test(host)) {
      return { status: 400, code: SERVER_ERROR, message: 'Bad Request: exactly one valid Host header is required' }
    }
    if (!validateHostHeader(host, this.#hosts).ok) {
      return forbidden(`the Host ${quoted(host)} is not in allowedHosts`)
    }
    const { origin } = request.headers
    if (!validateOriginHeader(origin, this.#origins).ok) {
      return forbidden(`the Origin ${quoted(origin ?? '')} is not in allowedOrigins`)
    }
    return undefined
  }

  /** Returns the id of the client that sent a request, or an error if it has no valid token. */
  authenticate(request: IncomingMessage): string | HttpError {
    if (this.#tokens.length === 0) return middlewareClient(request) ?? addressOf(request)
    const { authorization } = request.headers
    if (authorization === undefined) {
      return unauthorized('the Authorization header must carry a Bearer token', 'Bearer')
    }
    const given = /^bearer +(\S+)$/i.exec(authorization)?.[1]
    const index = given === undefined ? -1 : this.#indexOf(sha256(given))
    if (index >= 0) return `token ${index}`
    return unauthorized('unknown token', 'Bearer error="invalid_token"')
  }

  /** Compares with every token in constant time, so that timing does not reveal which one matched. */
  #indexOf(given: Buffer): number {
    let found = -1
    for (const [index, known] of this.#tokens.entries()) if (timingSafeEqual(given, known)) found = index
    return found
  }
}

/** Returns the client that authentication middleware found. The SDK's and other middleware set `auth.clientId`. */
function middlewareClient(request: IncomingMessage): string | undefined {
  const { auth } = request as { auth?: { clientId?: unknown } }
  return typeof auth?.clientId === 'string' ? `client ${auth.clientId}` : undefined
}

/** Returns the remote address, which identifies clients without a token. IPv6 addresses are reduced to their /64 network. */
export function addressOf({ socket }: Pick<IncomingMessage, 'socket'>): string {
  const address = (socket.remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/i, '')
  if (!isIPv6(address)) return address
  // A host with one address of a /64 network can use all of them.
  const [head = '', tail] = (address.split('%')[0] ?? '').split('::')
  const groups = head === '' ? [] : head.split(':')
  const rest = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : 8 - groups.length - rest.length
  const all = [...groups, ...Array.from({ length: zeros }, () => '0'), ...rest]
  return `${all.slice(0, 4).join(':')}::/64`
}

/** Returns the `:authority` pseudo-header, which replaces `Host` in HTTP/2. */
function authorityOf({ headers }: IncomingMessage): string | undefined {
  const authority = headers[':authority']
  return typeof authority === 'string' ? authority : undefined
}

function forbidden(why: string): HttpError {
  return { status: 403, code: SERVER_ERROR, message: `Forbidden: ${why}` }
}

function unauthorized(why: string, challenge: string): HttpError {
  return {
    status: 401,
    code: SERVER_ERROR,
    message: `Unauthorized: ${why}`,
    headers: { 'www-authenticate': challenge },
  }
}

function quoted(text: string): string {
  return JSON.stringify(singleLine(text.slice(0, 100)))
}

function parseList(option: string, given: unknown, parse: (text: string) => string | undefined): string[] {
  if (!Array.isArray(given)) throw new TypeError(`${option} must be an array of strings`)
  return given.map((item, index) => {
    const parsed = typeof item === 'string' ? parse(item) : undefined
    if (parsed !== undefined) return parsed
    // A message must never contain a token.
    if (option === 'tokens') {
      throw new RangeError(
        `tokens.${index} must have at least ${MIN_TOKEN_LENGTH} characters: A-Z, a-z, 0-9, "-", ".", "_", "~", "+", "/", and "=" at the end`,
      )
    }
    throw new RangeError(
      `${option}.${index} must be a host name without scheme, port or path, was ${quoted(String(item))}`,
    )
  })
}

function parseHost(text: string): string | undefined {
  const name = isIPv6(text) ? `[${text}]` : text
  if (!HOST.test(name) || /:\d+$/.test(name)) return undefined
  try {
    return new URL(`http://${name}`).hostname
  } catch {
    return undefined
  }
}

function parseOrigin(text: string): string | undefined {
  // `scheme://*` allows browser extensions, whose ids differ with each installation.
  return /^[a-z][a-z0-9+.-]*:\/\/\*$/.test(text) && !/^https?:/.test(text) ? text : parseHost(text)
}

function parseToken(text: string): string | undefined {
  return text.length >= MIN_TOKEN_LENGTH && TOKEN.test(text) ? text : undefined
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/** Formats an address for a URL: IPv6 addresses in brackets. */
export function urlHost(address: string): string {
  return isIP(address) === 6 ? `[${address}]` : address
}
