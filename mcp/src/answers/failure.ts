/** Error results of tools: the code, every problem, and what to do next. Never a stack trace. */

import type { CallToolResult } from '@modelcontextprotocol/server'
import type { z } from 'zod'
import { fieldsToSnakeCase } from '../arguments/field-names.js'
import type { Engine } from '../engine.js'
import { logDefect } from '../log.js'
import { TooManyRunsError } from '../runs.js'
import { singleLine } from '../single-line.js'
import { fittingSplit } from './periods.js'

/** One problem with its location, in the form of the engine's issues. */
export interface Issue {
  path: string
  code: string
  message: string
}

/** A call that failed. */
export interface Failure {
  code: string
  message: string
  retryable: boolean
  issues: Issue[]
}

/** What to do about a run of another process. */
export const WHO_CAN_STOP =
  'Stop it where it was started: its client can cancel it, and the operator can end its process, after which the store says so.'

/** Thrown for arguments that do not fit together. The message is for the caller. */
export class ArgumentError extends Error {
  readonly path: string

  constructor(path: string, message: string) {
    super(message)
    this.path = path
  }
}

/** Issues, known ids and known assets that an error text lists. */
const MAX_IN_TEXT = 20

/** Issues that a schema check reports one by one. */
const MAX_ISSUES = 100

/** Converts any error to a failure. An error that does not come from the engine is a bug: its text only goes to the log. */
export function toFailure(error: unknown, names: (message: string) => string = fieldsToSnakeCase): Failure {
  if (isCancelled(error)) {
    return { code: 'ABORT_ERR', message: 'the run was cancelled', retryable: false, issues: [] }
  }
  if (isEngineError(error)) {
    const issues = error.issues.map(({ path, code, message }) => ({
      path: singleLine(names(path)),
      code,
      message: singleLine(names(message)),
    }))
    return { code: error.code, message: singleLine(names(error.message)), retryable: error.retryable, issues }
  }
  if (error instanceof TooManyRunsError) {
    return { code: 'LIMIT_EXCEEDED', message: error.message, retryable: true, issues: [] }
  }
  if (error instanceof ArgumentError) {
    const { path, message } = error
    const issues = [{ path, code: 'conflict', message }]
    return { code: 'INVALID_ARGUMENT', message, retryable: false, issues }
  }
  logDefect(error)
  return {
    code: 'INTERNAL',
    message: 'internal error; the log of the server has the details',
    retryable: false,
    issues: [],
  }
}

/** Converts the errors of an argument schema to a failure. */
export function argumentFailure(error: z.ZodError): Failure {
  const issues = issuesOf(error)
  const message = singleLine(issues.map((issue) => issue.message).join('; '))
  return { code: 'INVALID_ARGUMENT', message, retryable: false, issues }
}

/** Lists the errors of a schema, one per unknown field. Beyond the first hundred, reports only their number. */
export function issuesOf(error: z.ZodError): Issue[] {
  const all = allIssuesOf(error)
  if (all.length <= MAX_ISSUES) return all
  const more = all.length - MAX_ISSUES
  const last = { path: '', code: 'more', message: `… and ${more} more ${more === 1 ? 'problem' : 'problems'}` }
  return [...all.slice(0, MAX_ISSUES), last]
}

function allIssuesOf(error: z.ZodError): Issue[] {
  return error.issues.flatMap((issue) => {
    const path = issue.path.map(String).join('.')
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => {
        const place = singleLine(path === '' ? key : `${path}.${key}`)
        return { path: place, code: 'unknown', message: `${place} is not a known field` }
      })
    }
    const code = issue.code === 'invalid_type' ? 'type' : issue.code === 'invalid_value' ? 'choice' : 'range'
    return [
      {
        path: singleLine(path),
        code,
        message: singleLine(`${path === '' ? 'the arguments' : path}: ${issue.message}`),
      },
    ]
  })
}

/** Builds the error result of a tool. `next` says how to recover. */
export function failureResult(failure: Failure, next: string): CallToolResult {
  const { code, message, issues } = failure
  // The message joins all issues. With several issues, a list is easier to read.
  const isList = issues.length > 1
  const more = issues.length > MAX_IN_TEXT ? [`- … and ${issues.length - MAX_IN_TEXT} more`] : []
  const lines = [
    `${code}: ${isList ? `${issues.length} problems` : message}`,
    ...(isList ? issues.slice(0, MAX_IN_TEXT).map((issue) => `- ${issue.message}`) : []),
    ...more,
    `Next: ${next}`,
  ]
  return {
    isError: true,
    content: [{ type: 'text', text: lines.join('\n') }],
    // For programs. Structured content is not possible: it would have to match the schema of a successful result.
    _meta: { error: { ...failure, issues: issues.slice(0, MAX_IN_TEXT), next_step: next } },
  }
}

/** Builds the error result for an unknown backtest id. */
export async function backtestNotFound(engine: Engine, backtestId: string): Promise<CallToolResult> {
  const message = singleLine(`there is no backtest with id ${JSON.stringify(backtestId)}`)
  const failure = { code: 'NOT_FOUND', message, retryable: false, issues: [] }
  return failureResult(failure, await nextStep(engine, failure))
}

/** Builds the error result for an unknown sweep id. */
export async function sweepNotFound(engine: Engine, sweepId: string): Promise<CallToolResult> {
  const message = singleLine(`there is no sweep with id ${JSON.stringify(sweepId)}`)
  const failure = { code: 'NOT_FOUND', message, retryable: false, issues: [] }
  return failureResult(failure, await sweepNextStep(engine, failure))
}

/** Says how to recover from a failure of a sweep. */
export async function sweepNextStep(engine: Engine, failure: Failure): Promise<string> {
  if (failure.code === 'LIMIT_EXCEEDED' && !failure.retryable) {
    return 'use fewer values, constraints or a sample, fewer metrics, or a shorter range; only the operator can raise the limit'
  }
  if (failure.code !== 'NOT_FOUND') return nextStep(engine, failure)
  try {
    const ids = (await engine.listSweeps({ limit: 5 })).map(({ sweepId }) => sweepId)
    return ids.length === 0
      ? 'no sweeps are kept yet: start one with run_sweep'
      : `call get_sweep without sweep_id for a list; newest ids: ${join(ids)}`
  } catch {
    return 'call get_sweep without sweep_id for a list'
  }
}

/** The part of a request that decides which range fits the limits. */
export interface Asked {
  assetSymbol: string
  timeframe?: string
}

/** Says how to recover from a failure. Lists the known ids or assets if that helps. */
export async function nextStep(engine: Engine, failure: Failure, asked?: Asked): Promise<string> {
  try {
    switch (failure.code) {
      case 'LIMIT_EXCEEDED': {
        if (failure.retryable || asked === undefined) break
        const split = await fittingSplit(engine, asked.assetSymbol, asked.timeframe)
        if (split !== undefined) return `use a shorter range or a coarser timeframe: ${split}`
        break
      }
      case 'UNKNOWN_STRATEGY': {
        const ids = (await engine.listStrategies()).map(({ id }) => id)
        return `use a known id, or pass a definition as \`strategy\`; known ids: ${join(ids)}`
      }
      case 'NO_DATA': {
        const assets = await engine.listAssets()
        if (assets.length === 0) return 'no bars are stored yet: ask the operator to import some'
        return `use an asset and a range from list_assets; known assets: ${join(assets.map(({ assetSymbol }) => assetSymbol))}`
      }
      case 'NOT_FOUND': {
        const ids = (await engine.listBacktests({ limit: 5 })).map(({ backtestId }) => backtestId)
        return ids.length === 0
          ? 'there are no backtests yet: start one with run_backtest'
          : `use an id from list_backtests; newest ids: ${join(ids)}`
      }
    }
  } catch {
    // The list of known ids cannot be read. The failure itself is still reported.
  }
  switch (failure.code) {
    case 'INVALID_ARGUMENT': {
      const isDate = failure.issues.some(({ path }) => path === 'start_date' || path === 'end_date')
      return `correct the fields named above and call again${isDate ? '; write dates as year, month and day: "2019-01-31"' : ''}`
    }
    case 'LIMIT_EXCEEDED':
      if (failure.retryable)
        return 'wait until some backtests have ended (list_backtests), or stop some with cancel_backtest'
      return 'use a shorter range or a coarser timeframe; only the operator can raise the limit'
    case 'BAD_DATA':
      return 'use another asset or range, and inform the operator: the stored bars need correction'
    case 'ABORT_ERR':
      return 'nothing to do; start the run again if you still need it'
    case 'CLOSED':
      return 'the server is shutting down: connect again'
    default:
      return failure.retryable ? 'try again in a few seconds' : 'do not repeat the call; inform the operator'
  }
}

/** Returns whether an error means that the caller cancelled the operation. */
export function isCancelled(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}

/** Does not check the class: the engine may come from another copy of the package. */
function isEngineError(error: unknown): error is Error & Failure {
  return error instanceof Error && error.name === 'BacktestError' && 'code' in error && 'issues' in error
}

function join(names: string[]): string {
  const more = names.length > MAX_IN_TEXT ? `, … (${names.length} in all)` : ''
  return `${names.slice(0, MAX_IN_TEXT).map(singleLine).join(', ')}${more}`
}
