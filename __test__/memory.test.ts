import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { ROOT } from './support.js'

/** Runs long simulations and reports the memory of the process in MB: before, after, and once it has been idle. */
const PROGRAM = `
  const { setTimeout: sleep } = require('node:timers/promises')
  const { simulateSignals } = require(${JSON.stringify(ROOT)})
  const bars = 1_000_000
  const close = Float64Array.from({ length: bars }, (_, bar) => 100 + Math.sin(bar / 50))
  const entries = Uint8Array.from({ length: bars }, (_, bar) => Number(bar % 400 === 0))
  const exits = Uint8Array.from({ length: bars }, (_, bar) => Number(bar % 400 === 200))
  const memory = async () => {
    // Arrays are returned to the addon some turns after they were collected.
    for (let turn = 0; turn < 5; turn++) {
      gc()
      await sleep(20)
    }
    return process.memoryUsage.rss() / 2 ** 20
  }
  const runs = async (count) => {
    for (let run = 0; run < count; run++) await simulateSignals({ close, entries, exits, initialCapital: 1000 })
    return memory()
  }
  ;(async () => {
    const before = await memory()
    const few = await runs(3)
    const many = await runs(60)
    await sleep(11_000)
    console.log(JSON.stringify([before, few, many, await memory()]))
  })()`

test('memory of long runs is reused, and returned to the system when idle', { timeout: 60_000 }, () => {
  const { stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', '-e', PROGRAM], { encoding: 'utf8' })
  expect(stderr).toBe('')
  const [before = 0, few = 0, many = 0, idle = 0] = JSON.parse(stdout) as number[]
  // 60 runs allocated 60 curves of 8 MB and as many copies of the closes; at most 192 MB are kept for reuse.
  expect(many - few).toBeLessThan(250)
  // Some blocks must have been kept, or the test would not check that they are returned.
  expect(many - idle).toBeGreaterThan(8)
  expect(idle - before).toBeLessThan(100)
})
