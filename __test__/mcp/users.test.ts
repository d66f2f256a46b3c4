/** Several users on one engine: none sees, follows, stops or deletes what belongs to another. */

import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { Client, InMemoryTransport, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { build } from 'rolldown'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { BacktestEngine } from '../../index.js'
import { createBacktestingHttpHandler, createBacktestingServer, type HttpOptions } from '../../mcp/dist/index.js'
import { newEngine, ROOT, SP500, waves } from '../support.js'
import { call, environment, LONG, RUN, raw, refusal, store } from './support.js'

async function filled({ long = false } = {}): Promise<BacktestEngine> {
  const engine = newEngine()
  await engine.importBars({ assetSymbol: 'SP500', timeframe: '1d', bars: SP500 })
  if (long) await engine.importBars({ assetSymbol: 'LONG', timeframe: '1m', bars: waves(900_000, 60_000) })
  return engine
}

async function connect(engine: BacktestEngine, userId?: string): Promise<Client> {
  const mcp = new Client({ name: 'test', version: '1' })
  const [near, far] = InMemoryTransport.createLinkedPair()
  const server = createBacktestingServer(engine, userId === undefined ? {} : { userId })
  await Promise.all([server.connect(far as never), mcp.connect(near)])
  onTestFinished(() => mcp.close())
  return mcp
}

describe('a server of one user', () => {
  test('has no argument for the user and no tool that changes what all share', async () => {
    const engine = await filled()
    const alice = await connect(engine, 'alice')
    const { tools } = await alice.listTools()
    expect(tools.map(({ name }) => name)).not.toContain('register_strategy')
    expect(tools).toHaveLength(14)
    expect(JSON.stringify(tools)).not.toContain('user_id')
    expect(await refusal(alice, 'run_backtest', { ...RUN, user_id: 'bob' })).toContain('user_id is not a known field')
    expect(await refusal(alice, 'list_backtests', { userId: 'bob' })).toContain('userId is not a known field')
    const { backtest_id } = await call(alice, 'run_backtest', RUN)
    expect(await engine.getBacktestResults(backtest_id)).toMatchObject({ userId: 'alice' })
    expect(JSON.stringify((await (await connect(engine)).listTools()).tools)).toContain('user_id')
  })

  test('does not tell that the runs of another exist', async () => {
    const engine = await filled()
    const [alice, bob, anyone] = [await connect(engine, 'alice'), await connect(engine, 'bob'), await connect(engine)]
    const { backtest_id } = await call(alice, 'run_backtest', RUN)
    const nothing = 'bt-000000000000'
    const calls: [string, (id: string) => object][] = [
      ['get_backtest_results', (id) => ({ backtest_id: id })],
      ['get_metrics', (id) => ({ backtest_id: id })],
      ['cancel_backtest', (id) => ({ backtest_id: id })],
      ['delete_backtest', (id) => ({ backtest_id: id })],
      ['rerun_backtest', (id) => ({ backtest_id: id })],
      ['compare_backtests', (id) => ({ backtest_ids: [id, 'bt-111111111111'] })],
      ['list_backtests', (id) => ({ before: id })],
    ]
    for (const [name, args] of calls) {
      const foreign = await refusal(bob, name, args(backtest_id))
      expect(foreign, name).toBe((await refusal(bob, name, args(nothing))).replaceAll(nothing, backtest_id))
    }
    for (const address of ['', '/results', '/metrics', '/chart.png', '/trades.csv', '/equity/1.json'])
      await expect(bob.readResource({ uri: `backtest://${backtest_id}${address}` }), address).rejects.toThrow(
        'not found',
      )
    expect(await call(bob, 'list_backtests')).toMatchObject({ backtests: [], backtests_total: 0 })
    expect((await bob.listResources()).resources.filter(({ uri }) => uri.startsWith('backtest:'))).toEqual([])
    const completed = await bob.complete({
      ref: { type: 'ref/resource', uri: 'backtest://{id}' },
      argument: { name: 'id', value: 'bt-' },
    })
    expect(completed.completion.values).toEqual([])
    // Tries of others are not counted, their runs are not returned, and the bars that they touched are free.
    const own = await call(bob, 'run_backtest', RUN)
    expect(own).toMatchObject({ sample: { kind: 'first', earlier_tries: 0 } })
    expect(own.backtest_id).not.toBe(backtest_id)
    expect((await call(anyone, 'list_backtests')).backtests_total).toBe(2)
    expect(await call(alice, 'get_backtest_results', { backtest_id })).toMatchObject({ status: 'completed' })
  })

  test('does not tell that the sweeps of another exist', async () => {
    const engine = await filled()
    const [alice, bob] = [await connect(engine, 'alice'), await connect(engine, 'bob')]
    const { parameters: _, ...run } = RUN
    const parameters = { fast_period: { from: 5, to: 10 }, slow_period: 100 }
    const { sweep_id } = await call(alice, 'run_sweep', { ...run, parameters })
    const nothing = 'sw-000000000000'
    const calls: [string, (id: string) => object][] = [
      ['get_sweep', (id) => ({ sweep_id: id })],
      ['get_sweep', (id) => ({ sweep_id: id, from: 0, include_heatmap: true })],
      ['cancel_backtest', (id) => ({ sweep_id: id })],
      ['delete_backtest', (id) => ({ sweep_id: id })],
      ['run_sweep', (id) => ({ resume: id })],
      ['get_sweep', (id) => ({ before: id })],
    ]
    for (const [name, args] of calls) {
      const foreign = await refusal(bob, name, args(sweep_id))
      expect(foreign, name).toBe((await refusal(bob, name, args(nothing))).replaceAll(nothing, sweep_id))
    }
    await expect(bob.readResource({ uri: `sweep://${sweep_id}` })).rejects.toThrow('not found')
    expect((await call(bob, 'get_sweep')).sweeps).toEqual([])
    expect((await call(alice, 'get_sweep')).sweeps).toHaveLength(1)
    expect(await call(alice, 'get_sweep', { sweep_id, from: 0 })).toMatchObject({
      status: 'completed',
      combinations: 6,
    })
    expect(await call(alice, 'delete_backtest', { sweep_id })).toMatchObject({ deleted: true })
  })

  test('does not stop an active run of another, but another server of the same user does', async () => {
    const engine = await filled({ long: true })
    const [alice, bob, again] = [
      await connect(engine, 'alice'),
      await connect(engine, 'bob'),
      await connect(engine, 'alice'),
    ]
    const { backtest_id } = await call(alice, 'run_backtest', { ...LONG, wait_seconds: 0 })
    expect(await refusal(bob, 'cancel_backtest', { backtest_id })).toMatch(/^NOT_FOUND/)
    expect(await refusal(bob, 'delete_backtest', { backtest_id })).toMatch(/^NOT_FOUND/)
    expect(await call(alice, 'get_backtest_results', { backtest_id })).toMatchObject({ status: 'running' })
    expect(await call(again, 'cancel_backtest', { backtest_id })).toMatchObject({ status: 'cancelled' })
  })

  test('refuses a user that is none', () => {
    const engine = newEngine()
    for (const userId of ['', 7, null])
      expect(() => createBacktestingServer(engine, { userId } as never)).toThrow(/userId/)
    expect(() => createBacktestingHttpHandler(engine, { userId: 'a', userOf: () => 'b' })).toThrow(/userOf/)
    expect(() => createBacktestingHttpHandler(engine, { userOf: 'a' } as never)).toThrow(/userOf/)
  })
})

describe('a handler with users', () => {
  async function listening(userOf: NonNullable<HttpOptions['userOf']>): Promise<string> {
    const handler = createBacktestingHttpHandler(await filled(), { userOf })
    const server = createServer((request, response) => void handler(request, response))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(async () => {
      await handler.close()
      server.close()
      server.closeAllConnections()
    })
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`
  }

  const byHeader = ({ headers }: IncomingMessage) => headers['x-user'] as string | undefined

  async function open(url: string, user: string, mode: 'legacy' | 'modern') {
    const versionNegotiation = { mode: mode === 'modern' ? { pin: '2026-07-28' } : 'legacy' } as const
    const mcp = new Client({ name: mode, version: '1' }, { versionNegotiation })
    const transport = new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers: { 'x-user': user } } })
    await mcp.connect(transport)
    onTestFinished(() => mcp.close().catch(() => {}))
    return { mcp, transport }
  }

  test.each(['legacy', 'modern'] as const)('keeps them apart: %s', async (mode) => {
    const url = await listening(byHeader)
    const { mcp: alice, transport } = await open(url, 'alice', mode)
    const { mcp: bob } = await open(url, 'bob', mode)
    const { backtest_id } = await call(alice, 'run_backtest', RUN)
    expect(await refusal(bob, 'get_backtest_results', { backtest_id })).toMatch(/^NOT_FOUND/)
    expect((await call(alice, 'list_backtests')).backtests_total).toBe(1)
    const results = await Promise.all([alice, bob, alice, bob].map((mcp) => raw(mcp, 'list_backtests')))
    expect(
      results.map(({ structuredContent }) => (structuredContent as { backtests_total: number }).backtests_total),
    ).toEqual([1, 0, 1, 0])
    if (mode === 'modern') return
    // A session belongs to its user.
    const headers = {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-session-id': String(transport.sessionId),
      'mcp-protocol-version': '2025-11-25',
    }
    const body = JSON.stringify({ jsonrpc: '2.0', id: 9, method: 'tools/list' })
    const status = async (user: string) =>
      (await fetch(url, { method: 'POST', headers: { ...headers, 'x-user': user }, body })).status
    expect(await status('bob')).toBe(404)
    expect(await status('alice')).toBe(200)
  })

  test('rejects a request of no user, and one whose user cannot be found out', async () => {
    const url = await listening((request) => {
      const user = byHeader(request)
      if (user === 'broken') throw new Error('the user table is gone')
      return user
    })
    const status = async (headers: Record<string, string>) =>
      (
        await fetch(url, {
          method: 'POST',
          headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers },
          body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
        })
      ).status
    expect(await status({})).toBe(401)
    expect(await status({ 'x-user': '' })).toBe(401)
    expect(await status({ 'x-user': 'broken' })).toBe(500)
    await expect(open(url, '', 'legacy')).rejects.toThrow()
  })
})

test('the example of a backend keeps its users apart', async () => {
  // Beside the sources, so that the name of the package means this one.
  const place = mkdtempSync(join(ROOT, 'target', 'example-'))
  onTestFinished(() => rmSync(place, { recursive: true, force: true }))
  const file = join(place, 'mcp-backend.mjs')
  await build({
    input: join(ROOT, 'examples', 'mcp-backend.ts'),
    external: /^[^./]/,
    output: { file },
    platform: 'node',
  })
  const child = spawn(process.execPath, [file], {
    cwd: place,
    env: environment({ DATA_DIR: await store(), PORT: '0' }),
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const url = await new Promise<string>((resolve) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => resolve(/http:\S+/.exec(text)?.[0] ?? ''))
  })
  const open = async (key: string) => {
    const mcp = new Client({ name: 'test', version: '1' })
    const requestInit = { headers: { authorization: `Bearer ${key}` } }
    await mcp.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit }))
    onTestFinished(() => mcp.close().catch(() => {}))
    return mcp
  }
  const [alice, bob] = [await open('alice-example-key'), await open('bob-example-key')]
  const { backtest_id } = await call(alice, 'run_backtest', RUN)
  expect(await refusal(bob, 'get_backtest_results', { backtest_id })).toMatch(/^NOT_FOUND/)
  await expect(open('somebody-else')).rejects.toThrow()
  const runs = async (key: string) => {
    const answer = await fetch(url.replace('/mcp', '/runs'), { headers: { authorization: `Bearer ${key}` } })
    return { status: answer.status, body: await answer.json() }
  }
  expect(await runs('alice-example-key')).toMatchObject({ status: 200, body: [{ backtestId: backtest_id }] })
  expect(await runs('bob-example-key')).toEqual({ status: 200, body: [] })
  expect((await runs('x')).status).toBe(401)
  child.kill('SIGTERM')
  expect(await new Promise((resolve) => child.once('close', resolve))).toBe(0)
})
