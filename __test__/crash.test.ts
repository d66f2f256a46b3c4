/** Kills a few working processes; `npm run crash` kills hundreds. */

import { expect, test } from 'vitest'
import { crash } from '../scripts/crash/crash.mjs'
import { server } from './postgres.js'

test.each(['sqlite', 'postgres'] as const)(
  'processes that are killed while they share a store (%s) leave all that they reported, and nothing by half',
  { timeout: 180_000 },
  async (store) => {
    const report = await crash({ kills: 4, seed: 20, store, server: server() })
    expect(report.problems).toEqual([])
    expect(report.kills).toBe(4)
    expect(report.verified['reported runs']).toBeGreaterThan(0)
    expect(report.verified['openings of an empty store']).toBe(1)
  },
)
