/** Asks the user for arguments that a call lacks, if the client can ask. */

import {
  acceptedContent,
  CLIENT_CAPABILITIES_META_KEY,
  type ClientCapabilities,
  inputRequired,
  type ServerContext,
} from '@modelcontextprotocol/server'
import { z } from 'zod'
import type { Context } from './tool.js'

/** The name of the question among the answers of the client. */
const KEY = 'arguments'

/** A field of the form that the user fills. */
type Field = ({ type: 'string' } | { type: 'number' }) & { title: string; description?: string }

/** More missing arguments are a mistake that the model has to correct, not the user. */
const MAX_FIELDS = 4

/** Returns the arguments with those that the user has added, if it was asked and did not decline. */
export function withAnswers(given: unknown, request: ServerContext): unknown {
  const added = acceptedContent(request.mcpReq.inputResponses, KEY)
  return added === undefined || typeof given !== 'object' ? given : { ...given, ...added }
}

/**
 * Returns the question for what a call lacks, and only lacks: required arguments that are texts or numbers. Undefined if there is
 * anything else wrong, the user has been asked already, or the client cannot ask.
 */
export function questionFor(
  error: z.ZodError,
  schema: z.ZodObject,
  given: unknown,
  context: Context,
  request: ServerContext,
) {
  if (request.mcpReq.inputResponses !== undefined || !canAsk(context, request)) return undefined
  const missing = error.issues.map(({ code, path: [name], path }) => {
    const isAbsent = typeof given === 'object' && given !== null && !Object.hasOwn(given, String(name))
    return code === 'invalid_type' && path.length === 1 && isAbsent ? String(name) : undefined
  })
  if (missing.length > MAX_FIELDS) return undefined
  const properties: Record<string, Field> = {}
  for (const name of missing) {
    const field = name === undefined ? undefined : (schema.shape as Record<string, z.ZodType>)[name]
    const type = typeOf(field)
    if (name === undefined || field === undefined || type === undefined) return undefined
    const { description } = field
    properties[name] = { ...type, title: name.replaceAll('_', ' '), ...(description !== undefined && { description }) }
  }
  const names = Object.keys(properties)
  const message = `The call lacks ${names.join(', ')}. Please add ${names.length === 1 ? 'it' : 'them'}.`
  const requestedSchema = { type: 'object' as const, properties, required: names }
  return inputRequired({ inputRequests: { [KEY]: inputRequired.elicit({ message, requestedSchema }) } })
}

/** Returns the type of a field that a form can show. */
function typeOf(field: z.ZodType | undefined): { type: 'string' } | { type: 'number' } | undefined {
  if (field instanceof z.ZodString) return { type: 'string' }
  return field instanceof z.ZodNumber ? { type: 'number' } : undefined
}

/** Returns whether the client has said that it can show a form: with the request, or when it connected. */
function canAsk({ server }: Context, { mcpReq }: ServerContext): boolean {
  const envelope = mcpReq.envelope as Record<string, ClientCapabilities | undefined> | undefined
  const { elicitation } = envelope?.[CLIENT_CAPABILITIES_META_KEY] ?? server.server.getClientCapabilities() ?? {}
  if (elicitation === undefined) return false
  // Without a mode, it means forms.
  return 'form' in elicitation || Object.keys(elicitation).length === 0
}
