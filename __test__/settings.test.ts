/** The simulation settings are declared in index.d.ts and again, in snake_case, in the schema of the MCP server. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { toSnakeCase } from '../mcp/src/arguments/field-names.js'
import { simulation, timeframe } from '../mcp/src/arguments/schemas.js'
import { ROOT } from './support.js'

const declarations = readFileSync(join(ROOT, 'index.d.ts'), 'utf8')

/** One setting as both sides declare it. */
interface Setting {
  type: string
  /** The allowed values of an enumeration, sorted. */
  choices?: string[]
  default?: string
}

/** Returns the string literals of a union type, sorted. */
function choicesOf(type: string): string[] {
  return [...type.matchAll(/'([^']*)'/g)].map(([, choice = '']) => choice).sort()
}

/** Parses `SimulationOptions` in index.d.ts. The keys are converted to snake_case. */
function declaredSettings(): Record<string, Setting> {
  const [, body = ''] = /export interface SimulationOptions \{\n(.*?)\n\}/s.exec(declarations) ?? []
  return Object.fromEntries(
    [...body.matchAll(/\/\*\*(.*?)\*\/\s+(\w+)\?: ([^\n]+)/gs)].map(([, comment = '', name = '', declared = '']) => {
      // The schema of the server has no unions: leaving a number out means 'auto'.
      const type = declared.replace(' | null', '').replace("'auto' | ", '').replace(" | 'auto'", '')
      const choices = choicesOf(type)
      const [, value] = /@default (\S+)/.exec(comment) ?? []
      const setting: Setting = choices.length > 0 ? { type: 'string', choices } : { type }
      if (value !== undefined) setting.default = value.replaceAll("'", '')
      return [toSnakeCase(name), setting]
    }),
  )
}

/** Returns the names in a union of a number and names. */
function named(union: readonly unknown[] | undefined): unknown[] | undefined {
  return union?.flatMap((one) => (one as { const?: unknown }).const ?? [])
}

/** Reads the settings in the JSON Schema that the MCP server publishes. */
function publishedSettings(): Record<string, Setting> {
  const { properties = {} } = z.toJSONSchema(simulation, { io: 'input' })
  return Object.fromEntries(
    Object.entries(properties).map(([name, property]) => {
      if (typeof property === 'boolean') throw new Error(`${name} has no schema`)
      const { type: own, enum: choices = named(property.anyOf), description = '' } = property
      const type = own ?? 'string'
      const [, value] = /Default: (\S+)\.$/.exec(description) ?? []
      const setting: Setting = { type: String(type) }
      if (choices) setting.choices = choices.map(String).sort()
      if (value !== undefined) setting.default = value
      return [name, setting]
    }),
  )
}

describe('the simulation settings in index.d.ts and in the MCP schema', () => {
  const declared = declaredSettings()
  const published = publishedSettings()

  test('are found on both sides', () => {
    expect(Object.keys(declared).length).toBeGreaterThan(20)
    expect(declared).toMatchObject({
      fees: { type: 'number', default: '0.001' },
      sl_trail: { type: 'boolean', default: 'false' },
      execution: { type: 'string', choices: ['close', 'nextOpen'], default: 'close' },
    })
  })

  test('have the same names', () => {
    const missing = Object.keys(declared).filter((name) => !(name in published))
    const unknown = Object.keys(published).filter((name) => !(name in declared))
    expect(missing, 'add these settings to `simulation` in mcp/src/arguments/schemas.ts').toEqual([])
    expect(unknown, 'add these settings to the simulation settings in src/settings and run `npm run build`').toEqual([])
  })

  test.each(Object.keys(declared))('have the same type, choices and default: %s', (name) => {
    const { default: declaredDefault, ...setting } = declared[name] ?? { type: '' }
    const { default: publishedDefault, ...schema } = published[name] ?? { type: '' }
    const advice = `adapt ${name} in mcp/src/arguments/schemas.ts to SimulationOptions in index.d.ts`
    expect(schema, advice).toEqual(setting)
    // The schema only mentions the defaults that matter most, because every word costs tokens.
    if (publishedDefault !== undefined) expect(publishedDefault, advice).toBe(declaredDefault)
  })
})

test('the MCP schema lists every timeframe of index.d.ts', () => {
  const [, union = ''] = /export type Timeframe = ([^\n]+)/.exec(declarations) ?? []
  const { enum: choices = [] } = z.toJSONSchema(timeframe)
  expect(choices.map(String).sort(), 'adapt TIMEFRAMES in mcp/src/arguments/schemas.ts').toEqual(choicesOf(union))
})
