/** Suggests names for misspelled ones. */

import { toSnakeCase } from './field-names.js'

/** Longer names are not compared. */
const MAX_LENGTH = 50

/** Returns the known name that resembles a given one: the same in another case, or at most a third of its letters differ. */
export function nearestName(given: string, known: string[]): string | undefined {
  if (given.length > MAX_LENGTH) return undefined
  const name = toSnakeCase(given)
  let best: string | undefined
  let least = Math.max(1, Math.floor(name.length / 3)) + 1
  for (const candidate of known) {
    const distance = editDistance(name, candidate)
    if (distance < least) {
      least = distance
      best = candidate
    }
  }
  return best
}

/** Returns the number of letters to insert, delete, replace or swap with their neighbor. */
function editDistance(one: string, other: string): number {
  let before: number[] = []
  let last = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (let row = 1; row <= one.length; row++) {
    const current = [row]
    for (let column = 1; column <= other.length; column++) {
      const isSame = one[row - 1] === other[column - 1]
      let least = Math.min(
        Number(last[column]) + 1,
        Number(current[column - 1]) + 1,
        Number(last[column - 1]) + (isSame ? 0 : 1),
      )
      if (row > 1 && column > 1 && one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1]) {
        least = Math.min(least, Number(before[column - 2]) + 1)
      }
      current.push(least)
    }
    before = last
    last = current
  }
  return Number(last[other.length])
}
