/** Counts which pairs of settings occurred together. */

/** Classifies settings whose values are not choices. */
const NUMBERS = [
  'fees',
  'fixedFees',
  'size',
  'minSize',
  'maxSize',
  'sizeGranularity',
  'slStop',
  'tpStop',
  'slippage',
  'riskFree',
]
const CHOICES = {
  sizeType: 3,
  direction: 3,
  accumulate: 4,
  uponLongConflict: 5,
  uponShortConflict: 5,
  uponDirConflict: 5,
  uponOppositeEntry: 5,
  stopEntryPrice: 4,
  stopExitPrice: 4,
  uponStopExit: 4,
  uponStopUpdate: 3,
  execution: 2,
}
const SWITCHES = ['slTrail', 'lockCash', 'allowPartial']

export class Coverage {
  /** @type {Set<string>} */
  #pairs = new Set()

  /** @param {import('./compare.mjs').Case} one */
  add({ options }) {
    const labels = Object.entries(options).flatMap(([name, value]) => {
      if (typeof value === 'string') return [`${name}=${value}`]
      if (typeof value === 'boolean') return [`${name}`]
      return NUMBERS.includes(name) ? [`${name}${value === 0 ? '_zero' : ''}`] : []
    })
    labels.sort()
    for (const [at, label] of labels.entries()) {
      for (const other of labels.slice(at + 1)) this.#pairs.add(`${label} ${other}`)
    }
  }

  toString() {
    const values = [...Object.values(CHOICES)]
    let possible = 0
    for (const [at, count] of values.entries()) {
      for (const other of values.slice(at + 1)) possible += count * other
      possible += count * SWITCHES.length
    }
    possible += (SWITCHES.length * (SWITCHES.length - 1)) / 2
    const isNumber = (/** @type {string} */ label) => NUMBERS.some((name) => label === name || label === `${name}_zero`)
    const choices = [...this.#pairs].filter((pair) => !pair.split(' ').some(isNumber))
    return `${choices.length} of ${possible} pairs of choices and switches met, ${this.#pairs.size} pairs with the numbers`
  }
}
