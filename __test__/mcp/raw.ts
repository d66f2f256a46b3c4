/** Helpers for tests of the MCP server over HTTP: raw bytes, requests with headers, servers in this process. */

import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { expect, onTestFinished } from 'vitest'
import {
  createBacktestingHttpHandler,
  createBacktestingHttpServer,
  type HttpOptions,
  type HttpServerOptions,
} from '../../mcp/dist/index.js'
import { newEngine } from '../support.js'

export const TOKENS = ['first-token-0123456789', 'second-token-0123456789']

/** Generous timeout for events that normally happen at once: test computers are busy at times. */
export const SOON = { timeout: 20_000 }

/** Sends bytes to a port and returns the response until `enough` (by default the headers) or until the server closes. */
export function bytes(
  port: number,
  data: string | Buffer,
  enough = (text: string) => text.includes('\r\n\r\n'),
): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    let text = ''
    socket.setEncoding('latin1').on('data', (part) => {
      text += part
      if (enough(text)) socket.destroy()
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(text))
    socket.write(data)
  })
}

export const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0)

export const HEADERS = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
export const PROTOCOL = { 'mcp-protocol-version': '2025-11-25' }

export const message = (method: string, params: object = {}, id: number | null = 1) =>
  JSON.stringify({ jsonrpc: '2.0', ...(id === null ? {} : { id }), method, params })

export const INITIALIZE = message('initialize', {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'raw', version: '1' },
})

export function post(url: string, body: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, { method: 'POST', headers: { ...HEADERS, ...headers }, body })
}

export async function status(url: string, body: string, headers: Record<string, string> = {}): Promise<number> {
  const answer = await post(url, body, headers)
  await answer.text()
  return answer.status
}

export const bearer = (token = '') => ({ authorization: `Bearer ${token}` })

/** Opens a session and returns the headers for its requests. */
export async function open(url: string, headers: Record<string, string> = {}): Promise<Record<string, string>> {
  const answer = await post(url, INITIALIZE, headers)
  await answer.text()
  expect(answer.status).toBe(200)
  return { ...headers, ...PROTOCOL, 'mcp-session-id': answer.headers.get('mcp-session-id') ?? '' }
}

/** Mounts a handler in a plain HTTP server and returns its URL. */
export async function mounted(options: HttpOptions): Promise<string> {
  const handler = createBacktestingHttpHandler(newEngine(), options)
  const server = createServer((request, response) => void handler(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    await handler.close()
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`
}

/** Starts a server in this process. */
export async function listening(
  options: HttpServerOptions = {},
  host = '127.0.0.1',
): Promise<{ url: string; port: number }> {
  const server = createBacktestingHttpServer(newEngine(), options)
  const url = await server.listen(0, host)
  onTestFinished(() => server.close())
  return { url, port: Number(new URL(url).port) }
}

/** Requests the health of a server. `fetch` would wait forever on a dropped connection, hence the timeout. */
export const health = async (url: string) =>
  (await fetch(new URL('/health', url), { signal: AbortSignal.timeout(5_000) })).status
