/** Text of callers, made safe to show. */

/** Longer texts come from hostile callers and are cut. */
const LONGEST = 1000

/** Line breaks, control characters (ANSI escapes begin with one), and marks that turn the direction of what follows. */
const UNSAFE = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gu

/** Keeps what callers sent in one line of bounded length, so that it cannot pass for text of the server. */
export function inLine(text: string): string {
  // Cut first: what is thrown away need not be searched.
  const line = text.slice(0, LONGEST + 1).replace(UNSAFE, ' ')
  return text.length > LONGEST ? `${line.slice(0, LONGEST)}…` : line
}
