/** Reads request bodies, with limits on the size, the time, and the memory of all bodies together. */

import type { IncomingMessage } from 'node:http'
import { isTooComplex, TOO_COMPLEX } from '../json-limits.js'
import { type HttpError, SERVER_ERROR } from './access.js'

/** Largest request body: 4 MiB, as over stdio. */
export const MAX_BODY_BYTES = 4 * 1024 * 1024

/** Limit on all bodies that are being read at the same time. */
const MAX_BUFFERED_BYTES = 16 * MAX_BODY_BYTES

/** Time limit for a body to arrive. */
const BODY_TIMEOUT_MS = 30_000

/** The rest of an unread body would be parsed as the next request, so the connection has to be closed. */
const CLOSE = { connection: 'close' }

export const TOO_LARGE: HttpError = {
  status: 413,
  code: SERVER_ERROR,
  message: `Payload Too Large: the body must not exceed ${MAX_BODY_BYTES} bytes`,
  headers: CLOSE,
}
const TOO_SLOW: HttpError = {
  status: 408,
  code: SERVER_ERROR,
  message: `Request Timeout: the body did not arrive within ${BODY_TIMEOUT_MS / 1000} s`,
  headers: CLOSE,
}
const TOO_BUSY: HttpError = {
  status: 503,
  code: SERVER_ERROR,
  message: 'Service Unavailable: too many large requests at once; try again in 1 s',
  headers: { ...CLOSE, 'retry-after': '1' },
}
const INCOMPLETE: HttpError = {
  status: 400,
  code: SERVER_ERROR,
  message: 'Bad Request: the body is incomplete',
  headers: CLOSE,
}
export const COMPLEX: HttpError = { status: 400, code: -32600, message: `Invalid Request: ${TOO_COMPLEX}` }
const NOT_JSON: HttpError = { status: 400, code: -32700, message: 'Parse error: the body is not valid UTF-8 JSON' }

/** A parsed body, or the error that prevented it. */
export type Body = { value: unknown } | { error: HttpError }

const decoder = new TextDecoder('utf-8', { fatal: true })

const beforeRead = new WeakMap<IncomingMessage, () => void>()

/** Registers a callback that runs right before the body of a request is read, and never if the body is not read. */
export function onBeforeRead(request: IncomingMessage, callback: () => void): void {
  beforeRead.set(request, callback)
}

/** Reads request bodies. */
export class BodyReader {
  #buffered = 0

  /** Reads a body as JSON. Never rejects. */
  async read(request: IncomingMessage): Promise<Body> {
    const parts: Buffer[] = []
    beforeRead.get(request)?.()
    const error = await this.#collect(request, parts)
    if (error) return { error }
    const text = Buffer.concat(parts)
    if (isTooComplex(text)) return { error: COMPLEX }
    try {
      return { value: JSON.parse(decoder.decode(text)) }
    } catch {
      return { error: NOT_JSON }
    }
  }

  #collect(request: IncomingMessage, parts: Buffer[]): Promise<HttpError | undefined> {
    return new Promise((resolve) => {
      let length = 0
      const settle = (error?: HttpError) => {
        clearTimeout(timer)
        this.#buffered -= length
        request.off('data', onData).off('end', onEnd).off('error', onAbort).off('close', onAbort)
        // Keep a listener: an error event without one would end the process.
        request.on('error', () => {})
        resolve(error)
      }
      const onData = (part: Buffer) => {
        length += part.length
        this.#buffered += part.length
        if (length > MAX_BODY_BYTES) settle(TOO_LARGE)
        else if (this.#buffered > MAX_BUFFERED_BYTES) settle(TOO_BUSY)
        else parts.push(part)
      }
      const onEnd = () => settle()
      const onAbort = () => settle(INCOMPLETE)
      const timer = setTimeout(() => settle(TOO_SLOW), BODY_TIMEOUT_MS)
      if (request.destroyed || request.readableEnded) return settle(request.complete ? undefined : INCOMPLETE)
      request.on('data', onData).on('end', onEnd).on('error', onAbort).on('close', onAbort)
    })
  }
}
