/** Reads arguments that models write as text: numbers, flags, and JSON. */

import { isTooComplexValue } from '../json-limits.js'

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i

/** Longer text is not read as JSON. */
const MAX_LENGTH = 100_000

/** Deeper values are left as they are. */
const MAX_DEPTH = 4

/** Reads text that is unambiguously a number, a flag or JSON, also inside lists and objects. Leaves everything else as it is. */
export function readText(value: unknown, depth = 0): unknown {
  if (depth > MAX_DEPTH) return value
  if (typeof value === 'string') {
    const text = value.trim()
    if (NUMBER.test(text)) return Number(text)
    if (text === 'true' || text === 'false') return text === 'true'
    if (text === 'null') return null
    if (!/^[[{]/.test(text) || text.length > MAX_LENGTH) return value
    try {
      const parsed: unknown = JSON.parse(text)
      // The message was checked, but not what its texts contain.
      return isTooComplexValue(parsed) ? value : readText(parsed, depth + 1)
    } catch {
      return value
    }
  }
  if (Array.isArray(value)) return value.map((item) => readText(item, depth + 1))
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, readText(item, depth + 1)]))
  }
  return value
}
