/**
 * Random sweeps on real bars: each combination has the metrics of its run, and the bytes do not depend on the threads.
 * `npm run test:sweeps` compares more of them.
 */

import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { Checked, checkSweep } from '../scripts/sweeps/check.mjs'
import { randomSweep } from '../scripts/sweeps/random-sweep.mjs'
import { newStore } from '../scripts/sweeps/store.mjs'
import { folder, inProcess, ROOT } from './support.js'

async function store() {
  const dataDir = folder()
  const { engine, metricNames } = await newStore(dataDir)
  onTestFinished(() => engine.close())
  return { dataDir, engine, metricNames }
}

test('each combination of a random sweep has the metrics of its run', { timeout: 120_000 }, async () => {
  const { engine, metricNames } = await store()
  const all = new Checked()
  for (let index = 0; index < 150; index++) {
    const checked = await checkSweep(engine, randomSweep(20_261, index, metricNames))
    checked.differences = checked.differences.slice(0, 3).map((difference) => `case ${index}: ${difference}`)
    all.add(checked)
  }
  expect(all.differences).toEqual([])
  // The test compares what it says.
  expect(all.combinations).toBeGreaterThan(600)
  expect(all.trades).toBeGreaterThan(5000)
  expect(all.numbers).toBeGreaterThan(20_000)
  expect(all.refused).toBeLessThan(30)
})

test('sweeps have the same bytes on any number of threads, whole and in parts', { timeout: 120_000 }, async () => {
  const { dataDir, engine } = await store()
  await engine.close()
  const url = (name: string) => JSON.stringify(pathToFileURL(join(ROOT, 'scripts', 'sweeps', name)).href)
  const program = `
    const [{ digests }, { openStore }] = [await import(${url('digest.mjs')}), await import(${url('store.mjs')})]
    const { engine, metricNames } = await openStore(${JSON.stringify(dataDir)})
    console.log(JSON.stringify(await digests(engine, metricNames, 5, 40)))
    await engine.close()`
  const digests: string[][] = []
  for (const threads of ['1', '2', '8']) {
    const { status, stdout, stderr } = await inProcess(program, { environment: { RAYON_NUM_THREADS: threads } })
    expect(status, stderr).toBe(0)
    digests.push(JSON.parse(stdout))
  }
  const [one, two, eight] = digests
  expect(one).toHaveLength(41)
  expect(one?.filter((digest) => /^[0-9a-f]{64}$/.test(digest)).length).toBeGreaterThan(30)
  expect(two).toEqual(one)
  expect(eight).toEqual(one)
})
