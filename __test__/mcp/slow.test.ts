/** Runs that take seconds: progress, responses before the end, cancellation, disconnecting clients. */

import {
  Client,
  InMemoryTransport,
  type JSONRPCMessage,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { BacktestResult, Progress } from '../../index.js'
import { BacktestEngine } from '../../index.js'
import { createBacktestingServer, type Engine } from '../../mcp/dist/index.js'
import { newEngine } from '../support.js'
import { call, client, initialize, LONG, type Message, refusal, serve, serveHttp, store } from './support.js'

describe('a slow run', () => {
  test('returns early, continues, and can be queried until it is completed', async () => {
    const mcp = await client({ DATA_DIR: await store({ long: true }) })
    const started = await call(mcp, 'run_backtest', { ...LONG, wait_seconds: 0.2 })
    expect(started).toMatchObject({ status: 'running', asset_symbol: 'LONG' })
    expect(started.headline).toContain('There is no result yet')
    expect(started.next_step).toContain(started.backtest_id)
    const { backtest_id } = started
    let output = started
    const seen: number[] = [started.progress]
    for (let asked = 0; output.status === 'running'; asked++) {
      if (asked > 200) throw new Error('the run does not end')
      await new Promise((resolve) => setTimeout(resolve, 100))
      output = await call(mcp, 'get_backtest_results', { backtest_id, detail: 'summary' })
      seen.push(output.progress)
    }
    expect(output).toMatchObject({ status: 'completed', progress: 100 })
    expect([...seen].sort((one, other) => one - other)).toEqual(seen)
    expect(new Set(seen).size).toBeGreaterThan(2)
  })

  test('reports increasing progress at most once a second, and none after the response', async () => {
    const served = serve(['--wait', '50'], { DATA_DIR: await store({ long: true }) })
    await initialize(served)
    const times: number[] = []
    served.child.stdout.on('data', (text: string) => {
      if (text.includes('notifications/progress')) times.push(performance.now())
    })
    const answer = await served.request('tools/call', {
      name: 'run_backtest',
      arguments: LONG,
      _meta: { progressToken: 'p' },
    })
    expect(answer.result.structuredContent.status).toBe('completed')
    const messages = served.lines.map((line) => JSON.parse(line) as Message)
    const reports = messages.filter(({ method }) => method === 'notifications/progress').map(({ params }) => params)
    expect(reports.length).toBeGreaterThan(0)
    for (const report of reports)
      expect(report).toMatchObject({ progressToken: 'p', total: 100, message: expect.any(String) })
    const values = reports.map(({ progress }) => progress)
    expect(values.every((value, index) => index === 0 || value > values[index - 1])).toBe(true)
    expect(times.every((time, index) => index === 0 || time - Number(times[index - 1]) > 900)).toBe(true)
    expect(messages.at(-1)?.id).toBe(answer.id)
  })

  test('stops when its request is cancelled', async () => {
    const mcp = await client({ DATA_DIR: await store({ long: true }) })
    const controller = new AbortController()
    const cancelled = mcp.callTool(
      { name: 'run_backtest', arguments: { ...LONG, wait_seconds: 50 } },
      { signal: controller.signal, onprogress: () => controller.abort() },
    )
    await expect(cancelled).rejects.toThrow()
    const before = performance.now()
    let runs = []
    do {
      await new Promise((resolve) => setTimeout(resolve, 50))
      runs = (await call(mcp, 'list_backtests')).backtests
    } while (runs[0]?.status === 'running' && performance.now() - before < 5000)
    expect(runs).toMatchObject([{ status: 'cancelled' }])
  })

  test('stops and is stored as cancelled when a stdio client disconnects', async () => {
    const dataDir = await store({ long: true })
    const served = serve([], { DATA_DIR: dataDir })
    await initialize(served)
    const params = { name: 'run_backtest', arguments: LONG, _meta: { progressToken: 1 } }
    served.send({ jsonrpc: '2.0', id: 'run', method: 'tools/call', params })
    await served.message(({ method }) => method === 'notifications/progress')
    const before = performance.now()
    served.child.stdin.end()
    expect(await served.ended).toBe(0)
    expect(performance.now() - before).toBeLessThan(3000)
    const engine = new BacktestEngine({ dataDir, logLevel: 'off' })
    onTestFinished(() => engine.close())
    expect(await engine.listBacktests()).toMatchObject([{ status: 'cancelled' }])
  })

  test('continues when a client with a session disconnects, and stops when one without a session does', async () => {
    const { url } = await serveHttp(['--wait', '50'], { DATA_DIR: await store({ long: true }) })
    const watcher = new Client({ name: 'watcher', version: '1' })
    await watcher.connect(new StreamableHTTPClientTransport(new URL(url)))
    onTestFinished(() => watcher.close())
    const runs = async (): Promise<{ status: string }[]> => (await call(watcher, 'list_backtests')).backtests
    for (const [mode, end] of [
      [{ pin: '2026-07-28' }, 'cancelled'],
      ['legacy', 'completed'],
    ] as const) {
      const leaver = new Client({ name: 'leaver', version: '1' }, { versionNegotiation: { mode } })
      await leaver.connect(new StreamableHTTPClientTransport(new URL(url)))
      leaver
        .callTool({ name: 'run_backtest', arguments: LONG }, { onprogress: () => void leaver.close().catch(() => {}) })
        .catch(() => {})
      await expect.poll(async () => (await runs())[0]?.status, { timeout: 20_000 }).toBe(end)
    }
  })

  test('is pending while it is queued', async () => {
    const mcp = await client({ DATA_DIR: await store({ long: true }), MAX_CONCURRENT_BACKTESTS: '1' })
    const first = await call(mcp, 'run_backtest', { ...LONG, wait_seconds: 0 })
    const second = await call(mcp, 'run_backtest', { ...LONG, wait_seconds: 0 })
    expect(first.status).toBe('running')
    expect(second.status).toBe('pending')
    const { backtest_id } = second
    expect(await call(mcp, 'get_backtest_results', { backtest_id })).toMatchObject({ status: 'pending', progress: 0 })
    expect(await call(mcp, 'delete_backtest', { backtest_id })).toMatchObject({ deleted: true })
    expect(await refusal(mcp, 'get_backtest_results', { backtest_id })).toMatch(/^NOT_FOUND/)
    expect(await call(mcp, 'cancel_backtest', { backtest_id: first.backtest_id })).toMatchObject({
      status: 'cancelled',
    })
  })
})

describe('a run of a scripted engine', () => {
  test('that fails after the response is reported by a notification', async () => {
    const { mcp, engine, notified } = await scriptedEngine({ backtestNotifications: true })
    const started = await call(mcp, 'run_backtest', { ...LONG, wait_seconds: 0.05 })
    expect(started).toMatchObject({ backtest_id: 'bt-0123456789ab', status: 'running', progress: 1 })
    engine.fail(
      Object.assign(new Error('no disk'), { name: 'BacktestError', code: 'STORAGE', retryable: true, issues: [] }),
    )
    await expect
      .poll(() => notified.at(-1))
      .toMatchObject({
        method: 'backtest/failed',
        params: { backtestId: 'bt-0123456789ab', error: 'STORAGE: no disk' },
      })
  })

  test('that fails before the response returns its id and the next step', async () => {
    const { mcp, engine } = await scriptedEngine({})
    const failing = mcp.callTool({ name: 'run_backtest', arguments: { ...LONG } })
    await expect.poll(() => engine.started()).toBe(true)
    engine.fail(
      Object.assign(new Error('no disk'), { name: 'BacktestError', code: 'STORAGE', retryable: true, issues: [] }),
    )
    const { isError, content } = await failing
    expect(isError).toBe(true)
    expect(content).toMatchObject([
      { type: 'text', text: 'STORAGE: no disk\nNext: try again in a few seconds' },
      { resource: { text: '{"backtest_id":"bt-0123456789ab","status":"failed","progress":1}' } },
    ])
  })

  test('that throws does not reveal internals', async () => {
    const { mcp, engine } = await scriptedEngine({})
    const failing = mcp.callTool({ name: 'run_backtest', arguments: { ...LONG } })
    await expect.poll(() => engine.started()).toBe(true)
    engine.fail(new TypeError('secret at /home/somebody'))
    const text = JSON.stringify(await failing)
    expect(text).toContain('INTERNAL')
    expect(text).not.toContain('secret')
  })

  test('is reported at most once a second, and only with increasing progress', async () => {
    const { mcp, engine, sent } = await scriptedEngine({ waitSeconds: 2.5 })
    const received: { progress: number; at: number }[] = []
    const started = mcp.callTool(
      { name: 'run_backtest', arguments: { ...LONG } },
      { onprogress: ({ progress }) => received.push({ progress, at: performance.now() }) },
    )
    await expect.poll(() => engine.started()).toBe(true)
    const report = { backtestId: 'bt-0123456789ab', stage: 'simulation', currentDate: null, tradesExecuted: 0 } as const
    for (let step = 0; step < 45; step++) {
      await new Promise((resolve) => setTimeout(resolve, 50))
      // Every other report goes backwards: a real engine never does that, and a client must not see it.
      engine.report({ ...report, progress: step % 2 === 0 ? step : 0.5 })
    }
    const { structuredContent } = await started
    expect(structuredContent).toMatchObject({ status: 'running' })
    // Another report would be due by now, but a progress token is invalid once its request has been answered.
    await new Promise((resolve) => setTimeout(resolve, 1100))
    engine.report({ ...report, progress: 99 })
    await new Promise((resolve) => setTimeout(resolve, 50))
    const last = sent.at(-1)
    expect(last && 'result' in last, JSON.stringify(last)).toBe(true)
    expect(received.length).toBeGreaterThan(1)
    expect(received.length).toBeLessThanOrEqual(3)
    for (const [index, { progress, at }] of received.entries()) {
      const before = received[index - 1]
      if (before) expect(progress > before.progress && at - before.at > 900, JSON.stringify(received)).toBe(true)
    }
    engine.fail(new DOMException('stopped', 'AbortError'))
  })

  test('without an id is awaited, however long that takes', async () => {
    const { mcp, engine } = await scriptedEngine({}, { silent: true })
    const waiting = call(mcp, 'run_backtest', { ...LONG, wait_seconds: 0 })
    await new Promise((resolve) => setTimeout(resolve, 200))
    engine.report({
      backtestId: 'bt-0123456789ab',
      progress: 20,
      stage: 'signals',
      currentDate: null,
      tradesExecuted: 0,
    })
    expect(await waiting).toMatchObject({ backtest_id: 'bt-0123456789ab', status: 'running', progress: 20 })
    engine.fail(new DOMException('stopped', 'AbortError'))
  })
})

/** Connects a client to a server whose engine reports progress and fails only when the test says so. */
async function scriptedEngine(options: object, { silent = false } = {}) {
  let report: (progress: Progress) => void = () => {}
  let fail: (error: unknown) => void = () => {}
  let running = false
  const engine = newEngine()
  const scripted: Engine = Object.assign(Object.create(engine), {
    runBacktest: (_: unknown, { onProgress }: { onProgress: (progress: Progress) => void }) => {
      report = onProgress
      running = true
      const first = {
        backtestId: 'bt-0123456789ab',
        progress: 1,
        stage: 'loading',
        currentDate: null,
        tradesExecuted: 0,
      } as const
      if (!silent) setImmediate(() => onProgress(first))
      return new Promise<BacktestResult>((_, reject) => {
        fail = reject
      })
    },
    listBacktests: () => engine.listBacktests(),
    listStrategies: () => engine.listStrategies(),
    listAssets: () => engine.listAssets(),
  })
  const server = createBacktestingServer(scripted, options)
  const mcp = new Client({ name: 'test', version: '1' })
  const notified: { method: string; params?: unknown }[] = []
  mcp.fallbackNotificationHandler = async (notification) => {
    notified.push(notification)
  }
  const [near, far] = InMemoryTransport.createLinkedPair()
  const sent: JSONRPCMessage[] = []
  const send = far.send.bind(far)
  far.send = (message, options) => {
    sent.push(message)
    return send(message, options)
  }
  await Promise.all([server.connect(far as never), mcp.connect(near)])
  onTestFinished(() => mcp.close())
  return {
    mcp,
    notified,
    sent,
    engine: {
      report: (progress: Progress) => report(progress),
      fail: (error: unknown) => fail(error),
      started: () => running,
    },
  }
}

test('options of a server are checked', () => {
  const engine = newEngine()
  expect(() => createBacktestingServer(engine, { waitSeconds: 51 })).toThrow(
    /waitSeconds must be a number from 0 to 50, was 51/,
  )
  expect(() => createBacktestingServer(engine, { waitSecond: 5 } as never)).toThrow(/unknown option waitSecond/)
  expect(() => createBacktestingServer(engine, { backtestNotifications: 'yes' as never })).toThrow(
    /true or false, was yes/,
  )
})
