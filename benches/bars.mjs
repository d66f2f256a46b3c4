/** Bars for benchmarks: a seeded random walk of minute bars, the same on every computer. */

/**
 * @param {number} count
 * @param {number} seed
 * @param {number} spread between the largest fall and the largest rise of a bar, a fraction
 */
export function randomBars(count, seed = 1, spread = 0.004) {
  const timestamps = new Float64Array(count)
  const open = new Float64Array(count)
  const high = new Float64Array(count)
  const low = new Float64Array(count)
  const close = new Float64Array(count)
  let state = seed >>> 0
  // Mulberry32: small, and integer arithmetic that is exact everywhere.
  const random = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
  let price = 100
  for (let bar = 0; bar < count; bar++) {
    timestamps[bar] = bar * 60_000
    open[bar] = price
    // A weak pull towards 100 keeps prices bounded over a million bars.
    price *= 1 + (random() - 0.5) * spread + (100 - price) * 1e-6
    close[bar] = price
    high[bar] = Math.max(open[bar], price) * (1 + random() * 0.001)
    low[bar] = Math.min(open[bar], price) * (1 - random() * 0.001)
  }
  return { timestamps, open, high, low, close }
}
