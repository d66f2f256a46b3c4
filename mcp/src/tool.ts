/** Defines and registers tools. Checks arguments, and turns every error into an error result instead of throwing. */

import type { CallToolResult, McpServer, ServerContext, ToolAnnotations } from '@modelcontextprotocol/server'
import type { z } from 'zod'
import { ArgumentError, argumentFailure, type Failure, failureResult, nextStep, toFailure } from './answers/failure.js'
import { nearestName } from './arguments/nearest.js'
import { inputSchemaOf, outputSchemaOf } from './arguments/schemas.js'
import type { Engine } from './engine.js'
import type { Runs } from './runs.js'
import type { Settings } from './server-options.js'

/** What tools have access to. */
export interface Context {
  engine: Engine
  runs: Runs
  settings: Settings
  server: McpServer
}

/** One tool. */
export interface Tool<Arguments extends z.ZodObject = z.ZodObject> {
  name: string
  title: string
  /** What the tool does, its side effects and limits, and when not to use it. */
  description: string
  arguments: Arguments
  /** The schema to publish, if the tool accepts more than it should be called with. Default: `arguments`. */
  publishedArguments?: z.ZodObject
  result: z.ZodObject
  annotations: ToolAnnotations
  call(args: z.output<Arguments>, context: Context, request: ServerContext): Promise<CallToolResult>
  /** Converts the field names in messages of the engine. Default: `fieldsToSnakeCase`. */
  names?: (message: string) => string
}

/** A tool whose schemas have been converted, once per process. */
export interface Registration {
  name: string
  register(context: Context): void
}

/** Prepares a tool for registration. */
export function defineTool<Arguments extends z.ZodObject>(definition: Tool<Arguments>): Registration {
  const { name, title, description, annotations, names } = definition
  const inputSchema = inputSchemaOf(definition.publishedArguments ?? definition.arguments)
  const outputSchema = outputSchemaOf(definition.result)
  return {
    name,
    register(context) {
      const config = { title, description, inputSchema, outputSchema, annotations: { title, ...annotations } }
      context.server.registerTool(name, config, async (given, request) => {
        try {
          const { success, data, error } = definition.arguments.safeParse(withoutNulls(given))
          if (!success) {
            const failure = argumentFailure(error)
            const known = Object.keys(definition.arguments.shape)
            return failureResult(
              failure,
              `${suggestionsFor(failure, known)}correct the fields named above and call again; arguments of ${name}: ${known.join(', ') || 'none'}`,
            )
          }
          return await definition.call(data, context, request)
        } catch (error) {
          const failure = toFailure(error, names)
          return failureResult(failure, await nextStep(context.engine, failure))
        }
      })
    },
  }
}

/** Suggests an existing argument for each unknown one that resembles it. */
function suggestionsFor({ issues }: Failure, known: string[]): string {
  const unknown = issues.filter(({ code, path }) => code === 'unknown' && !path.includes('.')).slice(0, 5)
  const suggested = unknown.flatMap(({ path }) => {
    const near = nearestName(path, known)
    return near === undefined ? [] : [`${near} instead of ${path}`]
  })
  return suggested.length === 0 ? '' : `did you mean ${suggested.join(', ')}? `
}

/** Returns the id that a tool was called with. Throws an `ArgumentError` unless there is exactly one. */
export function eitherId(given: {
  backtest_id: string | undefined
  sweep_id: string | undefined
}): { backtestId: string } | { sweepId: string } {
  const { backtest_id, sweep_id } = given
  if (backtest_id !== undefined && sweep_id === undefined) return { backtestId: backtest_id }
  if (backtest_id === undefined && sweep_id !== undefined) return { sweepId: sweep_id }
  throw new ArgumentError('backtest_id', 'pass either backtest_id or sweep_id')
}

/** Drops arguments that are null: models send null for an argument that they leave out. */
export function withoutNulls(given: unknown): unknown {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return given ?? {}
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null))
}
