/** What goes wrong outside of an answer, on standard error: bounded lines, and not more than anybody can read. */

import { inLine } from './text.js'

/** Errors a second. A hostile client must not fill the disk that keeps the log. */
const MOST = 20

let second = 0
let written = 0
let leftOut = 0

/** Logs an error in one line: what a caller sent may be part of its message, and must not pass for a line of its own. */
export function note(error: unknown): void {
  write([titleOf(error)])
}

/** Logs a defect of the server with its stack. */
export function noteDefect(error: unknown): void {
  const stack = error instanceof Error && typeof error.stack === 'string' ? error.stack : ''
  const frames = stack.split('\n').filter((line) => /^\s+at /.test(line))
  write([titleOf(error), ...frames.slice(0, 20)])
}

function titleOf(error: unknown): string {
  try {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  } catch {
    // Whatever can be thrown can have getters that throw, or no text.
    return 'an error that cannot be shown'
  }
}

function write(lines: string[]): void {
  const now = Math.floor(performance.now() / 1000)
  if (now !== second) {
    if (leftOut > 0) console.error(`… and ${leftOut} more errors, which were not logged`)
    second = now
    written = 0
    leftOut = 0
  }
  if (written >= MOST) {
    leftOut += 1
    return
  }
  written += 1
  console.error(lines.map(inLine).join('\n'))
}
