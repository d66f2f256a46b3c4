import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { simulateSignals } from '../index.js'
import { type Case, compare, requestOf } from '../scripts/oracle/compare.mjs'
import { failure, ROOT } from './support.js'

/** Metrics that only runs of one direction without stops have a reference for. */
const SOMETIMES_WITHOUT_REFERENCE = ['unexecutedSignals']

/** A case as written by scripts/oracle/generate.py: signals are strings of one character per bar, columns are arrays. */
type Written = Record<string, unknown> & { case: number; expected: Case['expected'] }

const FOLDER = join(ROOT, '__test__', 'reference', 'simulation')
const files = readdirSync(FOLDER).filter((name) => name.endsWith('.json.gz'))

test('there are reference files', () => {
  expect(files.length).toBeGreaterThanOrEqual(3)
})

describe.each(files)('%s', (name) => {
  const cases: Written[] = JSON.parse(gunzipSync(readFileSync(join(FOLDER, name))).toString()).cases
  const [answered, raised] = [
    cases.filter(({ expected }) => !expected.error),
    cases.filter(({ expected }) => expected.error),
  ]

  test('every order, trade, equity value and metric equals that of vectorbt', async () => {
    const faults: string[] = []
    let [orders, numbers, rounded, unknown] = [0, 0, 0, 0]
    const withoutReference = new Set<string>()
    const withReference = new Set<string>()
    for (const one of answered.map(read)) {
      const result = await simulateSignals(requestOf(one))
      const compared = compare(one, result)
      const reference = one.expected.metrics ?? {}
      for (const name of Object.keys(reference)) withReference.add(name)
      for (const name of Object.keys(result.metrics)) if (!(name in reference)) withoutReference.add(name)
      orders += result.orders.bar.length
      numbers += compared.numbers
      rounded += compared.rounded
      unknown += compared.unknown
      faults.push(
        ...compared.differences.map(
          ({ path, found, expected }) => `case ${one.case}: ${path} is ${found}, not ${expected}`,
        ),
      )
    }
    expect(faults.slice(0, 20), `${faults.length} differences`).toEqual([])
    expect([...withoutReference], 'add them to scripts/reference/vectorbt_metrics.py and run generate.py').toEqual(
      SOMETIMES_WITHOUT_REFERENCE,
    )
    for (const name of SOMETIMES_WITHOUT_REFERENCE) expect(withReference).toContain(name)
    expect(answered.length).toBeGreaterThan(900)
    expect(orders).toBeGreaterThan(2000)
    expect(numbers).toBeGreaterThan(70_000)
    // Differences that rounding explains must stay the exception.
    expect(rounded / numbers).toBeLessThan(0.002)
    expect(unknown / numbers).toBeLessThan(0.0005)
  })

  test('runs that raise in vectorbt are rejected, or filled without orders of size 0', async () => {
    for (const one of raised.map(read)) {
      const run = simulateSignals(requestOf(one))
      if (/order with size 0/.test(one.expected.error ?? '')) {
        expect(Math.min(...(await run).orders.size)).toBeGreaterThan(0)
      } else {
        expect((await failure(run, 'INVALID_ARGUMENT')).message).toMatch(/sizeType (percent|value)/)
      }
    }
  })
})

function read(written: Written): Case {
  const columns = Object.entries(written).map(([name, value]) => {
    if (typeof value === 'string') return [name, Uint8Array.from(value, Number)]
    return [name, Array.isArray(value) ? Float64Array.from(value) : value]
  })
  return Object.fromEntries(columns)
}
