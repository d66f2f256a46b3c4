import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'
import { folder, ROOT } from './support.js'

const PROGRAM = `
  const { parentPort, workerData } = require('node:worker_threads')
  const { BacktestEngine, BacktestError } = require(workerData.index)
  const main = async () => {
    const engine = new BacktestEngine({ dataDir: workerData.dataDir, logLevel: 'off' })
    const close = Float64Array.from({ length: 300 }, (_, bar) => 100 + 20 * Math.sin(bar / 9))
    const timestamps = Float64Array.from({ length: 300 }, (_, bar) => Date.UTC(2020, 0, 1 + bar))
    const request = {
      strategyId: 'sma_crossover', assetSymbol: 'X', startDate: '2020-01-01', endDate: '2020-12-31', initialCapital: 1000,
      bars: { timestamps, open: close, high: close, low: close, close },
    }
    const result = await engine.runBacktest(request)
    const error = await engine.runBacktest({ ...request, initialCapital: 0 }).catch((reason) => reason)
    await engine.close()
    parentPort.postMessage({
      status: result.status, finalCapital: result.finalCapital,
      code: error.code, isBacktestError: error instanceof BacktestError, isError: error instanceof Error,
    })
  }
  main()`

function start(program: string, workerData: object): Worker {
  return new Worker(program, { eval: true, workerData: { index: join(ROOT, 'index.js'), ...workerData } })
}

test('worker threads run backtests concurrently', async () => {
  const answers = await Promise.all(
    Array.from({ length: 4 }, () => {
      const worker = start(PROGRAM, { dataDir: folder() })
      return new Promise<Record<string, unknown>>((resolve, reject) => {
        worker.once('message', resolve)
        worker.once('error', reject)
        worker.once('exit', (code) => reject(new Error(`the worker ended with ${code} and without a message`)))
      })
    }),
  )
  for (const answer of answers) {
    expect(answer).toMatchObject({
      status: 'completed',
      code: 'INVALID_ARGUMENT',
      isBacktestError: true,
      isError: true,
    })
    expect(answer.finalCapital).toBe(answers[0]?.finalCapital)
  }
})

test('terminating a worker during a backtest does not affect other workers', async () => {
  const endless = PROGRAM.replaceAll('300', '500000')
    .replace('Date.UTC(2020, 0, 1 + bar)', 'Date.UTC(2020, 0, 1) + bar * 60000')
    .replace('const result = await', `parentPort.postMessage('started'); const result = await`)
  for (let round = 0; round < 3; round++) {
    const worker = start(endless, { dataDir: folder() })
    await new Promise((resolve) => worker.once('message', resolve))
    await worker.terminate()
  }
  const worker = start(PROGRAM, { dataDir: folder() })
  expect(await new Promise((resolve) => worker.once('message', resolve))).toMatchObject({ status: 'completed' })
})
