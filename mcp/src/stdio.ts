/** JSON-RPC over standard input and output: one message a line, and an answer to what is no message. */

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
import { bounded } from './bounded.js'

import { idInText, isTooComplex, TOO_COMPLEX } from './shape.js'

/** A longer line is refused as a whole: 4 MiB, as over HTTP. */
const LONGEST = 4 * 1024 * 1024

/** With so much unread output no more input is taken: a client that does not read must not fill the memory. */
const MOST_UNREAD = 16 * 1024 * 1024

/** How long answers are waited for when the input has ended: a script pipes its requests in and reads what comes. */
const GRACE_MILLISECONDS = 500

const PARSE_ERROR = -32700
const INVALID_REQUEST = -32600

/**
 * Reads messages from one stream and writes them to another. Unlike the SDK's own transport it answers malformed lines, as
 * JSON-RPC wants it, and a line that is too long does not end the connection.
 */
export class LineTransport implements Transport {
  onclose?: () => void
  onerror?: (error: Error) => void
  onmessage?: (message: JSONRPCMessage) => void

  readonly #input: Readable
  readonly #output: Writable
  #parts: Buffer[] = []
  #length = 0
  #tooLong = false
  #closed = false
  #ended = false
  readonly #unanswered = new Set<RequestId>()
  #resolveClosed = () => {}

  /** Resolves when the connection is closed, by whichever side. */
  readonly closed = new Promise<void>((resolve) => {
    this.#resolveClosed = resolve
  })

  constructor(input: Readable = process.stdin, output: Writable = process.stdout) {
    this.#input = input
    this.#output = output
  }

  async start(): Promise<void> {
    this.#input.on('data', this.#take)
    this.#input.on('end', this.#end)
    this.#input.on('close', this.#end)
    this.#input.on('error', this.#fail)
    this.#output.on('error', this.#fail)
    if (this.#input.readableEnded || this.#input.destroyed) setImmediate(this.#end)
  }

  async send(message: JSONRPCMessage): Promise<void> {
    await this.#write(JSON.stringify(bounded(message)))
    if (isJSONRPCResponse(message) && message.id !== undefined) this.#settle(message.id)
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#input.off('data', this.#take)
    this.#input.off('end', this.#end)
    this.#input.off('close', this.#end)
    this.#input.pause()
    this.#parts = []
    this.onclose?.()
    this.#resolveClosed()
  }

  readonly #end = () => {
    if (this.#ended) return
    this.#ended = true
    if (this.#unanswered.size === 0) void this.close()
    else setTimeout(() => void this.close(), GRACE_MILLISECONDS).unref()
  }

  #settle(id: RequestId): void {
    this.#unanswered.delete(id)
    if (this.#ended && this.#unanswered.size === 0) void this.close()
  }

  readonly #fail = (error: Error) => {
    if (!this.#closed) this.onerror?.(error)
    void this.close()
  }

  readonly #take = (chunk: Buffer) => {
    let rest = chunk
    for (let end = rest.indexOf(10); end >= 0 && !this.#closed; end = rest.indexOf(10)) {
      this.#collect(rest.subarray(0, end))
      rest = rest.subarray(end + 1)
      this.#line()
    }
    this.#collect(rest)
  }

  #collect(part: Buffer): void {
    this.#length += part.length
    if (this.#length > LONGEST) {
      this.#tooLong = true
      this.#parts = []
    } else if (part.length > 0) {
      this.#parts.push(part)
    }
  }

  #line(): void {
    const line = Buffer.concat(this.#parts)
    const tooLong = this.#tooLong
    this.#parts = []
    this.#length = 0
    this.#tooLong = false
    if (tooLong) {
      this.#refuse(null, INVALID_REQUEST, `Invalid Request: a message may have ${LONGEST} bytes at most`)
    } else if (isTooComplex(line)) {
      this.#refuse(idInText(line), INVALID_REQUEST, `Invalid Request: ${TOO_COMPLEX}`)
    } else {
      const text = line.toString('utf8').trim()
      if (text !== '') this.#message(text)
    }
  }

  #message(text: string): void {
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch {
      this.#refuse(null, PARSE_ERROR, 'Parse error: the line is not JSON')
      return
    }
    let message: JSONRPCMessage
    try {
      message = parseJSONRPCMessage(value)
    } catch {
      const what = Array.isArray(value) ? 'batches are not supported' : 'not a message of JSON-RPC 2.0'
      this.#refuse(idOf(value), INVALID_REQUEST, `Invalid Request: ${what}`)
      return
    }
    if (isJSONRPCRequest(message)) this.#unanswered.add(message.id)
    this.onmessage?.(message)
    if (isJSONRPCNotification(message) && message.method === 'notifications/cancelled') {
      // Nobody answers what was cancelled.
      const { requestId } = message.params ?? {}
      if (typeof requestId === 'string' || typeof requestId === 'number') this.#settle(requestId)
    }
  }

  #refuse(id: string | number | null, code: number, message: string): void {
    this.onerror?.(new Error(message))
    this.#write(JSON.stringify({ jsonrpc: '2.0', id, error: { code, message } })).catch(() => {})
  }

  #write(line: string): Promise<void> {
    if (this.#closed) return Promise.reject(new Error('the connection is closed'))
    if (this.#output.writableLength > MOST_UNREAD && !this.#input.isPaused()) {
      this.#input.pause()
      this.#output.once('drain', () => {
        if (!this.#closed) this.#input.resume()
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
