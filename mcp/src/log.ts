/** What goes wrong outside of an answer, on standard error: one bounded line each, and not more than anybody can read. */

import { inLine } from './text.js'

/** Lines a second. A hostile client must not fill the disk that keeps the log. */
const MOST = 20

let second = 0
let written = 0
let leftOut = 0

/** Logs an error. What a caller sent may be part of its message, so control characters are taken out. */
export function note(error: unknown): void {
  write(error instanceof Error ? `${error.name}: ${error.message}` : String(error))
}

/** Logs a defect of the server with its stack. */
export function noteDefect(error: unknown): void {
  write(error instanceof Error ? (error.stack ?? `${error.name}: ${error.message}`) : String(error))
}

function write(text: string): void {
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
  console.error(text.split('\n', 20).map(inLine).join('\n'))
}
