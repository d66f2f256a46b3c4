import { spawn } from 'node:child_process'
import { createServer, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createBacktestingHttpHandler, type HttpOptions } from '../../mcp/dist/index.js'
import { newEngine, ROOT } from '../support.js'
import { call, environment, LONG, RUN, serveHttp, store } from './support.js'

async function connect(
  url: string,
  mode: 'legacy' | 'modern',
): Promise<{ mcp: Client; transport: StreamableHTTPClientTransport }> {
  const versionNegotiation = { mode: mode === 'modern' ? { pin: '2026-07-28' } : 'legacy' } as const
  const mcp = new Client({ name: mode, version: '1' }, { versionNegotiation })
  const transport = new StreamableHTTPClientTransport(new URL(url))
  await mcp.connect(transport)
  onTestFinished(() => mcp.close().catch(() => {}))
  return { mcp, transport }
}

interface Reply {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: string
}

/** Sends requests that fetch would not: any Host, any Origin, any body. */
function http(url: string, method: string, headers: Record<string, string>, body?: string | Buffer): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const request = send(url, { method, headers }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (part) => {
        text += part
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }))
    })
    request.on('error', reject)
    request.end(body)
  })
}

const JSON_HEADERS = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
const INITIALIZE = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
})

describe('over HTTP', () => {
  test.each(['legacy', 'modern'] as const)('serves an SDK client: %s', async (mode) => {
    const { url } = await serveHttp([], { DATA_DIR: await store() })
    const { mcp, transport } = await connect(url, mode)
    expect(transport.sessionId === undefined).toBe(mode === 'modern')
    expect((await mcp.listTools()).tools).toHaveLength(15)
    const progress: number[] = []
    const result = await mcp.callTool(
      { name: 'run_backtest', arguments: RUN },
      { onprogress: (report) => progress.push(report.progress) },
    )
    expect(result.structuredContent).toMatchObject({ status: 'completed', total_return: 39.0549 })
    expect(progress.length).toBeGreaterThan(0)
    const { resources } = await mcp.listResources()
    expect(resources).toHaveLength(3)
    if (mode === 'legacy') await transport.terminateSession()
  })

  test('serves several clients with one engine and the same runs', async () => {
    const { url } = await serveHttp([], { DATA_DIR: await store() })
    const clients = await Promise.all(
      (['legacy', 'modern', 'legacy', 'modern', 'legacy'] as const).map((mode) => connect(url, mode)),
    )
    const sessions = clients.map(({ transport }) => transport.sessionId).filter((id) => id !== undefined)
    expect(new Set(sessions).size).toBe(3)
    const runs = await Promise.all(
      clients.flatMap(({ mcp }, index) =>
        [1, 2, 3].map((run) =>
          call(mcp, 'run_backtest', { ...RUN, initial_capital: 3 * index + run, wait_seconds: 50 }),
        ),
      ),
    )
    const ids = runs.map(({ backtest_id }) => backtest_id)
    expect(new Set(ids).size).toBe(15)
    for (const { mcp } of clients) {
      const listed = await call(mcp, 'list_backtests', { limit: 100, status: 'completed' })
      expect(listed.backtests.map((row: { backtest_id: string }) => row.backtest_id).sort()).toEqual([...ids].sort())
    }
  })

  test('lets one client cancel the run of another', async () => {
    const { url } = await serveHttp([], { DATA_DIR: await store({ long: true }) })
    const { mcp: one } = await connect(url, 'legacy')
    const { mcp: other } = await connect(url, 'modern')
    const { backtest_id, status } = await call(one, 'run_backtest', { ...LONG, wait_seconds: 0 })
    expect(status).toBe('running')
    expect(await call(other, 'cancel_backtest', { backtest_id })).toMatchObject({ status: 'cancelled' })
    expect(await call(one, 'get_backtest_results', { backtest_id })).toMatchObject({ status: 'cancelled' })
  })

  test('notifies a session of the end of a run through its stream', async () => {
    const { url } = await serveHttp(['--notifications'], { DATA_DIR: await store({ long: true }) })
    const { mcp } = await connect(url, 'legacy')
    const received: { method: string; params?: unknown }[] = []
    mcp.fallbackNotificationHandler = async (notification) => {
      received.push(notification)
    }
    const { backtest_id, status } = await call(mcp, 'run_backtest', { ...LONG, wait_seconds: 0 })
    expect(status).toBe('running')
    await expect.poll(() => received.at(-1)?.method, { timeout: 20_000 }).toBe('backtest/complete')
    expect(received.at(-1)?.params).toMatchObject({ backtestId: backtest_id, result: { status: 'completed' } })
    const progress = received.filter(({ method }) => method === 'backtest/progress')
    expect(progress.length).toBeGreaterThan(0)
    for (const { params } of progress) expect(params).toMatchObject({ backtestId: backtest_id })
  })

  test('rejects ended and unknown sessions', async () => {
    const { url } = await serveHttp([])
    const opened = await http(url, 'POST', JSON_HEADERS, INITIALIZE)
    expect(opened.status).toBe(200)
    const session = { 'mcp-session-id': String(opened.headers['mcp-session-id']), 'mcp-protocol-version': '2025-11-25' }
    const ping = JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'ping' })
    expect((await http(url, 'POST', { ...JSON_HEADERS, ...session }, ping)).status).toBe(200)
    expect((await http(url, 'DELETE', session)).status).toBe(200)
    expect((await http(url, 'POST', { ...JSON_HEADERS, ...session }, ping)).status).toBe(404)
    expect((await http(url, 'POST', { ...JSON_HEADERS, 'mcp-session-id': 'none' }, ping)).status).toBe(404)
    expect((await http(url, 'POST', JSON_HEADERS, ping)).status).toBe(400)
    expect((await http(url, 'GET', { accept: 'text/event-stream' })).status).toBe(400)
    expect((await http(url.replace('/mcp', '/'), 'POST', JSON_HEADERS, ping)).status).toBe(404)
  })

  test.each([
    ['a foreign Host', { host: 'evil.example' }, 403],
    ['a foreign Host with our port', { host: 'evil.example:80' }, 403],
    ['a foreign Origin', { origin: 'https://evil.example' }, 403],
    ['the null Origin', { origin: 'null' }, 403],
    ['a page on localhost', { origin: 'http://localhost:5173' }, 200],
    ['localhost as Host', { host: 'localhost:1' }, 200],
  ])('%s gets the expected status', async (_, headers, status) => {
    const { url } = await serveHttp([])
    const reply = await http(url, 'POST', { ...JSON_HEADERS, ...headers }, INITIALIZE)
    expect(reply.status, reply.body).toBe(status)
    if (status === 403) expect(JSON.parse(reply.body)).toMatchObject({ jsonrpc: '2.0', error: { code: -32000 } })
  })

  test('rejects bodies that are too large, not JSON or of another type, and keeps running', async () => {
    const { url, served } = await serveHttp([])
    const large = Buffer.alloc(5 * 1024 * 1024, 0x20)
    const declared = await http(url, 'POST', JSON_HEADERS, large).catch((error: NodeJS.ErrnoException) => error)
    expect('status' in declared ? declared.status : declared.code).toBeOneOf([413, 'ECONNRESET', 'EPIPE'])
    const chunked = await http(url, 'POST', { ...JSON_HEADERS, 'transfer-encoding': 'chunked' }, large).catch(
      (error: NodeJS.ErrnoException) => error,
    )
    expect('status' in chunked ? chunked.status : chunked.code).toBeOneOf([413, 'ECONNRESET', 'EPIPE'])
    const broken = await http(url, 'POST', JSON_HEADERS, '{"jsonrpc": "2.0", ')
    expect(broken.status).toBe(400)
    expect(JSON.parse(broken.body)).toMatchObject({ id: null, error: { code: -32700 } })
    expect((await http(url, 'POST', { ...JSON_HEADERS, 'content-type': 'text/plain' }, INITIALIZE)).status).toBe(415)
    expect((await http(url, 'PUT', JSON_HEADERS, INITIALIZE)).status).toBeGreaterThanOrEqual(400)
    expect((await http(url, 'POST', JSON_HEADERS, INITIALIZE)).status).toBe(200)
    expect(served.lines).toEqual([])
  })
})

describe('a handler mounted in another server', () => {
  async function mounted(options: HttpOptions, body?: unknown): Promise<string> {
    const handler = createBacktestingHttpHandler(newEngine(), options)
    const server = createServer((request, response) => {
      void handler(request, response, body)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(async () => {
      await handler.close()
      server.closeAllConnections()
      server.close()
    })
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`
  }

  test('accepts only the configured hosts and origins', async () => {
    const url = await mounted({ allowedHosts: ['api.example'], allowedOrigins: ['app.example'] })
    const status = async (headers: Record<string, string>) =>
      (await http(url, 'POST', { ...JSON_HEADERS, ...headers }, INITIALIZE)).status
    expect(await status({ host: 'api.example' })).toBe(200)
    expect(await status({ host: 'api.example:8443', origin: 'https://app.example' })).toBe(200)
    expect(await status({})).toBe(403)
    expect(await status({ host: 'api.example', origin: 'http://localhost' })).toBe(403)
  })

  test('accepts a body that middleware has parsed', async () => {
    const url = await mounted({}, JSON.parse(INITIALIZE))
    expect((await http(url, 'POST', JSON_HEADERS, '')).body).toContain('aitradepro-backtesting')
  })

  test('ends a session after an hour of inactivity', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'performance'] })
    onTestFinished(() => {
      vi.useRealTimers()
    })
    const url = await mounted({})
    const session = String((await http(url, 'POST', JSON_HEADERS, INITIALIZE)).headers['mcp-session-id'])
    const ping = async () => {
      const headers = { ...JSON_HEADERS, 'mcp-session-id': session, 'mcp-protocol-version': '2025-11-25' }
      return (await http(url, 'POST', headers, JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'ping' }))).status
    }
    vi.advanceTimersByTime(59 * 60_000)
    expect(await ping()).toBe(200)
    vi.advanceTimersByTime(59 * 60_000)
    expect(await ping()).toBe(200)
    vi.advanceTimersByTime(62 * 60_000)
    expect(await ping()).toBe(404)
  })

  test('checks its options', () => {
    expect(() => createBacktestingHttpHandler(newEngine(), { waitSeconds: -1 })).toThrow(/waitSeconds/)
    expect(() => createBacktestingHttpHandler(newEngine(), { maxSession: 1 } as never)).toThrow(
      /unknown option maxSession/,
    )
    expect(() => createBacktestingHttpHandler(newEngine(), { maxSessions: 0 })).toThrow(/maxSessions/)
  })
})

test.skipIf(process.platform === 'win32')('the example server has its own routes next to MCP', async () => {
  const child = spawn(process.execPath, [join(ROOT, 'examples', 'mcp-server.mjs')], {
    env: environment({ PORT: '0', DATA_DIR: await store() }),
  })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  const url = await new Promise<string>((resolve) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => resolve(/listening on (\S+)/.exec(text)?.[1] ?? ''))
  })
  const { mcp } = await connect(url, 'modern')
  const { backtest_id } = await call(mcp, 'run_backtest', RUN)
  const runs = await http(url.replace('/mcp', '/runs'), 'GET', {})
  expect(JSON.parse(runs.body)).toMatchObject([{ backtestId: backtest_id, status: 'completed' }])
  expect((await http(url.replace('/mcp', '/'), 'GET', {})).status).toBe(404)
  const ended = new Promise((resolve) => child.once('close', resolve))
  child.kill('SIGTERM')
  expect(await ended).toBe(0)
})
