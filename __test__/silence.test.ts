/** An unread pipe or an unresponsive server does not block any call forever. */

import { spawn } from 'node:child_process'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { failure, folder, newEngine, ROOT, rejection, request } from './support.js'

describe('a log that nobody reads', () => {
  test('blocks neither backtests nor the exit of the process', async () => {
    const program = `
      const { BacktestEngine } = require(${JSON.stringify(join(ROOT, 'index.js'))})
      const engine = new BacktestEngine({ dataDir: ${JSON.stringify(folder())}, logLevel: 'trace' })
      const close = Float64Array.from({ length: 30 }, (_, bar) => 10 + Math.sin(bar))
      const timestamps = Float64Array.from({ length: 30 }, (_, bar) => bar * 86400000)
      const request = { strategyId: 'rsi', assetSymbol: 'X', startDate: '1970-01-01', endDate: '1970-01-31',
        initialCapital: 1, bars: { timestamps, open: close, high: close, low: close, close } }
      const main = async () => {
        for (let run = 0; run < 2000; run++) await engine.runBacktest(request)
        await engine.close()
        console.log('done')
      }
      main()`
    const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'pipe'] })
    onTestFinished(() => {
      child.kill('SIGKILL')
    })
    let stdout = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    const status = await new Promise((resolve) => child.once('exit', resolve))
    expect([status, stdout]).toEqual([0, 'done\n'])
  }, 60_000)
})

describe('a PostgreSQL server that accepts connections and never answers', () => {
  async function silent() {
    const sockets = new Set<Socket>()
    const server = createServer((socket) => {
      sockets.add(socket)
      socket.on('error', () => {})
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy()
      server.close()
    })
    const { port } = server.address() as AddressInfo
    return newEngine({ databaseUrl: `postgresql://nobody@127.0.0.1:${port}/none?connect_timeout=2&sslmode=disable` })
  }

  test('fails all waiting calls at the same time', async () => {
    const engine = await silent()
    const start = performance.now()
    const first = failure(engine.listBacktests(), 'STORAGE')
    const others = Array.from({ length: 8 }, () => failure(engine.listBacktests(), 'STORAGE'))
    await first
    const once = performance.now() - start
    await Promise.all(others)
    // Separate attempts would take nine times as long.
    expect(performance.now() - start).toBeLessThan(3 * once)
  }, 120_000)

  test('delays neither the abort of a backtest nor close', async () => {
    const engine = await silent()
    const controller = new AbortController()
    const run = rejection(engine.runBacktest(request(), { signal: controller.signal }))
    const list = failure(engine.listBacktests(), 'CLOSED')
    const order: string[] = []
    const aborted = run.then((error) => order.push((error as { code: string }).code))
    const listed = list.then(() => order.push('list'))
    setTimeout(() => controller.abort(), 100)
    await aborted
    await Promise.all([engine.close().then(() => order.push('closed')), listed])
    expect(order[0]).toBe('ABORT_ERR')
    expect(order).toHaveLength(3)
  }, 60_000)
})
