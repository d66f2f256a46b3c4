/** Converts the arguments of tools to requests of the engine. */

import type { BacktestRequest, StrategyDefinition, SweepRequest } from '@aitradepro/backtesting'
import type { z } from 'zod'
import { renameKeys, toCamelCase } from './field-names.js'
import type { definition, simulation } from './schemas.js'

type Arguments = Record<string, unknown> & {
  strategy?: z.output<typeof definition> | undefined
  simulation?: z.output<typeof simulation> | undefined
  parameters?: Record<string, unknown> | undefined
}

/** The arguments of a sweep whose values contain names. */
type SweepArguments = Arguments & {
  constraints?: string[] | undefined
  objective?: string | undefined
  metrics?: string[] | undefined
}

/** What precedes the name of a setting among the parameters of a sweep. */
const SETTING = 'simulation.'

/**
 * Converts arguments to a backtest request. Only the names change; the engine checks the values. Settings among the parameters, as the
 * best combination of a sweep has them, become settings, unless they are given twice.
 */
export function toBacktestRequest({
  strategy,
  simulation: given,
  parameters: all,
  ...rest
}: Arguments): BacktestRequest {
  const isSetting = ([name]: [string, unknown]) =>
    name.startsWith(SETTING) && !Object.hasOwn(given ?? {}, name.slice(SETTING.length))
  const swept = Object.entries(all ?? {}).filter(isSetting)
  const parameters = all && Object.fromEntries(Object.entries(all).filter((entry) => !isSetting(entry)))
  const simulation =
    swept.length === 0
      ? given
      : { ...given, ...Object.fromEntries(swept.map(([name, value]) => [name.slice(SETTING.length), value])) }
  const request = {
    ...renameKeys(rest, toCamelCase),
    ...(parameters && { parameters }),
    ...(strategy && { strategy: toStrategyDefinition(strategy) }),
    ...(simulation && { simulation: renameKeys(simulation, toCamelCase) }),
  }
  return request as unknown as BacktestRequest
}

/** Converts arguments to a request for a sweep. Only the names change, also in expressions. */
export function toSweepRequest({ parameters, constraints, objective, metrics, ...rest }: SweepArguments): SweepRequest {
  const swept = Object.keys(parameters ?? {})
  const request = {
    ...toBacktestRequest(rest),
    ...(parameters && { parameters: renameKeys(mapValues(parameters, toRange), toAxisName) }),
    ...(constraints && { constraints: constraints.map((text) => toConstraint(text, swept)) }),
    ...(objective !== undefined && { objective: toExpression(objective) }),
    ...(metrics && { metrics: metrics.map(toCamelCase) }),
  }
  return request as unknown as SweepRequest
}

/** Converts the `strategy` argument to a strategy definition. */
export function toStrategyDefinition(strategy: z.output<typeof definition>): StrategyDefinition {
  const { parameters } = strategy
  const declared = parameters && { parameters: mapValues(parameters, withFlagDefault) }
  return renameKeys({ ...strategy, ...declared }, toCamelCase) as unknown as StrategyDefinition
}

/** Converts the name of a swept parameter or setting: `simulation.sl_stop` becomes `simulation.slStop`. */
export function toAxisName(name: string): string {
  return name.startsWith(SETTING) ? toCamelCase(name) : name
}

/** Converts an expression over metrics. `own` are the names of parameters, which stay as they are. */
export function toExpression(text: string, own: string[] = []): string {
  return withNames(text, (name) => (own.includes(name) ? name : toCamelCase(name)))
}

/** Converts the settings in an expression over parameters, also those without `simulation.` that are swept. */
function toConstraint(text: string, swept: string[]): string {
  const isSetting = (name: string) => swept.includes(SETTING + name) && !swept.includes(name)
  return withNames(text, (name) => (isSetting(name) ? toCamelCase(name) : name))
}

/** Converts the names in an expression. Those that begin with `simulation.` are settings. */
function withNames(text: string, convert: (name: string) => string): string {
  return text.replace(/(?<!\w)(?:simulation\.)?[a-z]\w*/gi, (name) =>
    name.startsWith(SETTING) ? toCamelCase(name) : convert(name),
  )
}

/** Converts a range that lists its values to the list, with null for a stop that is switched off. */
function toRange(range: unknown): unknown {
  if (typeof range !== 'object' || range === null || Array.isArray(range)) return range
  const { values, off, ...rest } = range as Record<string, unknown>
  if (values === undefined && off === undefined) return range
  const isAlone = Object.keys(rest).length === 0
  if (!isAlone || (values !== undefined && !Array.isArray(values))) return range
  return [...(off === true ? [null] : []), ...((values as unknown[] | undefined) ?? [])]
}

function mapValues(object: object, convert: (value: unknown) => unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, convert(value)]))
}

/** Converts the default of a boolean parameter, which the published schema declares as a number. */
function withFlagDefault(declared: unknown): unknown {
  const { type, default: given } = declared as { type?: unknown; default?: unknown }
  return type === 'boolean' && (given === 0 || given === 1)
    ? { ...(declared as object), default: given === 1 }
    : declared
}
