/** Bodies of requests: bounded in length, in time, and all together. */

import type { IncomingMessage } from 'node:http'
import { REFUSED, type Refusal } from './access.js'
import { isTooComplex, TOO_COMPLEX } from './shape.js'

/** A larger body is refused: 4 MiB, as over stdio. */
export const LARGEST = 4 * 1024 * 1024

/** All bodies that are being read have so many bytes together at most. */
const MOST_BUFFERED = 16 * LARGEST

/** A body that has not arrived after so long is refused. */
const SLOWEST_MILLISECONDS = 30_000

/** Answers to what cannot be read to its end: what follows on the connection would be the rest of the body. */
const CLOSE = { connection: 'close' }

export const TOO_LARGE: Refusal = {
  status: 413,
  code: REFUSED,
  message: `Payload Too Large: a body may have ${LARGEST} bytes at most`,
  headers: CLOSE,
}
const TOO_SLOW: Refusal = {
  status: 408,
  code: REFUSED,
  message: `Request Timeout: the body did not arrive within ${SLOWEST_MILLISECONDS / 1000} s`,
  headers: CLOSE,
}
const TOO_BUSY: Refusal = {
  status: 503,
  code: REFUSED,
  message: 'Service Unavailable: too many large requests at once; try again in a second',
  headers: { ...CLOSE, 'retry-after': '1' },
}
const INCOMPLETE: Refusal = {
  status: 400,
  code: REFUSED,
  message: 'Bad Request: the body is not complete',
  headers: CLOSE,
}
export const COMPLEX: Refusal = { status: 400, code: -32600, message: `Invalid Request: ${TOO_COMPLEX}` }
const NOT_JSON: Refusal = { status: 400, code: -32700, message: 'Parse error: the body is not JSON in UTF-8' }

/** A body, or why there is none. */
export type Body = { value: unknown } | { refusal: Refusal }

const decoder = new TextDecoder('utf-8', { fatal: true })

/** What is to be done before the body of a request is read. */
const BEFORE = new WeakMap<IncomingMessage, () => void>()

/** Has something done right before the body of a request is read, and not at all if it never is. */
export function beforeReading(request: IncomingMessage, act: () => void): void {
  BEFORE.set(request, act)
}

/** Reads bodies. */
export class Bodies {
  #buffered = 0

  /** Reads a body as JSON. Never rejects. */
  async read(request: IncomingMessage): Promise<Body> {
    const parts: Buffer[] = []
    BEFORE.get(request)?.()
    const refusal = await this.#collect(request, parts)
    if (refusal) return { refusal }
    const text = Buffer.concat(parts)
    if (isTooComplex(text)) return { refusal: COMPLEX }
    try {
      return { value: JSON.parse(decoder.decode(text)) }
    } catch {
      return { refusal: NOT_JSON }
    }
  }

  #collect(request: IncomingMessage, parts: Buffer[]): Promise<Refusal | undefined> {
    return new Promise((resolve) => {
      let length = 0
      const settle = (refusal?: Refusal) => {
        clearTimeout(timer)
        this.#buffered -= length
        request.off('data', take).off('end', end).off('error', broken).off('close', broken)
        // Listened to all the same: an error without a listener would end the process.
        request.on('error', () => {})
        resolve(refusal)
      }
      const take = (part: Buffer) => {
        length += part.length
        this.#buffered += part.length
        if (length > LARGEST) settle(TOO_LARGE)
        else if (this.#buffered > MOST_BUFFERED) settle(TOO_BUSY)
        else parts.push(part)
      }
      const end = () => settle()
      const broken = () => settle(INCOMPLETE)
      const timer = setTimeout(() => settle(TOO_SLOW), SLOWEST_MILLISECONDS)
      if (request.destroyed || request.readableEnded) return settle(request.complete ? undefined : INCOMPLETE)
      request.on('data', take).on('end', end).on('error', broken).on('close', broken)
    })
  }
}
