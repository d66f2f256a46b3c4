/** Finds the argument that an unknown one probably means, anywhere in the schema of a tool. */

import { z } from 'zod'
import { nearestName } from './nearest.js'

/** Returns the path of the argument whose name resembles the last part of a path: first beside it, then anywhere. */
export function nearestArgument(path: string, schema: z.ZodObject): string | undefined {
  const name = path.split('.').at(-1) ?? ''
  const place = path.slice(0, Math.max(0, path.length - name.length - 1))
  const paths = pathsOf(schema)
  const last = (one: string) => one.slice(one.lastIndexOf('.') + 1)
  const beside = paths.filter((one) => one === (place === '' ? last(one) : `${place}.${last(one)}`))
  for (const among of [beside, paths]) {
    const near = nearestName(name, among.map(last))
    const found = among.find((one) => last(one) === near)
    if (found !== undefined) return found
  }
  return undefined
}

/** Returns the paths of all arguments, outer ones first. */
function pathsOf(schema: z.ZodType, prefix = ''): string[] {
  const inner = schema instanceof z.ZodOptional ? (schema.unwrap() as z.ZodType) : schema
  if (inner !== schema) return pathsOf(inner, prefix)
  if (!(schema instanceof z.ZodObject)) return []
  const fields = Object.entries(schema.shape as Record<string, z.ZodType>)
  return [
    ...fields.map(([name]) => prefix + name),
    ...fields.flatMap(([name, field]) => pathsOf(field, `${prefix}${name}.`)),
  ]
}
