/** The strategy language in topics that are short enough for one answer, from the page of the documentation. */

import { z } from 'zod'
import { simulation } from '../arguments/schemas.js'
import { PAGE } from './page.js'

/** A part of the language. */
export interface Topic {
  title: string
  text: string
}

const OVERVIEW = `A strategy has \`id\`, \`entries\` and \`exits\`: conditions that are computed at the close of each bar; optional \`short_entries\`, \`short_exits\`, \`parameters\`, \`constraints\`.

Series: open high low close volume, hour minute day_of_week (1 is Monday) day_of_month month (UTC).
Operators: + - * / %, < <= > >= == !=, and or not. Comparisons do not chain: write 20 < x and x < 80. No [], no assignments, no && or ||.
Numbers and conditions do not mix: if(condition, a, b) makes a number of a condition.
Looking back: shift(x, n) is x n bars ago; change(x, n), highest(x, n), lowest(x, n), sum(x, n), count(condition, n), bars_since(condition), rank(x, n). A look ahead is impossible.
Crossings hold on one bar: crossed_above(a, b), crossed_below(a, b).
Coarser bars: higher('1w', x) is x on the last completed week.
Lengths are whole constants or parameters; comparisons with a missing value (warm-up) are false.

Examples:
- entries: crossed_above(sma(close, 20), sma(close, 100)); exits: crossed_below(sma(close, 20), sma(close, 100))
- entries: close > sma(close, 200) and rsi(close, 2) < 10; exits: close > sma(close, 5)
- entries: close > shift(highest(high, 20), 1); exits: close < shift(lowest(low, 10), 1)
- entries: crossed_above(macd_line(), macd_signal()); exits: crossed_below(macd_line(), macd_signal())
- entries: close < bbands_lower(close, 20, 2); exits: close > bbands_middle(close, 20, 2)

Stops, sizes and costs are settings of the run (topic "settings"), not of the strategy.`

/** Names of topics besides those of functions and indicators. */
export const TOPICS = ['rules', 'recipes', 'functions', 'indicators', 'settings'] as const

const INDICATOR = /^\*\*(.+?)\.\*\* ([\s\S]*?)(?=^\*\*|^<!-- end|(?![\s\S]))/gm

interface Indicator {
  /** The paragraph of the page. */
  text: string
  /** The calls that it describes. */
  signatures: string[]
}

const INDICATORS: Indicator[] = [...between('### Indicators', '<!-- end').matchAll(INDICATOR)].map(([text]) => ({
  text: text.trim(),
  signatures: [...text.matchAll(/^- `(\w+\([^`]*\))`/gm)].map(([, signature = '']) => signature),
}))

/** Returns a topic: one of `TOPICS`, or the name of a function or an indicator; the overview without a name. */
export function findTopic(name: string | undefined): Topic | undefined {
  const wanted = name?.trim().toLowerCase() ?? ''
  switch (wanted) {
    case '':
    case 'overview':
      return { title: 'The strategy language', text: `${OVERVIEW}\n\nIndicators: ${indicatorNames()}.` }
    case 'rules':
      return { title: 'Rules of the language', text: between('## Rules of the language', '## Reference') }
    case 'recipes':
    case 'examples':
      return { title: 'Recipes, as text', text: recipes() }
    case 'functions':
    case 'operators':
      return { title: 'Operators and functions', text: between('### Operators', '### Indicators') }
    case 'indicators':
      return { title: 'Indicators with their defaults', text: allSignatures() }
    case 'settings':
    case 'simulation':
      return { title: 'Settings of a run (argument simulation)', text: settings() }
    default:
      return functionTopic(wanted)
  }
}

/** Returns what the page says about a function or an indicator. */
function functionTopic(name: string): Topic | undefined {
  const bare = name.replace(/\(.*$/, '')
  const indicators = (matches: (signature: string) => boolean, title?: string) => {
    const isMeant = ({ text, signatures }: Indicator) =>
      signatures.some(matches) || (title !== undefined && text.toLowerCase().startsWith(`**${title} `))
    const found = INDICATORS.filter(isMeant)
    return found.length === 0 ? undefined : { title: bare, text: found.map(({ text }) => text).join('\n\n') }
  }
  return (
    indicators((signature) => signature.startsWith(`${bare}(`)) ??
    rowTopic(bare) ??
    indicators((signature) => signature.startsWith(`${bare}_`), bare)
  )
}

/** Returns the row of a table of the page. */
function rowTopic(name: string): Topic | undefined {
  const row = PAGE.split('\n').find((line) => line.startsWith(`| \`${name}(`) || line.startsWith(`| \`${name}\` |`))
  if (row === undefined) return undefined
  const [, call = '', meaning = ''] = /^\| (`.*?`) \| (.*) \|$/.exec(row) ?? []
  return { title: name, text: `${call}: ${meaning}` }
}

function indicatorNames(): string {
  const names = INDICATORS.flatMap(({ signatures }) => signatures.map((signature) => signature.replace(/\(.*$/, '')))
  return names.join(' ')
}

function allSignatures(): string {
  const lines = INDICATORS.map(({ signatures }) => signatures.join('; '))
  return `Series arguments may be left out.\n${lines.join('\n')}`
}

/** Returns the recipes without the sentences around them. */
function recipes(): string {
  const blocks = [...between('## Ten recipes', '## Rules of the language').matchAll(/```strategy\n([\s\S]*?)```/g)]
  const text = blocks.map(([, block = '']) => block.replace(/^strategy recipe_/, 'strategy ').trim())
  return `In a definition, the line \`entries …\` is the field entries, and so on.\n\n${text.join('\n\n')}`
}

/** Lists the settings with their types, choices and descriptions. */
function settings(): string {
  const { properties = {} } = z.toJSONSchema(simulation, { io: 'input' })
  return Object.entries(properties)
    .map(([name, property]) => {
      const { type, enum: choices, description } = property as { type?: string; enum?: string[]; description?: string }
      return `- ${name}: ${choices?.join(' | ') ?? type}${description === undefined ? '' : `. ${description}`}`
    })
    .join('\n')
}

/** Returns the part of the page between two lines. */
function between(from: string, to: string): string {
  const start = PAGE.indexOf(`\n${from}\n`)
  const end = PAGE.indexOf(to, start + from.length)
  return PAGE.slice(start + from.length + 2, end < 0 ? undefined : end)
    .replace(/^(?:###? .*\n+)?/, '')
    .trim()
}
