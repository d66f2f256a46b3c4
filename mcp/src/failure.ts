/** What a caller is told when a call fails: what is wrong, where, and what to do next. Never a stack. */

import type { CallToolResult } from '@modelcontextprotocol/server'
import type { z } from 'zod'
import type { Engine } from './engine.js'
import { noteDefect } from './log.js'
import { inSnake } from './names.js'
import { TooManyRuns } from './runs.js'
import { inLine } from './text.js'

/** One problem at one place, as the engine's issues are. */
export interface Problem {
  path: string
  code: string
  message: string
}

/** A call that failed. */
export interface Failure {
  code: string
  message: string
  retryable: boolean
  issues: Problem[]
}

/** So many issues, known ids and assets are named. */
const MOST = 20

/** So many problems are listed one by one for programs, and where they are the answer. */
const MOST_LISTED = 100

/** Reads any error as a failure. What the engine did not make is a defect, and its text stays here. */
export function failureOf(error: unknown, names: (message: string) => string = inSnake): Failure {
  if (isCancelled(error)) {
    return { code: 'ABORT_ERR', message: 'the run was cancelled', retryable: false, issues: [] }
  }
  if (isEngineError(error)) {
    const issues = error.issues.map(({ path, code, message }) => ({
      path: inLine(names(path)),
      code,
      message: inLine(names(message)),
    }))
    return { code: error.code, message: inLine(names(error.message)), retryable: error.retryable, issues }
  }
  if (error instanceof TooManyRuns) {
    return { code: 'LIMIT_EXCEEDED', message: error.message, retryable: true, issues: [] }
  }
  noteDefect(error)
  return { code: 'INTERNAL', message: 'an error inside the server, noted in its log', retryable: false, issues: [] }
}

/** Reads what a schema found wrong with arguments. */
export function failureOfArguments(error: z.ZodError): Failure {
  const issues = problemsOf(error)
  const message = inLine(issues.map((issue) => issue.message).join('; '))
  return { code: 'INVALID_ARGUMENT', message, retryable: false, issues }
}

/** Lists what a schema found wrong, each unknown name by itself: the first hundred, and how many more there are. */
export function problemsOf(error: z.ZodError): Problem[] {
  const all = allProblemsOf(error)
  if (all.length <= MOST_LISTED) return all
  const more = { path: '', code: 'more', message: `… and ${all.length - MOST_LISTED} more problems` }
  return [...all.slice(0, MOST_LISTED), more]
}

function allProblemsOf(error: z.ZodError): Problem[] {
  return error.issues.flatMap((issue) => {
    const path = issue.path.map(String).join('.')
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => {
        const place = inLine(path === '' ? key : `${path}.${key}`)
        return { path: place, code: 'unknown', message: `${place} is not known here` }
      })
    }
    const code = issue.code === 'invalid_type' ? 'type' : issue.code === 'invalid_value' ? 'choice' : 'range'
    return [{ path: inLine(path), code, message: inLine(`${path === '' ? 'the arguments' : path}: ${issue.message}`) }]
  })
}

/** Tells a failure as the result of a tool. `next` says what to do about it. */
export function failed(failure: Failure, next: string): CallToolResult {
  const { code, message, issues } = failure
  // A single issue is the message; several are told one by one, and the message, which strings them together, is left out.
  const several = issues.length > 1
  const more = issues.length > MOST ? [`- … and ${issues.length - MOST} more`] : []
  const lines = [
    `${code}: ${several ? `${issues.length} problems` : message}`,
    ...(several ? issues.slice(0, MOST).map((issue) => `- ${issue.message}`) : []),
    ...more,
    `Next: ${next}`,
  ]
  return {
    isError: true,
    content: [{ type: 'text', text: lines.join('\n') }],
    // For programs: the text is for models, and structured content would have to match the schema of a success.
    _meta: { error: { ...failure, issues: issues.slice(0, MOST), next_step: next } },
  }
}

/** Tells that there is no backtest with an id. */
export async function unknownBacktest(engine: Engine, backtestId: string): Promise<CallToolResult> {
  const message = inLine(`there is no backtest with id ${JSON.stringify(backtestId)}`)
  const failure = { code: 'NOT_FOUND', message, retryable: false, issues: [] }
  return failed(failure, await nextStep(engine, failure))
}

/** Says what to do about a failure, with what is known instead. */
export async function nextStep(engine: Engine, failure: Failure): Promise<string> {
  try {
    switch (failure.code) {
      case 'UNKNOWN_STRATEGY': {
        const ids = (await engine.listStrategies()).map(({ id }) => id)
        return `use a known id or give a definition as \`strategy\`; known ids: ${some(ids)}`
      }
      case 'NO_DATA': {
        const assets = await engine.listAssets()
        if (assets.length === 0) return 'no bars are stored yet: the operator has to import some'
        return `use an asset and a range that list_assets shows; known assets: ${some(assets.map(({ assetSymbol }) => assetSymbol))}`
      }
      case 'NOT_FOUND': {
        const ids = (await engine.listBacktests({ limit: 5 })).map(({ backtestId }) => backtestId)
        return ids.length === 0
          ? 'no backtests are kept: start one with run_backtest'
          : `use an id that list_backtests shows; newest known ids: ${some(ids)}`
      }
    }
  } catch {
    // What would have helped cannot be read: the failure itself is told all the same.
  }
  switch (failure.code) {
    case 'INVALID_ARGUMENT':
      return 'correct what is named above and call again'
    case 'LIMIT_EXCEEDED':
      if (failure.retryable) return 'wait for some of them to end (list_backtests), or stop some with cancel_backtest'
      return 'ask for less (a shorter range, a coarser timeframe); only the operator can raise the limit'
    case 'BAD_DATA':
      return 'use another asset or range, and tell the operator: the stored bars have to be corrected'
    case 'ABORT_ERR':
      return 'nothing; start it again if it is still wanted'
    case 'CLOSED':
      return 'the server is shutting down: connect again'
    default:
      return failure.retryable ? 'try again in some seconds' : 'do not repeat the call; tell the operator'
  }
}

/** Whether a promise was rejected because its caller stopped it. */
export function isCancelled(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}

/** The class is not asked for: the engine may come from another copy of the package. */
function isEngineError(error: unknown): error is Error & Failure {
  return error instanceof Error && error.name === 'BacktestError' && 'code' in error && 'issues' in error
}

function some(names: string[]): string {
  const more = names.length > MOST ? `, … (${names.length} in all)` : ''
  return `${names.slice(0, MOST).map(inLine).join(', ')}${more}`
}
