/** Logs errors to standard error, in lines of bounded length and at a limited rate. */

import { singleLine } from './single-line.js'

/** A hostile client must not fill the disk that holds the log. */
const MAX_ERRORS_PER_SECOND = 20

let second = 0
let written = 0
let dropped = 0

/** Logs an error as one line: its message may quote a caller's input, which must not look like a log line of its own. */
export function logError(error: unknown): void {
  write([describe(error)])
}

/** Logs a bug in the server with its stack. */
export function logDefect(error: unknown): void {
  const stack = error instanceof Error && typeof error.stack === 'string' ? error.stack : ''
  const frames = stack.split('\n').filter((line) => /^\s+at /.test(line))
  write([describe(error), ...frames.slice(0, 20)])
}

function describe(error: unknown): string {
  try {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  } catch {
    // A thrown value may have getters that throw, or no string form.
    return 'an error that cannot be converted to text'
  }
}

function write(lines: string[]): void {
  const now = Math.floor(performance.now() / 1000)
  if (now !== second) {
    if (dropped > 0) console.error(`… and ${dropped} more ${dropped === 1 ? 'error' : 'errors'}, not logged`)
    second = now
    written = 0
    dropped = 0
  }
  if (written >= MAX_ERRORS_PER_SECOND) {
    dropped += 1
    return
  }
  written += 1
  console.error(lines.map(singleLine).join('\n'))
}
