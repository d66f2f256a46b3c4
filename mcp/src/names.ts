/** One name everywhere: camelCase in JavaScript, snake_case in MCP. Here one becomes the other. */

/** Writes a name in snake_case: `maxDrawdown` becomes `max_drawdown`. */
export function toSnake(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase()
}

/** Writes a name in camelCase: `max_drawdown` becomes `maxDrawdown`; any other name stays as it is. */
export function toCamel(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}

/** Renames the keys of an object, not those of its values. */
export function renameKeys(object: object, rename: (name: string) => string): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [rename(name), value]))
}

/** The fields that callers know by another name than the engine's messages. */
const FIELDS = [
  'strategyId',
  'strategyConfig',
  'assetSymbol',
  'startDate',
  'endDate',
  'initialCapital',
  'userId',
  'backtestId',
  'shortEntries',
  'shortExits',
  'defaultParameters',
  'parametersSchema',
  'fixedFees',
  'sizeType',
  'minSize',
  'maxSize',
  'sizeGranularity',
  'uponLongConflict',
  'uponShortConflict',
  'uponDirConflict',
  'uponOppositeEntry',
  'slStop',
  'slTrail',
  'tpStop',
  'stopEntryPrice',
  'stopExitPrice',
  'uponStopExit',
  'uponStopUpdate',
  'lockCash',
  'allowPartial',
  'riskFree',
  'yearDays',
]
const FIELD = new RegExp(`\\b(?:${FIELDS.join('|')})\\b`, 'g')

/** Names fields in a message of the engine as callers of the server know them. */
export function inSnake(message: string): string {
  return message.replace(FIELD, toSnake)
}

/** Names metrics, too. Not for messages with the values of settings, which are camelCase here as well. */
export function allInSnake(message: string): string {
  return message.replace(/\b[a-z]+(?:[A-Z][a-z0-9]+)+\b/g, toSnake)
}
