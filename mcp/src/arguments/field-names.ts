/** Converts field names between camelCase, as in JavaScript, and snake_case, as in MCP. */

import { backtestRequest, definition, simulation, strategyConfig } from './schemas.js'
import { sweepRequest } from './sweep-schemas.js'

/** Converts a name to snake_case: `maxDrawdown` becomes `max_drawdown`. */
export function toSnakeCase(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase()
}

/** Converts a name to camelCase: `max_drawdown` becomes `maxDrawdown`. Names without underscores are returned unchanged. */
export function toCamelCase(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}

/** Renames the keys of an object, but not those of nested objects. */
export function renameKeys(object: object, rename: (name: string) => string): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [rename(name), value]))
}

/** The fields whose names differ between MCP and the messages of the engine. */
const FIELDS = [backtestRequest, strategyConfig, definition, simulation, sweepRequest]
  .flatMap(({ shape }) => Object.keys(shape))
  .concat('backtest_id', 'strategy_config', 'sweep_id', 'get_sweep', 'run_sweep')
  .filter((name) => name.includes('_'))
  .map(toCamelCase)
const FIELD = new RegExp(`\\b(?:${FIELDS.join('|')})\\b`, 'g')

/** Converts the field names in a message of the engine to snake_case. */
export function fieldsToSnakeCase(message: string): string {
  return message.replace(FIELD, toSnakeCase)
}

/** Converts all camelCase words, including metrics. Not for messages that contain values of settings: those stay camelCase. */
export function allToSnakeCase(message: string): string {
  return message.replace(/\b[a-z]+(?:[A-Z][a-z0-9]+)+\b/g, toSnakeCase)
}

/**
 * Converts the names in a message about a sweep. Only messages about expressions and metrics contain names of metrics; others
 * may contain values of settings.
 */
export function sweepNamesToSnakeCase(message: string): string {
  return /^(?:objective|where|metrics|heatmap_metric)\b/.test(message)
    ? allToSnakeCase(message)
    : fieldsToSnakeCase(message)
}
