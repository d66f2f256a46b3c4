/**
 * Limits on the number of values and the nesting depth of a message, checked before it is parsed: validating a million values
 * against a schema takes far longer than parsing them, and would report a million errors.
 */

/** Values of one message, including nested ones. A large strategy definition has a few hundred. */
const MAX_VALUES = 10_000

/** Nesting depth of arrays and objects. */
const MAX_DEPTH = 64

/** Error text for a message that exceeds a limit. */
export const TOO_COMPLEX = `the message has more than ${MAX_VALUES} values or more than ${MAX_DEPTH} levels of nesting`

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a
const OPENING = [0x5b, 0x7b]
const CLOSING = [0x5d, 0x7d]
const SPACE = [0x20, 0x09, 0x0a, 0x0d]

/** Returns whether a text exceeds the limits. The text need not be valid JSON. */
export function isTooComplex(text: Uint8Array): boolean {
  let values = 1
  let depth = 0
  for (let index = 0; index < text.length; index++) {
    switch (text[index]) {
      case QUOTE:
        index = endOfString(text, index)
        break
      case COMMA:
        values += 1
        break
      case OPENING[0]:
      case OPENING[1]:
        values += 1
        depth += 1
        break
      case CLOSING[0]:
      case CLOSING[1]:
        depth -= 1
    }
    if (values > MAX_VALUES || depth > MAX_DEPTH) return true
  }
  return false
}

/** Returns whether a parsed value exceeds the limits. */
export function isTooComplexValue(value: unknown): boolean {
  const pending: [unknown, number][] = [[value, 0]]
  let values = 0
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const [current, depth] = next
    values += 1
    if (typeof current !== 'object' || current === null) continue
    const children = Object.values(current)
    if (depth >= MAX_DEPTH || values + pending.length + children.length > MAX_VALUES) return true
    for (const child of children) pending.push([child, depth + 1])
  }
  return false
}

/** Finds the id of a message without parsing it, so that a rejected request still gets its error response. */
export function findMessageId(text: Uint8Array): string | number | null {
  let depth = 0
  for (let index = 0; index < text.length; index++) {
    const byte = text[index] ?? 0
    if (OPENING.includes(byte)) depth += 1
    else if (CLOSING.includes(byte)) depth -= 1
    else if (byte === QUOTE) {
      const end = endOfString(text, index)
      if (depth === 1 && end === index + 3 && text[index + 1] === 0x69 && text[index + 2] === 0x64) {
        const colon = afterSpace(text, end + 1)
        if (text[colon] === COLON) return scalarAt(text, afterSpace(text, colon + 1))
      }
      index = end
    }
  }
  return null
}

function scalarAt(text: Uint8Array, start: number): string | number | null {
  const end = text[start] === QUOTE ? endOfString(text, start) + 1 : start + 30
  if (end - start > 1000) return null
  const found = Buffer.from(text.subarray(start, end)).toString('utf8')
  try {
    const id: unknown = JSON.parse(text[start] === QUOTE ? found : (/^-?\d+/.exec(found)?.[0] ?? ''))
    return typeof id === 'string' || typeof id === 'number' ? id : null
  } catch {
    return null
  }
}

function afterSpace(text: Uint8Array, start: number): number {
  let index = start
  while (SPACE.includes(text[index] ?? 0)) index += 1
  return index
}

/** Returns the index of the closing quote of the string that starts at `start`, or the length of the text. */
function endOfString(text: Uint8Array, start: number): number {
  for (let index = start + 1; index < text.length; index++) {
    if (text[index] === BACKSLASH) index += 1
    else if (text[index] === QUOTE) return index
  }
  return text.length
}
