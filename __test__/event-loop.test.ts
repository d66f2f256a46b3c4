/** No call blocks the event loop for long. `npm run event-loop` measures it. */

import { describe, expect, test } from 'vitest'
import { type SignalsRequest, simulateSignals } from '../index.js'
import { measureAll } from '../scripts/event-loop.mjs'
import { newEngine, rejection, request, untyped, waves } from './support.js'

describe('a loop that awaits one small call after another', () => {
  const small = request({ bars: waves(100), persist: false, startDate: '2020-01-01' })
  const signals = {
    close: small.bars && 'close' in small.bars ? small.bars.close : [],
    entries: new Uint8Array(100),
    exits: new Uint8Array(100),
    initialCapital: 1,
  }

  test.each([
    ['runBacktest', (engine: ReturnType<typeof newEngine>) => engine.runBacktest(small)],
    ['a rejected runBacktest', (engine) => rejection(engine.runBacktest({ ...small, initialCapital: -1 }))],
    ['simulateSignals', () => simulateSignals(untyped<SignalsRequest>(signals))],
  ] as [string, (engine: ReturnType<typeof newEngine>) => Promise<unknown>][])(
    'lets the event loop turn: %s',
    async (_, work) => {
      const engine = newEngine()
      let turns = 0
      let isDone = false
      const turn = () => {
        turns += 1
        if (!isDone) setImmediate(turn)
      }
      setImmediate(turn)
      const until = performance.now() + 300
      while (performance.now() < until) await work(engine)
      isDone = true
      // The calls of each turn take a few milliseconds.
      expect(turns).toBeGreaterThan(5)

      // The first call after a turn settles before the next turn.
      await new Promise((resolve) => setImmediate(resolve))
      let hasTurned = false
      setImmediate(() => {
        hasTurned = true
      })
      await work(engine)
      expect(hasTurned).toBe(false)
    },
  )
})

test('no function blocks the event loop', async () => {
  const found = await measureAll({ calls: 2, runs: 1000 })
  expect(found.length).toBeGreaterThan(15)
  // A bound for busy machines; the figures of the script are a hundredth of it.
  for (const { name, max } of found) expect(max, name).toBeLessThan(500)
}, 60_000)
