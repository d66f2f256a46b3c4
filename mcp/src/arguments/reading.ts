/**
 * Reads arguments as models send them: objects and lists as JSON text, numbers and flags as text, names in camelCase or as other
 * libraries call them, settings beside `simulation` instead of in it, dates in other forms. Only what is unambiguous is read;
 * everything else is left as it is, and the schema refuses it.
 */

import { z } from 'zod'
import { isTooComplexValue } from '../json-limits.js'
import { toIsoDate } from './dates.js'
import { toSnakeCase } from './field-names.js'
import { readText } from './lenient.js'
import { timeframe } from './schemas.js'

type Fields = Record<string, unknown>

/** What other libraries call an argument. Each has one meaning wherever the argument exists. */
const ALIASES: Record<string, string> = {
  symbol: 'asset_symbol',
  ticker: 'asset_symbol',
  asset: 'asset_symbol',
  symbols: 'asset_symbols',
  start: 'start_date',
  from_date: 'start_date',
  end: 'end_date',
  to_date: 'end_date',
  capital: 'initial_capital',
  initial_cash: 'initial_capital',
  initial_balance: 'initial_capital',
  params: 'parameters',
  interval: 'timeframe',
  strategy_name: 'strategy_id',
  id: 'backtest_id',
  settings: 'simulation',
  fee: 'fees',
  commission: 'fees',
  stop_loss: 'sl_stop',
  take_profit: 'tp_stop',
  entry: 'entries',
  exit: 'exits',
}

/** Other ways to write a timeframe. `1M` is missing: it may be a minute or a month. */
const TIMEFRAMES: Record<string, string> = {
  '1min': '1m',
  minute: '1m',
  '5min': '5m',
  '15min': '15m',
  '30min': '30m',
  '60m': '1h',
  '60min': '1h',
  hourly: '1h',
  '1hour': '1h',
  h: '1h',
  d: '1d',
  day: '1d',
  daily: '1d',
  '1day': '1d',
  w: '1w',
  week: '1w',
  weekly: '1w',
  '1week': '1w',
}

/** Longer text is not read as JSON. */
const MAX_LENGTH = 100_000

/** Reads the arguments of a tool. */
export function readArguments(schema: z.ZodObject, given: unknown): unknown {
  return readObject(schema, given)
}

function readValue(schema: z.ZodType, value: unknown, name: string): unknown {
  const inner = unwrapped(schema)
  if (inner instanceof z.ZodObject) return readObject(inner, value)
  if (inner instanceof z.ZodRecord) return readRecord(inner, value)
  if (inner instanceof z.ZodUnion) return readText(value)
  if (inner instanceof z.ZodArray) return readList(inner, value, name)
  if (inner instanceof z.ZodNumber) return readNumber(value)
  if (inner instanceof z.ZodBoolean) return readText(value)
  if (inner instanceof z.ZodEnum) return readChoice(inner.options.map(String), value)
  if (name === 'start_date' || name === 'end_date') return toIsoDate(value, name === 'end_date')
  return value
}

function readObject(schema: z.ZodObject, given: unknown): unknown {
  const value = fromJson(given)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const shape = schema.shape as Record<string, z.ZodType>
  // Without a prototype, so that no name has a meaning of its own.
  const read: Fields = Object.create(null)
  const unknown: Fields = Object.create(null)
  for (const [name, item] of Object.entries(value)) {
    // Models send null for what they leave out.
    if (item === null) continue
    if (Object.hasOwn(shape, name)) read[name] = item
    else unknown[name] = item
  }
  for (const [name, item] of Object.entries(unknown)) place(shape, read, name, item)
  moveDefinition(shape, read)
  for (const [name, item] of Object.entries(read)) {
    const field = shape[name]
    if (field === undefined) continue
    const found = readValue(field, item, name)
    if (found === undefined) delete read[name]
    else read[name] = found
  }
  return read
}

/** Puts an argument of an unknown name where it belongs, if that is clear and nothing is there. Otherwise leaves it where it is. */
function place(shape: Record<string, z.ZodType>, read: Fields, name: string, item: unknown): void {
  const snake = toSnakeCase(name)
  for (const known of [snake, ALIASES[snake]]) {
    if (known === undefined) continue
    if (Object.hasOwn(shape, known)) {
      if (Object.hasOwn(read, known)) break
      read[known] = item
      return
    }
    const simulation = shape.simulation === undefined ? undefined : unwrapped(shape.simulation)
    if (simulation instanceof z.ZodObject && Object.hasOwn(simulation.shape, known)) {
      const settings = fromJson(read.simulation ?? {})
      if (typeof settings !== 'object' || settings === null || Object.hasOwn(settings, known)) break
      read.simulation = { ...settings, [known]: item }
      return
    }
  }
  read[name] = item
}

/** Moves a definition that stands where its argument `strategy` belongs, and an id that stands in place of a definition. */
function moveDefinition(shape: Record<string, z.ZodType>, read: Fields): void {
  if (!Object.hasOwn(shape, 'strategy') || !Object.hasOwn(shape, 'strategy_id')) return
  const { strategy, strategy_id } = read
  if (typeof strategy === 'string' && strategy_id === undefined && !strategy.trim().startsWith('{')) {
    read.strategy_id = strategy
    delete read.strategy
  }
  if (typeof strategy_id === 'object' && strategy === undefined) {
    read.strategy = strategy_id
    delete read.strategy_id
  }
  const inner = unwrapped(shape.strategy as z.ZodType)
  if (read.strategy !== undefined || read.strategy_id !== undefined || !(inner instanceof z.ZodObject)) return
  // A definition without its envelope. Its parameters declare, so they have types.
  const own = Object.keys(read).filter((name) => Object.hasOwn(inner.shape, name))
  if (!own.includes('entries')) return
  const { parameters } = read
  const declares = typeof parameters === 'object' && JSON.stringify(parameters).includes('"default"')
  const definition: Fields = {}
  for (const name of own) {
    if (name === 'parameters' && !declares) continue
    definition[name] = read[name]
    delete read[name]
  }
  read.strategy = definition
}

/** Reads an object with names of the caller. It may also be a list of objects that have a `name`. */
function readRecord({ valueType }: z.ZodRecord, given: unknown): unknown {
  const value = fromNamedList(fromJson(given))
  const inner = unwrapped(valueType as z.ZodType)
  if (!(inner instanceof z.ZodObject) || typeof value !== 'object' || value === null) return readText(value)
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, readObject(inner, item)]))
}

/** Converts a list of objects with different names to an object by name. Leaves every other value as it is. */
function fromNamedList(value: unknown): unknown {
  if (!Array.isArray(value)) return value
  const named = value.map((item) => (typeof item === 'object' && item !== null ? (item as Fields) : {}))
  const names = named.map(({ name }) => name)
  if (new Set(names).size < names.length || names.some((name) => typeof name !== 'string')) return value
  return Object.fromEntries(named.map(({ name, ...rest }) => [name, rest]))
}

function readList(schema: z.ZodArray, value: unknown, name: string): unknown {
  let list = fromJson(value)
  if (typeof list === 'string') {
    // Names contain no comma; expressions may.
    list = /^(?:metrics|asset_symbols|timeframes|backtest_ids)$/.test(name)
      ? list.split(',').map((part) => part.trim())
      : [list]
  }
  if (!Array.isArray(list)) return list
  // The engine checks them, but does not know other ways to write them.
  if (name === 'timeframes') return list.map((item) => readChoice(timeframe.options, item))
  return list.map((item) => readValue(schema.element as z.ZodType, item, name))
}

/** Reads a number. `auto` and `default` leave it out, and `none` is 0. */
function readNumber(value: unknown): unknown {
  if (typeof value !== 'string') return value
  const text = value.trim().toLowerCase()
  if (text === 'auto' || text === 'default') return undefined
  if (text === 'none') return 0
  return readText(value)
}

/** Reads a choice that is written in another case, or with other separators. */
function readChoice(options: string[], value: unknown): unknown {
  if (typeof value !== 'string' || options.includes(value)) return value
  const bare = (text: string) => text.toLowerCase().replace(/[\s_-]/g, '')
  const given = TIMEFRAMES[bare(value)] ?? value
  // "1M" may be a month.
  if (/^\d+M$/.test(value)) return value
  const same = options.filter((option) => bare(option) === bare(given))
  return same.length === 1 ? same[0] : value
}

/** Reads JSON text of an object or a list. Leaves every other value as it is. */
function fromJson(value: unknown): unknown {
  if (typeof value !== 'string' || !/^\s*[[{]/.test(value) || value.length > MAX_LENGTH) return value
  try {
    const parsed: unknown = JSON.parse(value)
    // The message was checked, but not what its texts contain.
    return isTooComplexValue(parsed) ? value : parsed
  } catch {
    return value
  }
}

/** Returns the schema inside optional ones. */
function unwrapped(schema: z.ZodType): z.ZodType {
  let inner = schema
  while (inner instanceof z.ZodOptional) inner = inner.unwrap() as z.ZodType
  return inner
}
