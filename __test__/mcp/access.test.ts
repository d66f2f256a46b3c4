/** Access control of the HTTP server: limits per client, tokens, addresses. */

import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createBacktestingHttpHandler, createBacktestingHttpServer } from '../../mcp/dist/index.js'
import { folder, newEngine } from '../support.js'
import {
  bearer,
  bytes,
  HEADERS,
  health,
  INITIALIZE,
  listening,
  message,
  mounted,
  open,
  post,
  SOON,
  status,
  statusOf,
  TOKENS,
} from './raw.js'
import { LONG, run, serveHttp, store } from './support.js'

describe('limits', () => {
  test('apply to connections, per address and in total', async () => {
    for (const options of [{ maxConnections: 5 }, { maxConnectionsPerAddress: 5 }]) {
      const { url, port } = await listening(options)
      const sockets: Socket[] = []
      const closed: Socket[] = []
      for (let count = 0; count < 12; count++) {
        const socket = connect(port, '127.0.0.1').on('error', () => {})
        socket.once('close', () => closed.push(socket))
        sockets.push(socket)
      }
      await expect.poll(() => closed.length, SOON).toBe(7)
      for (const socket of sockets) socket.destroy()
      await expect.poll(() => health(url).catch(() => 0), SOON).toBe(200)
    }
  })

  test('apply to the request rate, with 429 and Retry-After', async () => {
    const url = await mounted({ requestsPerSecond: 2 })
    const session = await open(url)
    const statuses = []
    for (let count = 0; count < 25; count++) statuses.push(await status(url, message('ping'), session))
    expect(statuses.slice(0, 19)).toEqual(Array.from({ length: 19 }, () => 200))
    expect(statuses.at(-1)).toBe(429)
    const refused = await post(url, message('ping'), session)
    expect(refused.headers.get('retry-after')).toBe('1')
    expect(await refused.json()).toMatchObject({
      jsonrpc: '2.0',
      error: { message: expect.stringContaining('try again') },
    })
    await expect.poll(() => status(url, message('ping'), session), { interval: 600, ...SOON }).toBe(200)
  })

  test('count each message of a batch as a request', async () => {
    const url = await mounted({ requestsPerSecond: 2 })
    const session = await open(url)
    const batch = (count: number) => `[${Array.from({ length: count }, (_, id) => message('ping', {}, id)).join(',')}]`
    expect(await status(url, batch(15), session)).toBe(200)
    expect(await status(url, batch(15), session)).toBe(429)
    expect(await status(url, batch(101), session)).toBe(400)
  })

  test('of one client do not affect another, even for requests without a valid token', async () => {
    const url = await mounted({ requestsPerSecond: 1, tokens: TOKENS })
    const session = await open(url, bearer(TOKENS[1]))
    for (let count = 0; count < 15; count++) await status(url, message('ping'), bearer(TOKENS[0]))
    expect(await status(url, message('ping'), bearer(TOKENS[0]))).toBe(429)
    for (let count = 0; count < 15; count++) await status(url, message('ping'), bearer('guessed-token-0123456789'))
    expect(await status(url, message('ping'), bearer('guessed-token-0123456789'))).toBe(429)
    expect(await status(url, message('ping'), session)).toBe(200)
    expect(await status(url, message('ping'), { 'x-forwarded-for': '10.0.0.1' })).toBe(429)
  })

  test('reject a request whose id is still pending', async () => {
    const { url } = await serveHttp(['--wait', '3', '--rate-limit', '0'], { DATA_DIR: await store({ long: true }) })
    const session = await open(url)
    const run = message('tools/call', { name: 'run_backtest', arguments: LONG }, 7)
    const first = status(url, run, session)
    await expect.poll(() => status(url, message('ping', {}, 7), session), SOON).toBe(400)
    expect(await status(url, `[${message('ping')},${message('ping')}]`, session)).toBe(400)
    expect(await status(url, message('ping', {}, 8), session)).toBe(200)
    expect(await first).toBe(200)
    expect(await status(url, message('ping', {}, 7), session)).toBe(200)
  })

  test('apply to concurrent requests, per client and per session', async () => {
    const url = await mounted({ maxRequestsPerSession: 2, maxRequestsPerClient: 3 })
    const [session, other] = [await open(url), await open(url)]
    const leave = new AbortController()
    onTestFinished(() => leave.abort())
    const stalled = async (headers: Record<string, string>) => {
      const socket = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => {})
      onTestFinished(() => {
        socket.destroy()
      })
      const lines = Object.entries({ ...HEADERS, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`)
      socket.write(`POST /mcp HTTP/1.1\r\nHost: localhost\r\n${lines.join('')}Content-Length: 10\r\n\r\n{`)
      await new Promise((resolve) => setTimeout(resolve, 50))
      return socket
    }
    const stream = await fetch(url, { headers: { ...HEADERS, ...session }, signal: leave.signal })
    expect(stream.status).toBe(200)
    expect(await status(url, message('ping'), session)).toBe(200)
    const waiting = [await stalled(other), await stalled(other)]
    await expect.poll(() => status(url, message('ping'), session), SOON).toBe(429)
    for (const socket of waiting) socket.destroy()
    await expect.poll(() => status(url, message('ping'), session), SOON).toBe(200)
  })

  test('are released when a connection with pipelined requests breaks', async () => {
    const url = await mounted({ maxRequestsPerClient: 4, requestsPerSecond: 0 })
    const session = await open(url)
    const lines = Object.entries({ ...HEADERS, ...session }).map(([name, value]) => `${name}: ${value}\r\n`)
    for (let round = 0; round < 5; round++) {
      const socket = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => {})
      socket.write(`GET /mcp HTTP/1.1\r\nHost: localhost\r\n${lines.join('')}\r\n`)
      // Behind the stream: a stream of another kind, and a body that never comes.
      const body = message('tools/call', { name: 'list_strategies', arguments: {} }, round)
      const head = `POST /mcp HTTP/1.1\r\nHost: localhost\r\n${lines.join('')}`
      socket.write(`${head}Content-Length: ${body.length}\r\n\r\n${body}${head}Content-Length: 100\r\n\r\n{`)
      await new Promise((resolve) => setTimeout(resolve, 100))
      socket.destroy()
      await expect.poll(() => status(url, message('ping'), session), SOON).toBe(200)
    }
  })

  test('on sessions replace an idle session of the same client, but never an active one', async () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    onTestFinished(() => {
      vi.useRealTimers()
    })
    const url = await mounted({ maxSessions: 3, maxSessionsPerClient: 2, tokens: TOKENS, requestsPerSecond: 0 })
    const [mine, theirs] = [bearer(TOKENS[0]), bearer(TOKENS[1])]
    const ping = (session: Record<string, string>) => status(url, message('ping'), session)
    const [first, second] = [await open(url, mine), await open(url, mine)]
    expect(await status(url, INITIALIZE, mine)).toBe(429)
    const other = await open(url, theirs)
    // All three sessions are in use: a fourth is rejected, and the sessions of other clients stay open.
    expect(await status(url, INITIALIZE, theirs)).toBe(503)
    expect([await ping(first), await ping(second), await ping(other)]).toEqual([200, 200, 200])
    vi.advanceTimersByTime(4 * 60_000)
    expect(await ping(second)).toBe(200)
    vi.advanceTimersByTime(2 * 60_000)
    const third = await open(url, mine)
    expect([await ping(first), await ping(second), await ping(third), await ping(other)]).toEqual([404, 200, 200, 200])
    expect(await status(url, INITIALIZE, mine)).toBe(429)
    vi.advanceTimersByTime(6 * 60_000)
    // Another client can only replace an idle session of its own.
    const fresh = await open(url, theirs)
    expect([await ping(other), await ping(fresh)]).toEqual([404, 200])
  })

  test('on sessions are released if a session was not opened or has ended', async () => {
    const url = await mounted({ maxSessions: 2, requestsPerSecond: 0 })
    for (let count = 0; count < 5; count++) {
      expect(await status(url, INITIALIZE, { accept: 'application/json' })).toBe(406)
      const session = await open(url)
      const ended = await fetch(url, { method: 'DELETE', headers: session })
      expect(ended.status).toBe(200)
    }
  })

  test('apply to the memory of all request bodies together', async () => {
    const { url, port } = await listening({ requestsPerSecond: 0 })
    const large = Buffer.alloc(4 * 1024 * 1024 - 1, 0x20)
    const statuses: number[] = []
    const sockets = Array.from({ length: 20 }, () => {
      const socket = connect(port, '127.0.0.1').on('error', () => {})
      socket.on('data', (data) => statuses.push(statusOf(data.toString('latin1'))))
      socket.write(
        `POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${large.length + 1}\r\n\r\n`,
      )
      socket.write(large)
      return socket
    })
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy()
    })
    await expect.poll(() => statuses.filter((one) => one === 503).length, SOON).toBeGreaterThan(0)
    expect(await health(url)).toBe(200)
    for (const socket of sockets) socket.destroy()
    await expect.poll(() => status(url, INITIALIZE), SOON).toBe(200)
  })
})

describe('tokens', () => {
  test('are required as specified by RFC 6750', async () => {
    const { url } = await listening({ tokens: TOKENS })
    const none = await post(url, INITIALIZE)
    expect([none.status, none.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
    const wrong = await post(url, INITIALIZE, bearer('wrong-token-0123456789'))
    expect([wrong.status, wrong.headers.get('www-authenticate')]).toEqual([401, 'Bearer error="invalid_token"'])
    for (const authorization of [
      'Basic dXNlcjpwYXNz',
      TOKENS[0] ?? '',
      'Bearer',
      `Bearer ${TOKENS[0]} x`,
      `Bearer ${TOKENS[0]}x`,
    ]) {
      expect(await status(url, INITIALIZE, { authorization }), authorization).toBe(401)
    }
    for (const authorization of [`Bearer ${TOKENS[0]}`, `bearer ${TOKENS[1]}`]) {
      expect(await status(url, INITIALIZE, { authorization }), authorization).toBe(200)
    }
    // Endpoints that reveal nothing need no token.
    expect(await health(url)).toBe(200)
    expect(await (await fetch(new URL('/.well-known/oauth-protected-resource', url))).status).toBe(404)
  })

  test('tie a session to the client that opened it', async () => {
    const { url } = await listening({ tokens: TOKENS })
    const session = await open(url, bearer(TOKENS[0]))
    expect(await status(url, message('ping'), session)).toBe(200)
    expect(await status(url, message('ping'), { ...session, ...bearer(TOKENS[1]) })).toBe(404)
    const ended = await fetch(url, { method: 'DELETE', headers: { ...session, ...bearer(TOKENS[1]) } })
    expect(ended.status).toBe(404)
    expect(await status(url, message('ping'), session)).toBe(200)
  })

  test('let SDK clients of both revisions connect', async () => {
    const file = join(folder(), 'tokens')
    writeFileSync(file, `# two clients\n${TOKENS[0]}\n\n  ${TOKENS[1]}  # the second\r\n`)
    const { url } = await serveHttp(['--token-file', file], { DATA_DIR: await store() })
    for (const token of TOKENS) {
      for (const mode of ['legacy', { pin: '2026-07-28' }] as const) {
        const mcp = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode } })
        await mcp.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers: bearer(token) } }))
        expect((await mcp.listTools()).tools).toHaveLength(15)
        await mcp.close()
      }
    }
    expect(await status(url, INITIALIZE)).toBe(401)
  })

  test('of middleware in front of the handler identify clients', async () => {
    const handler = createBacktestingHttpHandler(newEngine(), {})
    const server = createServer((request, response) => {
      void handler(Object.assign(request, { auth: { clientId: request.headers['x-user'] } }), response)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(async () => {
      await handler.close()
      server.closeAllConnections()
      server.close()
    })
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    const session = await open(url, { 'x-user': 'a' })
    expect(await status(url, message('ping'), session)).toBe(200)
    expect(await status(url, message('ping'), { ...session, 'x-user': 'b' })).toBe(404)
  })
})

describe('the listen address', () => {
  test.each([
    ['0.0.0.0', [], /refusing to listen on 0\.0\.0\.0 without a token/],
    ['::', [], /refusing to listen on :: without a token/],
    ['192.0.2.1', [], /without a token/],
    ['::ffff:0.0.0.0', [], /without a token/],
    ['0.0.0.0', ['--token', TOKENS[0] ?? ''], /--allowed-hosts/],
    ['127.0.0.1', ['--token', 'short'], /tokens\.0 must have at least 16 characters/],
    ['127.0.0.1', ['--token', ''], /tokens\.0 must have at least 16 characters/],
    ['127.0.0.1', ['--token-file', '/no/such/file'], /no such file/],
    ['127.0.0.1', ['--allowed-hosts', 'https://api.example'], /allowedHosts\.0 must be a host name .* was "https:/],
    ['127.0.0.1', ['--allowed-hosts', 'api.example:443'], /allowedHosts\.0/],
    ['127.0.0.1', ['--allowed-hosts', ','], /--allowed-hosts must contain at least one name/],
    ['127.0.0.1', ['--allowed-origins', 'https://*'], /allowedOrigins\.0/],
    ['127.0.0.1', ['--rate-limit', 'many'], /--rate-limit must be a number/],
    ['127.0.0.1', ['--max-sessions', '0'], /--max-sessions must be above 0/],
    ['no-such-host.invalid', [], /no-such-host\.invalid/],
  ])('%s with %j is rejected with exit code 2', (host, args, expected) => {
    const { status, stdout, stderr } = run(['--http', '0', '--host', host, ...args])
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
    expect(stderr).toMatch(expected)
    expect(stderr).not.toMatch(/\n\s+at |short/)
  })

  test('options of --http are rejected without --http', () => {
    expect(run(['--host', '127.0.0.1'])).toMatchObject({ status: 2, stderr: expect.stringContaining('--http') })
  })

  test('environment variables work like options, and options override them', async () => {
    const file = join(folder(), 'tokens')
    writeFileSync(file, `${TOKENS[1]}\n`)
    const { url } = await serveHttp(['--allowed-hosts', 'localhost,127.0.0.1'], {
      MCP_HOST: '0.0.0.0',
      MCP_ALLOWED_HOSTS: 'api.example',
      MCP_ALLOWED_ORIGINS: 'app.example',
      MCP_TOKEN: TOKENS[0] ?? '',
      MCP_TOKEN_FILE: file,
      MCP_RATE_LIMIT: '',
    })
    const port = Number(new URL(url).port)
    expect(url).toBe(`http://0.0.0.0:${port}/mcp`)
    const local = `http://127.0.0.1:${port}/mcp`
    for (const token of TOKENS) expect(await status(local, INITIALIZE, bearer(token))).toBe(200)
    const head = 'GET /health HTTP/1.1\r\n'
    expect(statusOf(await bytes(port, `${head}Host: api.example\r\n\r\n`))).toBe(403)
    expect(statusOf(await bytes(port, `${head}Host: localhost\r\nOrigin: https://app.example\r\n\r\n`))).toBe(200)
    expect(statusOf(await bytes(port, `${head}Host: localhost\r\nOrigin: http://localhost\r\n\r\n`))).toBe(403)
  })

  test('a .env file works like the environment, and a token option replaces all other tokens', async () => {
    const cwd = folder()
    writeFileSync(join(cwd, '.env'), `MCP_TOKEN=${TOKENS[0]}\nMCP_RATE_LIMIT=7\n`)
    writeFileSync(join(cwd, 'tokens'), `${TOKENS[1]}\n`)
    const { url } = await serveHttp([], {}, undefined, cwd)
    expect(await status(url, INITIALIZE)).toBe(401)
    expect(await status(url, INITIALIZE, bearer(TOKENS[0]))).toBe(200)
    const moved = await serveHttp(['--token-file', 'tokens'], {}, undefined, cwd)
    expect(await status(moved.url, INITIALIZE, bearer(TOKENS[0]))).toBe(401)
    expect(await status(moved.url, INITIALIZE, bearer(TOKENS[1]))).toBe(200)
  })

  const addresses = Object.values(networkInterfaces()).flatMap((all) => all?.map(({ address }) => address) ?? [])
  test.skipIf(!addresses.includes('::1'))('can be an IPv6 address', async () => {
    const { url } = await listening({}, '::1')
    expect(url).toMatch(/^http:\/\/\[::1\]:\d+\/mcp$/)
    expect(await status(url, INITIALIZE)).toBe(200)
    expect(await health(url)).toBe(200)
    const named = await listening({ allowedHosts: ['::1'] }, '::1')
    expect(await status(named.url, INITIALIZE)).toBe(200)
  })

  test('createBacktestingHttpServer enforces the same rules', async () => {
    const server = createBacktestingHttpServer(newEngine(), {})
    await expect(server.listen(0, '0.0.0.0')).rejects.toThrow(/without a token/)
    await server.close()
    expect(() => createBacktestingHttpServer(newEngine(), { maxConnections: 0 })).toThrow(/maxConnections/)
    expect(() => createBacktestingHttpServer(newEngine(), { tokens: [] })).toThrow(/tokens/)
    expect(() => createBacktestingHttpServer(newEngine(), { port: 1 } as never)).toThrow(/unknown option port/)
  })
})
