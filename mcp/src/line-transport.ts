/** JSON-RPC over standard input and output, one message per line. Invalid lines get an error response. */

import type { Readable, Writable } from 'node:stream'
import {
  isJSONRPCNotification,
  isJSONRPCRequest,
  isJSONRPCResponse,
  type JSONRPCMessage,
  parseJSONRPCMessage,
  type RequestId,
  type Transport,
} from '@modelcontextprotocol/server'
import { findMessageId, isTooComplex, TOO_COMPLEX } from './json-limits.js'
import { sanitizeError } from './sanitize-errors.js'

/** Longest line: 4 MiB, as over HTTP. */
const MAX_LINE_BYTES = 4 * 1024 * 1024

/** Above this much unread output, input is paused: a client that does not read must not fill the memory. */
const MAX_UNREAD_BYTES = 16 * 1024 * 1024

/** Time for pending responses after the input has ended: scripts pipe in all requests, then read the responses. */
const DRAIN_TIMEOUT_MS = 500

const PARSE_ERROR = -32700
const INVALID_REQUEST = -32600

/**
 * Reads messages from one stream and writes them to another. Unlike the SDK's transport, it answers malformed lines with an
 * error, as JSON-RPC requires, and a line that is too long does not end the connection.
 */
export class LineTransport implements Transport {
  onclose?: () => void
  onerror?: (error: Error) => void
  onmessage?: (message: JSONRPCMessage) => void

  readonly #input: Readable
  readonly #output: Writable
  #parts: Buffer[] = []
  #length = 0
  #isTooLong = false
  #isClosed = false
  #isInputEnded = false
  readonly #pending = new Set<RequestId>()
  #resolveClosed = () => {}

  /** Resolves when either side has closed the connection. */
  readonly closed = new Promise<void>((resolve) => {
    this.#resolveClosed = resolve
  })

  constructor(input: Readable = process.stdin, output: Writable = process.stdout) {
    this.#input = input
    this.#output = output
  }

  async start(): Promise<void> {
    this.#input.on('data', this.#onData)
    this.#input.on('end', this.#onEnd)
    this.#input.on('close', this.#onEnd)
    this.#input.on('error', this.#onError)
    this.#output.on('error', this.#onError)
    if (this.#input.readableEnded || this.#input.destroyed) setImmediate(this.#onEnd)
  }

  async send(message: JSONRPCMessage): Promise<void> {
    await this.#write(JSON.stringify(sanitizeError(message)))
    if (isJSONRPCResponse(message) && message.id !== undefined) this.#settle(message.id)
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#input.off('data', this.#onData)
    this.#input.off('end', this.#onEnd)
    this.#input.off('close', this.#onEnd)
    this.#input.pause()
    this.#parts = []
    this.onclose?.()
    this.#resolveClosed()
  }

  readonly #onEnd = () => {
    if (this.#isInputEnded) return
    this.#isInputEnded = true
    if (this.#pending.size === 0) void this.close()
    else setTimeout(() => void this.close(), DRAIN_TIMEOUT_MS).unref()
  }

  #settle(id: RequestId): void {
    this.#pending.delete(id)
    if (this.#isInputEnded && this.#pending.size === 0) void this.close()
  }

  readonly #onError = (error: Error) => {
    if (!this.#isClosed) this.onerror?.(error)
    void this.close()
  }

  readonly #onData = (chunk: Buffer) => {
    let rest = chunk
    for (let end = rest.indexOf(10); end >= 0 && !this.#isClosed; end = rest.indexOf(10)) {
      this.#append(rest.subarray(0, end))
      rest = rest.subarray(end + 1)
      this.#handleLine()
    }
    this.#append(rest)
  }

  #append(part: Buffer): void {
    this.#length += part.length
    if (this.#length > MAX_LINE_BYTES) {
      this.#isTooLong = true
      this.#parts = []
    } else if (part.length > 0) {
      this.#parts.push(part)
    }
  }

  #handleLine(): void {
    const line = Buffer.concat(this.#parts)
    const isTooLong = this.#isTooLong
    this.#parts = []
    this.#length = 0
    this.#isTooLong = false
    if (isTooLong) {
      this.#sendError(null, INVALID_REQUEST, `Invalid Request: a message must not exceed ${MAX_LINE_BYTES} bytes`)
    } else if (isTooComplex(line)) {
      this.#sendError(findMessageId(line), INVALID_REQUEST, `Invalid Request: ${TOO_COMPLEX}`)
    } else {
      const text = line.toString('utf8').trim()
      if (text !== '') this.#handleMessage(text)
    }
  }

  #handleMessage(text: string): void {
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch {
      this.#sendError(null, PARSE_ERROR, 'Parse error: the line is not JSON')
      return
    }
    let message: JSONRPCMessage
    try {
      message = parseJSONRPCMessage(value)
    } catch {
      const what = Array.isArray(value) ? 'batches are not supported' : 'not a JSON-RPC 2.0 message'
      this.#sendError(idOf(value), INVALID_REQUEST, `Invalid Request: ${what}`)
      return
    }
    if (isJSONRPCRequest(message)) this.#pending.add(message.id)
    this.onmessage?.(message)
    if (isJSONRPCNotification(message) && message.method === 'notifications/cancelled') {
      // A cancelled request gets no response.
      const { requestId } = message.params ?? {}
      if (typeof requestId === 'string' || typeof requestId === 'number') this.#settle(requestId)
    }
  }

  #sendError(id: string | number | null, code: number, message: string): void {
    this.onerror?.(new Error(message))
    this.#write(JSON.stringify({ jsonrpc: '2.0', id, error: { code, message } })).catch(() => {})
  }

  #write(line: string): Promise<void> {
    if (this.#isClosed) return Promise.reject(new Error('the connection is closed'))
    if (this.#output.writableLength > MAX_UNREAD_BYTES && !this.#input.isPaused()) {
      this.#input.pause()
      this.#output.once('drain', () => {
        if (!this.#isClosed) this.#input.resume()
      })
    }
    return new Promise((resolve, reject) => {
      this.#output.write(`${line}\n`, (error) => (error ? reject(error) : resolve()))
    })
  }
}

function idOf(value: unknown): string | number | null {
  const id = typeof value === 'object' && value !== null && 'id' in value ? value.id : null
  return typeof id === 'string' || typeof id === 'number' ? id : null
}
