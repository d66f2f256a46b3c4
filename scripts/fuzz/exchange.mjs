/** One exchange over a raw socket: writes a case, reads the response, and reports what is wrong with it. */

import { connect } from 'node:net'

/** Allowed status codes: documented in docs/mcp.md, or sent by Node.js for input that is not HTTP. */
const STATUSES = new Set([100, 200, 202, 400, 401, 403, 404, 405, 406, 408, 409, 413, 415, 417, 429, 431, 499, 503])

/** Time limit for the response to a complete request. */
const LONGEST_MILLISECONDS = 20_000

/** Time to wait for a response to an incomplete request. */
const SHORTEST_MILLISECONDS = 15

/**
 * @typedef {object} Outcome
 * @property {number[]} statuses
 * @property {boolean} stream whether the server keeps a stream open
 * @property {string | undefined} fault what is wrong
 */

/** A connection that is reused for as many cases as the server allows. */
export class Connection {
  /** @type {import('node:net').Socket | undefined} */
  #socket
  #port

  /** @param {number} port */
  constructor(port) {
    this.#port = port
  }

  /**
   * Sends a case. Never rejects.
   * @param {import('./requests.mjs').Case} given
   * @returns {Promise<Outcome>}
   */
  send(given) {
    return new Promise((resolve) => {
      const kept = this.#socket
      const socket = kept && !kept.destroyed && kept.writable ? kept : connect(this.#port, '127.0.0.1')
      this.#socket = socket
      socket.setNoDelay(true)
      const reader = new Reader(given)
      let done = false
      const settle = (/** @type {string | undefined} */ fault = undefined, keep = false) => {
        if (done) return
        done = true
        clearTimeout(timer)
        socket.removeAllListeners()
        socket.on('error', () => {})
        if (!keep) socket.destroy()
        resolve({ statuses: reader.statuses, stream: reader.stream, fault: fault ?? reader.fault })
      }
      const timer = setTimeout(
        () => {
          // A client may cancel its own request, which then gets no response: its stream stays open.
          if (!given.framed || reader.stream) settle()
          else settle('no answer to a whole request')
        },
        given.framed ? LONGEST_MILLISECONDS : SHORTEST_MILLISECONDS,
      )
      socket.on('data', (chunk) => {
        reader.take(chunk)
        if (reader.fault !== undefined) settle()
        else if (given.framed && reader.stream && reader.listening) settle()
        else if (given.framed && reader.answers >= given.answers) settle(undefined, !reader.closes && reader.rest === 0)
      })
      socket.on('error', (/** @type {NodeJS.ErrnoException} */ error) => {
        if (error.code === 'ECONNREFUSED') settle('the server does not accept connections')
        else if (kept === socket && reader.answers === 0 && given.framed) again()
        else settle()
      })
      socket.on('close', () => {
        reader.end()
        if (reader.fault === undefined && given.framed && reader.answers < given.answers) {
          // The server may have closed an idle connection at the moment it was reused.
          if (kept === socket && reader.answers === 0) return again()
          settle('closed without an answer to a whole request')
        } else settle()
      })
      const again = () => {
        if (done) return
        done = true
        clearTimeout(timer)
        socket.removeAllListeners()
        socket.on('error', () => {})
        socket.destroy()
        this.#socket = undefined
        this.send(given).then(resolve)
      }
      void write(socket, given).then(() => {
        if (given.end === 'half') socket.end()
        else if (given.end === 'reset') {
          socket.resetAndDestroy()
          settle()
        }
      })
    })
  }

  close() {
    this.#socket?.destroy()
  }
}

/**
 * @param {import('node:net').Socket} socket
 * @param {import('./requests.mjs').Case} given
 */
async function write(socket, { parts, end }) {
  for (const [index, part] of parts.entries()) {
    if (socket.destroyed) return
    socket.write(part)
    if (parts.length > 2 && index % 4 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  if (end === 'reset') await new Promise((resolve) => setTimeout(resolve, 1))
}

/** Parses responses. */
class Reader {
  /** @type {number[]} */
  statuses = []
  answers = 0
  /** Whether an answer has begun that is a stream of events. */
  stream = false
  /** Whether that stream answers no message, so that it may stay open for ever. */
  listening = false
  /** Whether the server closes the connection. */
  closes = false
  /** @type {string | undefined} */
  fault
  #methods
  #sure
  /** @type {Buffer} */
  #bytes = Buffer.alloc(0)
  /** @type {{ type: string, body: Buffer[], length: number | undefined, chunked: boolean } | undefined} */
  #answer

  /** @param {import('./requests.mjs').Case} given whose methods decide whether an answer has a body, and whether it may end */
  constructor({ framed, methods }) {
    this.#methods = methods
    this.#sure = framed || !methods.includes('HEAD')
  }

  /**
   * Records an unexpected response, unless it may be the body of one that was taken for the response to HEAD: after malformed
   * requests, responses can no longer be matched to requests.
   * @param {string} line
   */
  #odd(line) {
    if (this.#sure) this.fault = `a status that is not allowed: ${line}`
    this.#bytes = Buffer.alloc(0)
    return false
  }

  get rest() {
    return this.#bytes.length
  }

  /** @param {Buffer} chunk */
  take(chunk) {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk])
    while (this.fault === undefined && this.#step());
  }

  /** The connection is closed. */
  end() {
    if (this.#answer && this.#answer.length === undefined && !this.#answer.chunked) this.#finish()
  }

  #step() {
    if (this.#answer === undefined) {
      const end = this.#bytes.indexOf('\r\n\r\n')
      if (end < 0) return false
      const [line = '', ...lines] = this.#bytes.toString('latin1', 0, end).split('\r\n')
      this.#bytes = this.#bytes.subarray(end + 4)
      const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(line)?.[1])
      if (!STATUSES.has(status)) return this.#odd(line)
      this.statuses.push(status)
      if (status === 100) return true
      const headers = new Map(
        lines.map((text) => [text.slice(0, text.indexOf(':')).toLowerCase(), text.replace(/^[^:]*:\s*/, '')]),
      )
      this.closes ||= headers.get('connection') === 'close'
      const length = headers.get('content-length')
      const type = headers.get('content-type') ?? ''
      if (status === 200 && type === 'text/event-stream') {
        this.stream = true
        this.listening = this.#methods[this.answers] === 'GET'
      }
      const head = this.#methods[this.answers] === 'HEAD'
      this.#answer = {
        type,
        body: [],
        length: head ? 0 : length === undefined ? undefined : Number(length),
        chunked: !head && headers.get('transfer-encoding') === 'chunked',
      }
    }
    const answer = this.#answer
    if (answer.chunked) {
      const end = this.#bytes.indexOf('\r\n')
      if (end < 0) return false
      const size = Number.parseInt(this.#bytes.toString('latin1', 0, end), 16)
      if (Number.isNaN(size)) return this.#odd(this.#bytes.toString('latin1', 0, end))
      if (this.#bytes.length < end + 2 + size + 2) return false
      answer.body.push(this.#bytes.subarray(end + 2, end + 2 + size))
      this.#bytes = this.#bytes.subarray(end + 2 + size + 2)
      if (size === 0) this.#finish()
      return true
    }
    if (answer.length === undefined) {
      answer.body.push(this.#bytes)
      this.#bytes = Buffer.alloc(0)
      return false
    }
    if (this.#bytes.length < answer.length) return false
    answer.body.push(this.#bytes.subarray(0, answer.length))
    this.#bytes = this.#bytes.subarray(answer.length)
    this.#finish()
    return true
  }

  #finish() {
    const { type = '', body = [] } = this.#answer ?? {}
    this.#answer = undefined
    this.stream = false
    this.answers += 1
    const text = Buffer.concat(body).toString('utf8')
    // Lines of a stream only end with a line feed. JavaScript also treats other characters as line ends.
    const texts =
      type === 'text/event-stream'
        ? text.split('\n').flatMap((line) => (line.startsWith('data: ') ? [line.slice(6)] : []))
        : [text]
    for (const one of texts) if (one !== '') this.fault ??= faultOf(one)
  }
}

/**
 * Returns what is wrong with a message of the server.
 * @param {string} text
 * @returns {string | undefined}
 */
export function faultOf(text) {
  let value
  try {
    value = JSON.parse(text)
  } catch {
    return text === '' ? undefined : `a response that is not JSON: ${text.slice(0, 300)}`
  }
  if (value?.status === 'ok' && typeof value.version === 'string') return undefined
  if (value?.jsonrpc !== '2.0') return `a response that is not JSON-RPC: ${text.slice(0, 300)}`
  if (value.method !== undefined) return undefined
  if (!('id' in value) || 'result' in value === 'error' in value) return `a malformed response: ${text.slice(0, 300)}`
  if (/\bINTERNAL\b|\n\s+at |node_modules|node:internal/.test(text))
    return `an internal error is visible: ${text.slice(0, 2000)}`
  const { error, result } = value
  if (error && (typeof error.code !== 'number' || typeof error.message !== 'string' || error.message.length > 5000)) {
    return `a malformed error: ${text.slice(0, 1000)}`
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these must not be returned
  if (error && /[\u0000-\u001f\u007f\u2028\u2029]/.test(error.message))
    return `control characters in ${text.slice(0, 500)}`
  if (result?.isError && text.length > 50_000) return `an error of ${text.length} characters`
  return undefined
}
