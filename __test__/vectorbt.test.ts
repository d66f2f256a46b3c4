import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type SignalsRequest, simulateSignals } from '../index.js'
import { folder, ROOT, untyped } from './support.js'

const PAGE = readFileSync(join(ROOT, 'docs', 'vectorbt.md'), 'utf8')

/** The settings for vectorbt's own defaults in docs/vectorbt.md. */
const defaults: Pick<SignalsRequest, 'initialCapital'> = (() => {
  const [, block] = PAGE.match(/```js\nconst vectorbtDefaults = (\{[^`]*\})\n```/) ?? []
  return untyped(new Function(`return ${block}`)())
})()

const close = Float64Array.of(100, 110, 105, 120, 90)
const range = {
  open: Float64Array.of(100, 100, 110, 105, 119),
  high: Float64Array.of(101, 112, 111, 121, 121),
  low: Float64Array.of(98, 99, 97, 104, 88),
}
const at = (...bars: number[]) => Uint8Array.from(close, (_, bar) => Number(bars.includes(bar)))

describe('the settings in docs/vectorbt.md equal the defaults of from_signals', () => {
  // Portfolio.from_signals(close, entries, exits, freq="1d", engine="numba", …) of vectorbt 1.2.0.
  test.each([
    {
      name: 'signals alone',
      signals: { entries: at(0), exits: at(2) },
      orders: [
        [0, 0, 1, 100, 0],
        [2, 1, 1, 105, 0],
      ],
      equity: [100, 110, 105, 105, 105],
    },
    {
      name: 'direction="both"',
      signals: { entries: at(0, 3), exits: at(2), direction: 'both' as const },
      orders: [
        [0, 0, 1, 100, 0],
        [2, 1, 2, 105, 0],
        [3, 0, 1.75, 120, 0],
      ],
      equity: [100, 110, 105, 90, 67.5],
    },
    {
      name: 'sl_stop=0.1',
      signals: { entries: at(1), exits: at(), slStop: 0.1, ...range },
      orders: [
        [1, 0, 0.9090909090909091, 110, 0],
        [2, 1, 0.9090909090909091, 99, 0],
      ],
      equity: [100, 100, 90, 90, 90],
    },
    {
      name: 'sl_stop=0.05, sl_trail=True, tp_stop=0.3',
      signals: { entries: at(0), exits: at(), slStop: 0.05, slTrail: true, tpStop: 0.3, ...range },
      orders: [
        [0, 0, 1, 100, 0],
        [2, 1, 1, 106.39999999999999, 0],
      ],
      equity: [100, 110, 106.39999999999999, 106.39999999999999, 106.39999999999999],
    },
  ])('$name', async ({ signals, orders, equity }) => {
    const found = await simulateSignals({ close, ...signals, ...defaults })
    const rows = Array.from(found.orders.bar, (bar, order) => [
      bar,
      found.orders.side[order],
      found.orders.size[order],
      found.orders.price[order],
      found.orders.fees[order],
    ])
    expect(rows).toHaveLength(orders.length)
    for (const [row, columns] of rows.entries()) {
      for (const [column, value] of columns.entries()) expect(value).toBeCloseTo(Number(orders[row]?.[column]), 11)
    }
    for (const [bar, value] of equity.entries()) expect(found.equityCurve[bar]).toBeCloseTo(value, 9)
  })
})

test('the script in docs/vectorbt.md has the numbers of the one in Python', () => {
  const [, program = ''] = PAGE.match(/<!-- script -->\n```js\n([\s\S]*?)```/) ?? []
  const output = execFileSync(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: ROOT,
    env: { ...process.env, DATABASE_URL: '', DATA_DIR: folder(), LOG_LEVEL: 'off', NO_COLOR: '1' },
    encoding: 'utf8',
  })
  // Printed by that script with vectorbt 1.2.0, whose drawdown is a negative fraction.
  const reference = [36973.89401988234, 1.465403393072947, -0.36078801400512406, 12]
  const [python] = PAGE.match(/(?<=^# )36973.*$/m) ?? []
  expect(python?.split(' ').map(Number)).toEqual(reference)
  const [capital, sharpe, drawdown, trades] = reference.map(Number)
  const numbers = output.trim().split(' ').map(Number)
  for (const [index, value] of [capital, sharpe, -100 * Number(drawdown), trades].entries())
    expect(Number(numbers[index]) / Number(value)).toBeCloseTo(1, 9)
  // The page shows what it prints.
  expect(program).toContain(`// ${output}`)
})

test('the Common Sense Ratio is the product in docs/vectorbt.md', async () => {
  expect(PAGE).toContain('`tailRatio × (1 + annualizedReturn ÷ 100)`')
  // returns_acc.common_sense_ratio() of vectorbt 1.2.0 on the same portfolio.
  const { metrics } = await simulateSignals({ close, entries: at(1), exits: at(3), ...defaults })
  expect(Number(metrics.tailRatio) * (1 + Number(metrics.annualizedReturn) / 100)).toBeCloseTo(1802.5594030636453, 6)
})

describe('for the inconsistencies of vectorbt in docs/vectorbt.md, the documented choice holds', () => {
  const run = (prices: number[], entries: number[], exits: number[], options: Partial<SignalsRequest>) =>
    simulateSignals({
      close: Float64Array.from(prices),
      entries: Uint8Array.from(entries),
      exits: Uint8Array.from(exits),
      ...defaults,
      ...options,
    })

  test('sizes are rounded to a granularity like in numba', async () => {
    const { orders } = await run([100], [1], [0], { initialCapital: 120_300, size: 240, sizeGranularity: 0.1 })
    expect(orders.size[0]).toBeCloseTo(239.9, 9)
  })

  test('the final capital equals the last equity', async () => {
    const { finalCapital, totalReturn } = await run([100, 100.00000005], [1, 0], [0, 1], { initialCapital: 1000 })
    expect(finalCapital).toBe(1000.0000004999999)
    expect(totalReturn).toBeCloseTo(5e-8, 12)
  })

  test('constant returns have no Sharpe ratio, whatever the risk-free rate', async () => {
    for (const riskFree of [0, 0.02, 0.1, -0.01]) {
      const none = [0, 0, 0, 0, 0]
      expect((await run([10, 10, 10, 10, 10], none, none, { riskFree })).metrics.sharpeRatio).toBeNull()
    }
  })

  test('a loss on the first bar is not a drawdown', async () => {
    const { equityCurve, metrics } = await run([100, 100], [1, 0], [0, 0], { initialCapital: 1000, fees: 0.1 })
    expect(equityCurve[1]).toBeCloseTo(1000 / 1.1, 9)
    expect(metrics.maxDrawdown).toBe(0)
  })

  test('with negative equity, return and drawdown use the equity', async () => {
    const options = { initialCapital: 1000, direction: 'shortOnly' } as const
    const { equityCurve, metrics } = await run([100, 150, 250, 300], [1, 0, 0, 0], [0, 0, 0, 0], options)
    expect([...equityCurve]).toEqual([1000, 500, -500, -1000])
    expect([metrics.totalReturn, metrics.maxDrawdown]).toEqual([-200, 200])
  })

  test('a fill below 1e-12 units is an order but not a trade, and a fill of size 0 is neither', async () => {
    const dust = await run([1e6, 2e6, 3e6], [1, 0, 0], [0, 0, 1], { initialCapital: 9e-7, minSize: 0 })
    expect([dust.orders.bar.length, dust.trades.entryBar.length]).toEqual([1, 0])
    const nothing = await run([100, 100], [1, 0], [0, 1], {
      initialCapital: 50,
      size: 1,
      sizeGranularity: 1,
      minSize: 0,
    })
    expect([nothing.orders.bar.length, nothing.metrics.unexecutedSignals]).toEqual([0, 2])
  })
})

test('docs/vectorbt.md names every setting', () => {
  const types = readFileSync(join(ROOT, 'index.d.ts'), 'utf8')
  const [, block = ''] = types.match(/export interface SimulationOptions \{([\s\S]*?)\n\}/) ?? []
  const names = [...block.matchAll(/^ {2}(\w+)\?:/gm)].map(([, name]) => name)
  expect(names.length).toBeGreaterThan(20)
  const missing = names.filter((name) => !PAGE.includes(`\`${name}\``))
  expect(missing, 'name them in docs/vectorbt.md, with what vectorbt calls them').toEqual([])
})
