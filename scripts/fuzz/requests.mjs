/** Hostile HTTP: bytes to write to a socket, and what to expect of the server. */

import { anyText } from './messages.mjs'

/** @typedef {import('./random.mjs').Random} Random */

/**
 * @typedef {object} Case
 * @property {Buffer[]} parts the bytes to write, in parts
 * @property {'wait' | 'half' | 'reset'} end whether the client waits for responses, closes its side of the connection and then
 *   waits, or disconnects immediately
 * @property {boolean} framed whether the bytes are complete requests, each of which must get a response
 * @property {string[]} methods methods of the requests
 * @property {number} answers expected number of responses, if framed
 */

/**
 * What the fuzzer knows of the server.
 * @typedef {object} Known
 * @property {string} host
 * @property {string} token
 * @property {string} otherToken
 * @property {string[]} sessions sessions of `token`
 * @property {string} doomed a session of `token` that may be deleted
 * @property {string[]} otherSessions sessions of another client
 */

const METHODS = ['GET', 'DELETE', 'HEAD', 'OPTIONS', 'PUT', 'PATCH', 'TRACE', 'PROPFIND', 'M-SEARCH', 'LINK', 'PURGE']
const ODD_METHODS = ['CONNECT', 'PRI', 'get', 'G\0ET', '', 'GET\t', 'ABC'.repeat(3000), 'POST POST', '\u00ff', 'QUERY']

const TARGETS = [
  '/',
  '//',
  '///',
  '/\\',
  '//[',
  '//[::1',
  '//evil/mcp',
  '*',
  'http://evil/',
  'http://evil/mcp',
  'http://localhost/mcp',
  'http://[',
  'http://',
  'https:///mcp',
  'mcp',
  'evil:80',
  'javascript:alert(1)',
  '/mcp?',
  '/mcp?a=%zz&__proto__=1',
  '/mcp#x',
  '/mcp/',
  '/mcp/../health',
  '/MCP',
  '/mcp%00',
  '/%6dcp',
  '/%',
  '/%zz',
  '/%c0%af',
  '/health',
  '/health?x',
  '/health/',
  '/__proto__',
  '/constructor',
  '/.well-known/oauth-protected-resource',
  '/mcp;a=b',
  '/\u00fc',
]

const HOSTS = [
  'evil.example',
  'localhost',
  'localhost:80',
  'LOCALHOST',
  '[::1]:3000',
  '127.0.0.1.evil.example',
  'evil@localhost',
  'localhost@evil',
  'localhost/evil',
  'localhost#',
  'localhost:99999',
  'localhost:',
  ':80',
  '[',
  '[::1',
  '%6cocalhost',
  'a'.repeat(8000),
  '',
  '\u00ff',
  'localhost, evil',
]

const ORIGINS = [
  'null',
  'http://localhost',
  'https://evil.example',
  'http://[',
  '',
  'file://',
  'localhost',
  '\u00ff',
  'data:,',
]

const NAMES = [
  'accept',
  'accept-encoding',
  'content-encoding',
  'content-type',
  'cookie',
  'expect',
  'forwarded',
  'host',
  'if-match',
  'last-event-id',
  'mcp-method',
  'mcp-name',
  'mcp-protocol-version',
  'mcp-session-id',
  'origin',
  'range',
  'te',
  'trailer',
  'upgrade',
  'connection',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-http-method-override',
  '__proto__',
  'constructor',
  ':authority',
  'a b',
  '',
  '\u00e4',
]

const TEXTS = [
  '',
  'x',
  'application/json',
  'text/event-stream',
  'text/plain',
  'application/json; charset=utf-16',
  'application/json;',
  '*/*',
  'gzip',
  '100-continue',
  '200-ok',
  'close',
  'keep-alive',
  'upgrade',
  'websocket',
  'h2c',
  'TE, close, \u0001',
  '2025-11-25',
  '2026-07-28',
  '1999-01-01',
  'tools/call',
  '__proto__',
  '\u001b[31mred',
  '\u00ff\u00fe',
  'bytes=0-',
  '=?utf-8?B?/w==?=',
  '=?base64?w7w=?=',
  '127.0.0.1',
  '-1',
  '0',
  'a\0b',
  'a\rb',
  'a\nb: c',
  'y'.repeat(3000),
]

const LENGTHS = ['-1', '+5', '0x10', '1e3', '99999999999999999999', '5, 5', ' 5 ', '', 'x', '4194305', '4194304']

/**
 * Returns one case.
 * @param {Random} random
 * @param {Known} known
 * @returns {Case}
 */
export function anyCase(random, known) {
  const kind = random.next()
  if (kind < 0.02)
    return { parts: [random.bytes(random.below(2000))], end: ending(random), framed: false, methods: [], answers: 0 }
  if (kind < 0.05) {
    const requests = Array.from({ length: 1 + random.below(20) }, () => request(random, known))
    const framed = requests.every((one) => one.framed)
    const methods = requests.flatMap((one) => one.methods)
    const parts = random.chance(0.5)
      ? [Buffer.concat(requests.flatMap((one) => one.parts))]
      : requests.flatMap((one) => one.parts)
    return { parts, end: framed ? 'wait' : ending(random), framed: false, methods, answers: requests.length }
  }
  const made = request(random, known)
  const { methods } = made
  const whole = Buffer.concat(made.parts)
  if (kind < 0.1) {
    // Truncated.
    return {
      parts: [whole.subarray(0, random.below(whole.length))],
      end: ending(random),
      framed: false,
      methods,
      answers: 0,
    }
  }
  if (kind < 0.13) {
    for (let flips = 1 + random.below(3); flips > 0; flips--) whole[random.below(whole.length)] = random.below(256)
    return { parts: [whole], end: ending(random), framed: false, methods, answers: 0 }
  }
  if (kind < 0.15) {
    const cuts = Array.from({ length: random.below(5) }, () => random.below(whole.length)).sort(
      (one, other) => one - other,
    )
    const parts = [0, ...cuts].map((from, index) => whole.subarray(from, cuts[index] ?? whole.length))
    return { ...made, parts }
  }
  if (kind < 0.18) return { ...made, end: 'reset' }
  return made
}

/**
 * @param {Random} random
 * @returns {Case['end']}
 */
function ending(random) {
  return random.pick(/** @type {Case['end'][]} */ (['half', 'reset', 'wait']))
}

/**
 * @param {Random} random
 * @param {Known} known
 * @returns {Case}
 */
function request(random, known) {
  let framed = true
  const odd = (/** @type {number} */ probability) => random.chance(probability)
  let method = odd(0.15) ? random.pick(METHODS) : 'POST'
  let target = odd(0.12) ? random.pick(TARGETS) : '/mcp'
  let protocol = 'HTTP/1.1'
  if (odd(0.01)) {
    method = random.pick(ODD_METHODS)
    framed = false
  }
  if (odd(0.01)) {
    target = random.pick([
      '',
      ' ',
      '/a b',
      `/${'a'.repeat(random.below(40_000))}`,
      `/${random.bytes(20).toString('latin1')}`,
    ])
    framed = false
  }
  if (odd(0.01)) {
    protocol = random.pick([
      'HTTP/1.0',
      'HTTP/0.9',
      'HTTP/2.0',
      'HTTP/1.2',
      'HTTP/1.1 ',
      'HTTQ/1.1',
      '',
      'http/1.1',
      'RTSP/1.0',
    ])
    framed = false
  }
  /** @type {[string, string][]} */
  const headers = []
  if (odd(0.98)) headers.push(['Host', odd(0.06) ? random.pick(HOSTS) : known.host])
  else framed = false
  if (odd(0.01)) headers.push(['Host', random.pick(HOSTS)])
  if (odd(0.06)) headers.push(['Origin', random.pick(ORIGINS)])
  if (odd(0.95)) headers.push(['Authorization', authorization(random, known)])
  headers.push(['Accept', odd(0.03) ? random.pick(TEXTS) : 'application/json, text/event-stream'])
  if (method === 'POST' || odd(0.5)) headers.push(['Content-Type', odd(0.03) ? random.pick(TEXTS) : 'application/json'])
  const era = random.pick(/** @type {const} */ (['session', 'session', 'session', 'single', 'single', 'mixed']))
  const { bytes, message } = method === 'POST' || odd(0.1) ? anyText(random, era) : {}
  if (era === 'session' ? odd(0.97) : era === 'mixed' && odd(0.5)) {
    headers.push(['Mcp-Session-Id', method === 'DELETE' ? known.doomed : session(random, known)])
  }
  if (era === 'single' && odd(0.95)) headers.push(...namesOf(message))
  headers.push(['Mcp-Protocol-Version', version(random, era)])
  while (odd(0.05)) headers.push([random.pick(NAMES), random.pick(TEXTS)])
  if (odd(0.003)) for (let count = random.below(3000); count > 0; count--) headers.push([`x-${count}`, '1'])
  if (odd(0.003)) headers.push(['x-large', 'z'.repeat(random.below(40_000))])
  if (headers.some(([name, value]) => !isPlain(name, value))) framed = false

  let body = bytes ?? Buffer.alloc(0)
  if (bytes !== undefined) {
    if (odd(0.03)) {
      framed = false
      headers.push(['Content-Length', random.pick([...LENGTHS, String(bytes.length + 1), String(bytes.length - 1)])])
      if (odd(0.3))
        headers.push(['Transfer-Encoding', random.pick(['chunked', 'gzip', 'chunked, chunked', 'xchunked'])])
    } else if (odd(0.1)) {
      headers.push(['Transfer-Encoding', 'chunked'])
      body = chunked(random, bytes)
      if (odd(0.3)) {
        framed = false
        body = damaged(random, body)
      }
    } else {
      headers.push(['Content-Length', String(bytes.length)])
    }
  }
  const lines = [`${method} ${target} ${protocol}`, ...headers.map(([name, value]) => `${name}: ${value}`), '', '']
  const head = Buffer.from(lines.join(odd(0.01) ? '\n' : '\r\n'), 'latin1')
  return {
    parts: [head, body],
    end: framed ? 'wait' : ending(random),
    framed,
    methods: [method],
    answers: framed ? 1 : 0,
  }
}

/**
 * Returns the headers in which the revision without sessions repeats parts of a message.
 * @param {unknown} message
 * @returns {[string, string][]}
 */
function namesOf(message) {
  if (typeof message !== 'object' || message === null || !('method' in message)) return []
  const { method } = message
  const params =
    'params' in message && typeof message.params === 'object' && message.params !== null ? message.params : {}
  const name = 'name' in params ? params.name : 'uri' in params ? params.uri : undefined
  /** @type {[string, string][]} */
  const headers = [['Mcp-Method', String(method)]]
  if (name !== undefined) headers.push(['Mcp-Name', typeof name === 'string' ? name : 'x'])
  return headers
}

/**
 * @param {Random} random
 * @param {import('./messages.mjs').Era} era
 */
function version(random, era) {
  if (random.chance(0.03)) return random.pick(['x', '__proto__', '1999-01-01', ''])
  return era === 'single' || (era === 'mixed' && random.chance(0.5)) ? '2026-07-28' : '2025-11-25'
}

/**
 * Returns whether a request with this header must still get a response.
 * @param {string} name
 * @param {string} value
 */
function isPlain(name, value) {
  if (!/^[a-z-]+$/i.test(name) || !/^[\x20-\x7e]*$/.test(value) || value.length > 2000) return false
  // These headers affect the connection: the response may differ, or be the last one.
  return !/^(?:connection|upgrade|expect|te|trailer|content-length|transfer-encoding)$/i.test(name)
}

/**
 * @param {Random} random
 * @param {Known} known
 */
function authorization(random, known) {
  if (random.chance(0.93)) return `Bearer ${known.token}`
  return random.pick([
    `bearer ${known.token}`,
    `Bearer  ${known.token}`,
    `Bearer ${known.token}x`,
    `Bearer ${known.otherToken}`,
    'Bearer',
    'Bearer ',
    'Basic dXNlcjpwYXNz',
    `Bearer ${'a'.repeat(5000)}`,
    'Bearer \u00ff',
    known.token,
  ])
}

/**
 * @param {Random} random
 * @param {Known} known
 */
function session(random, known) {
  if (random.chance(0.85)) return random.pick(known.sessions)
  return random.pick([...known.otherSessions, '', 'none', '__proto__', 'constructor', '\u00ff', 'x'.repeat(3000)])
}

/**
 * @param {Random} random
 * @param {Buffer} bytes
 */
function chunked(random, bytes) {
  const parts = []
  for (let from = 0; from < bytes.length; ) {
    const size = Math.min(bytes.length - from, 1 + random.below(1 + bytes.length))
    const extension = random.chance(0.1) ? ';a=b' : ''
    parts.push(
      Buffer.from(`${size.toString(16)}${extension}\r\n`),
      bytes.subarray(from, from + size),
      Buffer.from('\r\n'),
    )
    from += size
  }
  parts.push(Buffer.from('0\r\n\r\n'))
  return Buffer.concat(parts)
}

/**
 * @param {Random} random
 * @param {Buffer} bytes
 */
function damaged(random, bytes) {
  switch (random.below(5)) {
    case 0:
      return bytes.subarray(0, random.below(bytes.length))
    case 1:
      return Buffer.concat([Buffer.from('fffffffffffffff\r\n'), bytes])
    case 2:
      return Buffer.concat([Buffer.from('-1\r\n'), bytes])
    case 3:
      return Buffer.concat([bytes, Buffer.from('x: y\r\n\r\n')])
    default: {
      const copy = Buffer.from(bytes)
      copy[random.below(copy.length)] = random.below(256)
      return copy
    }
  }
}
