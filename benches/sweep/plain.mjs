/**
 * Sweeps of the hand-written loop, in a process of their own.
 *
 * Requests: {"load": FILE, "bars": N} as in addon.mjs; {"combinations": [[FAST, SLOW], …]} runs them and answers with the times and
 * the metrics.
 */

import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { smaCrossover } from '../plain.mjs'

const TERMS = { initialCapital: 1_000_000, fees: 0.001, slippage: 0.001, barsAYear: 365 * 1440 }
let close = new Float64Array(0)

function run(combinations) {
  const { cpu: cpuBefore, wall } = { cpu: process.cpuUsage(), wall: performance.now() }
  const results = combinations.map(([fast, slow]) => {
    const { totalReturn, sharpeRatio, maxDrawdown, trades } = smaCrossover(close, fast, slow, TERMS)
    return [totalReturn, sharpeRatio, maxDrawdown, trades]
  })
  const seconds = (performance.now() - wall) / 1000
  const { user, system } = process.cpuUsage(cpuBefore)
  return { seconds, cpu: (user + system) / 1e6, results, peak: process.resourceUsage().maxRSS * 1024 }
}

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line)
  if ('load' in request) {
    const bytes = readFileSync(request.load)
    close = new Float64Array(
      bytes.buffer.slice(bytes.byteOffset + 4 * request.bars * 8, bytes.byteOffset + 5 * request.bars * 8),
    )
    console.log('{}')
  } else console.log(JSON.stringify(run(request.combinations)))
}
