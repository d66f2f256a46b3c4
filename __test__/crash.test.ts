/** Kills a few working processes; `npm run crash` kills hundreds. */

import { expect, test } from 'vitest'
import { crash } from '../scripts/crash/crash.mjs'
import { server } from './postgres.js'

test.each(['sqlite', 'postgres'] as const)(
  'killed processes on a shared store (%s) leave everything they reported, and nothing incomplete',
  { timeout: 180_000 },
  async (store) => {
    const report = await crash({ kills: 4, seed: 20, store, server: server() })
    expect(report.problems).toEqual([])
    expect(report.kills).toBe(4)
    expect(report.verified['reported runs']).toBeGreaterThan(0)
    expect(report.verified.sweeps).toBeGreaterThan(0)
    expect(report.verified['openings of an empty store']).toBe(1)
  },
)
