/** Makes text from callers safe to print. */

/** Longer text is truncated. */
const MAX_LENGTH = 1000

/** Line breaks, control characters (ANSI escapes start with one), and bidirectional formatting characters. */
const UNSAFE = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gu

/** Turns a caller's text into one line of bounded length, so that it cannot be mistaken for the server's own text. */
export function singleLine(text: string): string {
  // Truncate first, so that the regular expression never sees a huge text.
  const line = text.slice(0, MAX_LENGTH + 1).replace(UNSAFE, ' ')
  return text.length > MAX_LENGTH ? `${line.slice(0, MAX_LENGTH)}…` : line
}
