import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import type { SimulationOptions } from '../index.js'
import { longRun } from '../scripts/reference/long-runs.mjs'
import { ROOT } from './support.js'

interface Sample {
  length: number
  sum: number
  at: number[]
  values: number[]
}

interface Case {
  bars: number
  variant: string
  orders: Record<string, Sample>
  trades: Record<string, Sample>
  equity: Sample
  metrics: Record<string, number | null>
}

const file: { initialCapital: number; variants: Record<string, SimulationOptions>; cases: Case[] } = JSON.parse(
  gunzipSync(readFileSync(join(ROOT, '__test__', 'reference', 'long', 'cases.json.gz'))).toString(),
)

/** Compares to 1e-9, or to rounding error in `scale` if that is larger. */
function expectNear(found: number, expected: number, what: string, scale = 0) {
  const tolerance = 1e-9 * Math.max(Math.abs(found), Math.abs(expected)) + 1e-12 * scale
  if (!(Math.abs(found - expected) <= tolerance)) expect(found, what).toBe(expected)
}

function expectSample(column: ArrayLike<number>, sample: Sample, what: string, scale = 0) {
  expect(column.length, what).toBe(sample.length)
  let sum = 0
  for (let index = 0; index < column.length; index++) sum += column[index] ?? Number.NaN
  expectNear(sum, sample.sum, `the sum of ${what}`, scale * column.length)
  for (const [index, at] of sample.at.entries())
    expectNear(column[at] ?? Number.NaN, sample.values[index] ?? Number.NaN, `${what}[${at}]`, scale)
}

describe('runs of up to 262,145 bars, around every threshold of sections and threads', () => {
  test('the file holds runs of more than 100,000 bars with many orders', () => {
    expect(file.cases.filter(({ bars }) => bars > 100_000).length).toBeGreaterThanOrEqual(9)
    expect(Math.max(...file.cases.map(({ orders }) => orders.bar?.length ?? 0))).toBeGreaterThan(5_000)
  })

  test.each(file.cases.map((one) => [`${one.bars} bars, ${one.variant}`, one] as const))(
    '%s: orders, trades, equity and metrics equal those of vectorbt',
    async (_, one) => {
      const result = await longRun(one.bars, file.initialCapital, file.variants[one.variant] ?? {})
      const money = file.initialCapital
      for (const [name, sample] of Object.entries(one.orders))
        expectSample(
          result.orders[name as keyof typeof result.orders],
          sample,
          `orders.${name}`,
          name === 'fees' ? money : 0,
        )
      for (const [name, sample] of Object.entries(one.trades))
        expectSample(
          result.trades[name as keyof typeof result.trades],
          sample,
          `trades.${name}`,
          name === 'pnl' ? money : 0,
        )
      expectSample(result.equityCurve, one.equity, 'equity', money)
      const metrics: Record<string, number | null> = { ...result.metrics }
      // scripts/reference/long.py has no slippage for stops, and only the simulation knows the signals that made no order.
      const compared = new Set(Object.keys(metrics))
      compared.delete('unexecutedSignals')
      if (one.variant === 'stops') compared.delete('totalSlippagePaid')
      expect(new Set(Object.keys(one.metrics)), 'run scripts/reference/long.py').toEqual(compared)
      for (const [name, expected] of Object.entries(one.metrics)) {
        const found = metrics[name] ?? null
        if (expected === null || found === null) expect(found, name).toBe(expected)
        else expectNear(found, expected, name, ['beta', 'alpha'].includes(name) ? 1 : money / 1e3)
      }
    },
  )
})

test('results are the same bytes on 1, 2 and 8 threads', async () => {
  const script = join(ROOT, 'scripts', 'reference', 'long-runs.mjs')
  const lengths = ['8193', '32768', '32769', '65535', '65536', '65537', '131073', '200001']
  const runs = await Promise.all(
    ['1', '2', '8'].map(async (threads) => {
      const env = { ...process.env, RAYON_NUM_THREADS: threads, LOG_LEVEL: 'off' }
      const { stdout } = await promisify(execFile)(process.execPath, [script, ...lengths], { env })
      const { threads: started, ...hashes } = JSON.parse(stdout) as Record<string, string | number>
      // One simulation thread per core, one for short jobs, and the helpers of parts.
      if (process.platform === 'linux') expect(started).toBe(2 * Number(threads))
      return hashes
    }),
  )
  expect(Object.keys(runs[0] ?? {})).toEqual(lengths)
  expect(runs[1]).toEqual(runs[0])
  expect(runs[2]).toEqual(runs[0])
}, 120_000)
