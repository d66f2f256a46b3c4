/**
 * How much structure a message may have. It is looked at before anything is parsed: schemas take far longer over a million
 * values than JSON does, and errors about them would be a million, too.
 */

/** Values of one message, those inside others included. A strategy with everything has some hundred. */
const MOST_VALUES = 10_000

/** Lists and objects inside one another. */
const DEEPEST = 64

/** What is said of a message with more. */
export const TOO_COMPLEX = `the message has more than ${MOST_VALUES} values or more than ${DEEPEST} levels of them`

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a
const OPENING = [0x5b, 0x7b]
const CLOSING = [0x5d, 0x7d]
const SPACE = [0x20, 0x09, 0x0a, 0x0d]

/** Whether a text has more structure than a message may have. It need not be JSON. */
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
    if (values > MOST_VALUES || depth > DEEPEST) return true
  }
  return false
}

/** Whether a value that was parsed already has more structure than a message may have. */
export function isTooComplexValue(value: unknown): boolean {
  const left: [unknown, number][] = [[value, 0]]
  let values = 0
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const [one, depth] = next
    values += 1
    if (typeof one !== 'object' || one === null) continue
    const parts = Object.values(one)
    if (depth >= DEEPEST || values + left.length + parts.length > MOST_VALUES) return true
    for (const part of parts) left.push([part, depth + 1])
  }
  return false
}

/** Finds the id of a message that is not worth parsing, so that whoever waits for an answer gets one. */
export function idInText(text: Uint8Array): string | number | null {
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

/** Returns where a string ends that begins at an index, or the end of the text. */
function endOfString(text: Uint8Array, start: number): number {
  for (let index = start + 1; index < text.length; index++) {
    if (text[index] === BACKSLASH) index += 1
    else if (text[index] === QUOTE) return index
  }
  return text.length
}
