/** Who may call: which hosts and origins a request may name, and which token it must carry. */

import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { isIP, isIPv6 } from 'node:net'
import {
  localhostAllowedHostnames,
  localhostAllowedOrigins,
  validateHostHeader,
  validateOriginHeader,
} from '@modelcontextprotocol/server'
import { inLine } from './text.js'

/** Why a request is not served. */
export interface Refusal {
  status: number
  /** The code of JSON-RPC. */
  code: number
  message: string
  headers?: Record<string, string>
}

/** What may be said about who calls. */
export interface AccessOptions {
  allowedHosts?: string[] | undefined
  allowedOrigins?: string[] | undefined
  tokens?: string[] | undefined
}

/** The code of JSON-RPC for what HTTP refuses. */
export const REFUSED = -32000

/** Guessing a shorter one is feasible. */
const SHORTEST_TOKEN = 16

/** A name or an address, and a port. Stricter than URLs: no user, no path, nothing that two readers could take differently. */
const HOST = /^(?:[a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i

/** What follows `Bearer` (RFC 6750, section 2.1). */
const TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/

/** Checks requests. */
export class Access {
  readonly #hosts: string[]
  readonly #origins: string[]
  readonly #tokens: Buffer[]

  constructor({ allowedHosts, allowedOrigins, tokens }: AccessOptions) {
    this.#hosts = allowedHosts ? checked('allowedHosts', allowedHosts, hostName) : localhostAllowedHostnames()
    this.#origins = allowedOrigins ? checked('allowedOrigins', allowedOrigins, originName) : localhostAllowedOrigins()
    this.#tokens = tokens === undefined ? [] : checked('tokens', tokens, token).map(hashed)
    if (tokens?.length === 0) throw new RangeError('tokens must name one at least; leave it out to ask for none')
  }

  /** Returns why a request may not be answered, whoever sent it. Nothing else of it is looked at before. */
  refusal(request: IncomingMessage): Refusal | undefined {
    let hosts = 0
    for (let index = 0; index < request.rawHeaders.length; index += 2) {
      if (request.rawHeaders[index]?.toLowerCase() === 'host') hosts += 1
    }
    const host = request.headers.host ?? authorityOf(request)
    if (host === undefined || hosts > 1 || !HOST.test(host)) {
      return { status: 400, code: REFUSED, message: 'Bad Request: exactly one valid Host header is needed' }
    }
    if (!validateHostHeader(host, this.#hosts).ok) {
      return forbidden(`the Host ${shown(host)} is not one of allowedHosts`)
    }
    const { origin } = request.headers
    if (!validateOriginHeader(origin, this.#origins).ok) {
      return forbidden(`the Origin ${shown(origin ?? '')} is not one of allowedOrigins`)
    }
    return undefined
  }

  /** Returns the client that sent a request, or why it is not let in. */
  client(request: IncomingMessage): string | Refusal {
    if (this.#tokens.length === 0) return identityOf(request) ?? addressOf(request)
    const { authorization } = request.headers
    if (authorization === undefined) {
      return unauthorized('a Bearer token is needed in the Authorization header', 'Bearer')
    }
    const given = /^bearer +(\S+)$/i.exec(authorization)?.[1]
    const index = given === undefined ? -1 : this.#find(hashed(given))
    if (index >= 0) return `token ${index}`
    return unauthorized('the token is not known here', 'Bearer error="invalid_token"')
  }

  /** Compares with every token, in the same time whichever it is. */
  #find(given: Buffer): number {
    let found = -1
    for (const [index, known] of this.#tokens.entries()) if (timingSafeEqual(given, known)) found = index
    return found
  }
}

/** Returns the client that middleware in front of the handler found, where the SDK's and others' leave it. */
function identityOf(request: IncomingMessage): string | undefined {
  const { auth } = request as { auth?: { clientId?: unknown } }
  return typeof auth?.clientId === 'string' ? `client ${auth.clientId}` : undefined
}

/** Returns the address of the other end; what stands for a client that has no token. */
export function addressOf({ socket }: Pick<IncomingMessage, 'socket'>): string {
  const address = (socket.remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/i, '')
  if (!isIPv6(address)) return address
  // Whoever has one address of a network of 64 bits has all of them.
  const [head = '', tail] = (address.split('%')[0] ?? '').split('::')
  const groups = head === '' ? [] : head.split(':')
  const rest = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : 8 - groups.length - rest.length
  const all = [...groups, ...Array.from({ length: zeros }, () => '0'), ...rest]
  return `${all.slice(0, 4).join(':')}::/64`
}

/** What HTTP/2 has for a Host, in a server of that kind. */
function authorityOf({ headers }: IncomingMessage): string | undefined {
  const authority = headers[':authority']
  return typeof authority === 'string' ? authority : undefined
}

function forbidden(why: string): Refusal {
  return { status: 403, code: REFUSED, message: `Forbidden: ${why}` }
}

function unauthorized(why: string, challenge: string): Refusal {
  return { status: 401, code: REFUSED, message: `Unauthorized: ${why}`, headers: { 'www-authenticate': challenge } }
}

function shown(text: string): string {
  return JSON.stringify(inLine(text.slice(0, 100)))
}

function checked(option: string, given: unknown, check: (text: string) => string | undefined): string[] {
  if (!Array.isArray(given)) throw new TypeError(`${option} must be a list of texts`)
  return given.map((one, index) => {
    const good = typeof one === 'string' ? check(one) : undefined
    if (good !== undefined) return good
    // A token does not belong into a message.
    if (option === 'tokens') {
      throw new RangeError(
        `tokens.${index} must have ${SHORTEST_TOKEN} characters at least, of A-Z, a-z, 0-9, "-", ".", "_", "~", "+", "/", and "=" at the end`,
      )
    }
    throw new RangeError(`${option}.${index} must be a name without scheme, port and path, was ${shown(String(one))}`)
  })
}

function hostName(text: string): string | undefined {
  const name = isIPv6(text) ? `[${text}]` : text
  if (!HOST.test(name) || /:\d+$/.test(name)) return undefined
  try {
    return new URL(`http://${name}`).hostname
  } catch {
    return undefined
  }
}

function originName(text: string): string | undefined {
  // Every page of a kind: how extensions of a browser are let in whose ids differ with each installation.
  return /^[a-z][a-z0-9+.-]*:\/\/\*$/.test(text) && !/^https?:/.test(text) ? text : hostName(text)
}

function token(text: string): string | undefined {
  return text.length >= SHORTEST_TOKEN && TOKEN.test(text) ? text : undefined
}

function hashed(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/** Writes an address as it stands in a URL. */
export function inUrl(address: string): string {
  return isIP(address) === 6 ? `[${address}]` : address
}
