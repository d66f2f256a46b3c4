/** Defines and registers tools. Checks arguments, and turns every error into an error result instead of throwing. */

import type { CallToolResult, McpServer, ServerContext, ToolAnnotations } from '@modelcontextprotocol/server'
import type { z } from 'zod'
import { ArgumentError, argumentFailure, type Failure, failureResult, nextStep, toFailure } from './answers/failure.js'
import { nearestArgument } from './arguments/nearest-argument.js'
import { readArguments } from './arguments/reading.js'
import { inputSchemaOf, outputSchemaOf } from './arguments/schemas.js'
import { questionFor, withAnswers } from './elicitation.js'
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
  /** Whether the tool changes what all users share: it is not offered to a single user. */
  isShared?: boolean
  /** Longest result that can be asked for, in characters, if it is longer than clients expect. */
  maxResultChars?: number
  /** Converts the field names in messages of the engine. Default: `fieldsToSnakeCase`. */
  names?: (message: string) => string
}

/** A tool whose schemas have been converted, once per process. */
export interface Registration {
  name: string
  /** Whether the tool changes what all users share. */
  isShared: boolean
  register(context: Context): void
}

/** Prepares a tool for registration. */
export function defineTool<Arguments extends z.ZodObject>(definition: Tool<Arguments>): Registration {
  const { name, title, description, annotations, names, maxResultChars } = definition
  const accepted = { everyone: definition.arguments, user: withoutUser(definition.arguments) }
  const published = definition.publishedArguments ?? definition.arguments
  const inputSchemas = { everyone: inputSchemaOf(published), user: inputSchemaOf(withoutUser(published)) }
  const outputSchema = outputSchemaOf(definition.result)
  // Claude Code writes longer results to a file, unless the tool says that they may be this long.
  const limit = maxResultChars === undefined ? {} : { _meta: { 'anthropic/maxResultSizeChars': maxResultChars } }
  return {
    name,
    isShared: definition.isShared ?? false,
    register(context) {
      const who = context.settings.userId === undefined ? 'everyone' : 'user'
      const inputSchema = inputSchemas[who]
      const schema = accepted[who]
      const config = { title, description, inputSchema, outputSchema, annotations, ...limit }
      context.server.registerTool(name, config, async (given, request) => {
        try {
          const read = readArguments(schema, withAnswers(given ?? {}, request))
          const { success, data, error } = schema.safeParse(read)
          if (!success) {
            const question = questionFor(error, schema, read, context, request)
            if (question !== undefined) return question
            const failure = argumentFailure(error)
            const known = Object.keys(schema.shape).join(', ') || 'none'
            const advice = suggestionsFor(failure, schema)
            return failureResult(
              failure,
              `${advice}correct the fields named above and call again; arguments of ${name}: ${known}`,
            )
          }
          return await definition.call(data as z.output<Arguments>, context, request)
        } catch (error) {
          const failure = toFailure(error, names)
          return failureResult(failure, await nextStep(context.engine, failure))
        }
      })
    },
  }
}

/** Returns a schema without the argument of the user, which a host sets itself. */
function withoutUser(schema: z.ZodObject): z.ZodObject {
  return 'user_id' in schema.shape ? schema.omit({ user_id: true }) : schema
}

/** Suggests an existing argument, anywhere in the schema, for each unknown one that resembles it. */
function suggestionsFor({ issues }: Failure, schema: z.ZodObject): string {
  const unknown = issues.filter(({ code }) => code === 'unknown').slice(0, 5)
  const suggested = unknown.flatMap(({ path }) => {
    const near = nearestArgument(path, schema)
    return near === undefined || near === path ? [] : [`${near} instead of ${path}`]
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
