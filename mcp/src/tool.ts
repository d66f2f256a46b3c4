/** What a tool is, and how it is registered: arguments are checked, failures are told, nothing is thrown at the SDK. */

import type { CallToolResult, McpServer, ServerContext, ToolAnnotations } from '@modelcontextprotocol/server'
import type { z } from 'zod'
import type { Engine } from './engine.js'
import { failed, failureOf, failureOfArguments, nextStep } from './failure.js'
import type { Runs } from './runs.js'
import { advertised, promised } from './schemas.js'
import type { Settings } from './settings.js'

/** What tools work with. */
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
  /** What it does, its side effects and limits, and when not to use it. */
  description: string
  arguments: Arguments
  /** What callers are shown of the arguments, where the tool itself checks more than `arguments` says. */
  shown?: z.ZodObject
  result: z.ZodObject
  annotations: ToolAnnotations
  call(args: z.output<Arguments>, context: Context, request: ServerContext): Promise<CallToolResult>
  /** Names fields in the engine's messages as callers know them. */
  names?: (message: string) => string
}

/** A tool with its schemas converted: once for the process. */
export interface Registration {
  name: string
  register(context: Context): void
}

/** Makes a tool ready to be registered with servers. */
export function tool<Arguments extends z.ZodObject>(definition: Tool<Arguments>): Registration {
  const { name, title, description, annotations, names } = definition
  const inputSchema = advertised(definition.shown ?? definition.arguments)
  const outputSchema = promised(definition.result)
  return {
    name,
    register(context) {
      const config = { title, description, inputSchema, outputSchema, annotations: { title, ...annotations } }
      context.server.registerTool(name, config, async (given, request) => {
        try {
          const { success, data, error } = definition.arguments.safeParse(withoutNulls(given))
          if (!success) {
            const failure = failureOfArguments(error)
            const known = Object.keys(definition.arguments.shape).join(', ')
            return failed(
              failure,
              `correct what is named above and call again; arguments of ${name}: ${known || 'none'}`,
            )
          }
          return await definition.call(data, context, request)
        } catch (error) {
          const failure = failureOf(error, names)
          return failed(failure, await nextStep(context.engine, failure))
        }
      })
    },
  }
}

/** Takes null for an argument that is not given, as models write it. */
export function withoutNulls(given: unknown): unknown {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return given ?? {}
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null))
}
