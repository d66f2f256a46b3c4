import type { MetricName, SweepFilter, SweepInfo, SweepResult } from '@aitradepro/backtesting'
import type { CallToolResult } from '@modelcontextprotocol/server'
import { z } from 'zod'
import { heatmapBlocks, variedParameters } from '../answers/charts.js'
import { ArgumentError, sweepNotFound } from '../answers/failure.js'
import { largestFitting } from '../answers/size.js'
import { fitted, OF_TOP, pageColumns, pageRows, sweepRow, sweepSummary } from '../answers/sweep-summaries.js'
import { toolResult } from '../answers/tool-result.js'
import { renameKeys, sweepNamesToSnakeCase, toCamelCase } from '../arguments/field-names.js'
import { toExpression } from '../arguments/requests.js'
import { userId } from '../arguments/schemas.js'
import { heatmap, sweepId, sweepOutput } from '../arguments/sweep-schemas.js'
import type { Engine } from '../engine.js'
import { type Context, defineTool } from '../tool.js'

/** Entries of a list or a page, if the size of a default answer permits. */
const DEFAULT_LIMIT = { sweeps: 10, rows: 50 }

/** Combinations that are read at once to find those of a condition. It bounds the memory of a call. */
const WINDOW = 100_000

/** Sweeps among which the description of one is looked for. */
const MAX_LISTED = 1000

const args = z.strictObject({
  sweep_id: sweepId
    .optional()
    .describe('Sweep id: "sw-" and 12 hex digits. Without one, the sweeps are listed, newest first.'),
  top: z.int().min(0).max(1000).optional().describe('Number of best combinations. Default: 5.'),
  from: z
    .int()
    .min(0)
    .optional()
    .describe('First combination of a page, in grid order: the last parameter runs fastest.'),
  to: z.int().min(0).optional().describe('The combination after the last one of a page.'),
  where: z
    .string()
    .optional()
    .describe(
      'Only combinations for which this holds: "sharpe_ratio > 1 and closed_trades >= 30 and fast_period < 20".',
    ),
  metrics: z.array(z.string()).optional().describe('Metrics of a page, of those that the sweep keeps.'),
  limit: z
    .int()
    .min(1)
    .max(1000)
    .optional()
    .describe('Maximum number of rows or sweeps. Default: as many as fit into 4 kB.'),
  ...heatmap,
  strategy_id: z.string().optional().describe('Only sweeps of this strategy; for a list.'),
  asset_symbol: z.string().optional().describe('Only sweeps on this asset; for a list.'),
  status: z.enum(['pending', 'running', 'completed', 'failed', 'cancelled']).optional().describe('For a list.'),
  user_id: userId.optional().describe('Only sweeps of this user; for a list.'),
  before: z.string().optional().describe('Only sweeps older than the one with this id; for a list.'),
})

const OF_LIST = ['strategy_id', 'asset_symbol', 'status', 'user_id', 'before'] as const

type Arguments = z.output<typeof args>

export const getSweep = defineTool({
  name: 'get_sweep',
  title: 'Get a parameter sweep',
  description:
    'Returns a kept sweep: its progress while it runs, then what speaks against the best combination, and the best ones. With from, ' +
    'to, where or metrics, returns a page of combinations instead; call again with next_from for the next one. With ' +
    'include_heatmap, adds a picture. Without sweep_id, lists the sweeps. Read-only. Choosing among the rows again is one more ' +
    'choice by result: it makes the best look better, not be better.',
  arguments: args,
  result: sweepOutput,
  annotations: { readOnlyHint: true, openWorldHint: false },
  maxResultChars: 500_000,
  names: sweepNamesToSnakeCase,
  async call(args, context, request) {
    const { engine, runs } = context
    const { sweep_id } = args
    if (sweep_id === undefined) return list(args, engine)
    const misplaced = OF_LIST.filter((name) => args[name] !== undefined)
    if (misplaced[0] !== undefined) {
      throw new ArgumentError(misplaced[0], `${misplaced.join(', ')}: only for a list; leave out sweep_id`)
    }
    const result = await engine.getSweep(sweep_id, { from: 0, to: 0 })
    if (result === null) return sweepNotFound(engine, sweep_id)
    const isCompleted = result.status === 'completed'
    const facts = {
      progress: runs.findSweep(sweep_id)?.progress,
      info: isCompleted ? undefined : await descriptionOf(engine, result),
    }
    const summary = sweepSummary(result, facts, args.top)
    const picture = await heatmapBlocks(engine, sweep_id, args, () => axesOf(engine, result, facts.info))
    const { status, combinations } = result
    const resource = { sweep_id, status, progress: summary.progress, done: summary.done, combinations }
    const isPage = [args.from, args.to, args.where, args.metrics].some((given) => given !== undefined)
    if (!isPage) {
      const output = args.top === undefined ? fitted(summary) : summary
      return toolResult(output, `sweep://${sweep_id}`, resource, { more: picture })
    }
    const page = await readPage(args, result, context, request.mcpReq.signal)
    const answer = (count: number) => {
      const rows = page.rows.slice(0, count)
      const next = count < page.rows.length ? Number(page.rows[count]?.[0]) : page.next
      const output = {
        headline: pageHeadline(args, { ...page, rows, next }, summary.headline),
        caveats: [
          ...summary.caveats,
          ...(args.where === undefined
            ? []
            : ['combinations that are chosen by their results look better than they are']),
        ],
        next_step: nextStepOf({ ...page, next }, summary.next_step),
        sweep_id,
        status,
        combinations,
        columns: page.columns,
        rows,
        next_from: next,
      }
      const exact = { ...resource, columns: page.columns, rows: page.exact.slice(0, count), next_from: next }
      return toolResult(output, `sweep://${sweep_id}`, exact, { more: picture })
    }
    return args.limit === undefined ? largestFitting(page.rows.length, answer) : answer(page.rows.length)
  },
})

type Rows = (number | string | null)[][]

/** Some combinations of a sweep. */
interface Page {
  columns: string[]
  rows: Rows
  /** The same rows, not rounded. */
  exact: Rows
  /** The first combination of the next page; null after the last one. */
  next: number | null
}

/** Reads a page, window by window if a condition selects the rows. */
async function readPage(args: Arguments, result: SweepResult, { engine }: Context, signal: AbortSignal): Promise<Page> {
  const limit = args.limit ?? DEFAULT_LIMIT.rows
  const own = Object.keys(result.parameters)
  const metrics =
    args.metrics?.map((name) => toCamelCase(name) as MetricName) ?? OF_TOP.filter((name) => name in result.metrics)
  const where = args.where === undefined ? undefined : toExpression(args.where, own)
  const end = args.to ?? result.combinations
  const page: Page = { columns: [], rows: [], exact: [], next: null }
  let from = args.from ?? 0
  do {
    signal.throwIfAborted()
    const to = where === undefined ? Math.min(end, from + limit) : Math.min(end, from + WINDOW)
    const part = await engine.getSweep(result.sweepId, { from, to, metrics, ...(where !== undefined && { where }) })
    if (part === null) break
    const room = limit - page.rows.length
    page.columns = pageColumns(part)
    page.rows.push(...pageRows(part, room))
    page.exact.push(...pageRows(part, room, (value) => value))
    const found = part.objective.length
    if (found > room) page.next = part.combination?.[room] ?? from + room
    else if (where === undefined) page.next = found > 0 && from + found < end ? from + found : null
    else page.next = to < end ? to : null
    from = to
  } while (where !== undefined && page.rows.length < limit && page.next !== null)
  return page
}

function pageHeadline({ from = 0, where }: Arguments, { rows, next }: Page, summary: string): string {
  const many = `${rows.length} ${rows.length === 1 ? 'combination' : 'combinations'}`
  const which = where === undefined ? `from ${from} on, in grid order` : 'chosen by where, in grid order'
  return `${many} ${which}${next === null ? '' : '; there are more'}. Of the sweep: ${summary}`
}

function nextStepOf({ next }: Page, otherwise: string): string {
  return next === null ? otherwise : `For the next page, call again with from ${next}. ${otherwise}`
}

/** Returns what the store says about a sweep, such as how much of it is done. */
async function descriptionOf(
  engine: Engine,
  { sweepId: id, status, strategyId }: SweepResult,
): Promise<SweepInfo | undefined> {
  const listed = await engine.listSweeps({ strategyId, status, limit: MAX_LISTED })
  return listed.find(({ sweepId }) => sweepId === id)
}

/** Returns the parameters that differ between the first and the last combination: those with several values. */
async function axesOf(engine: Engine, result: SweepResult, info: SweepInfo | undefined): Promise<string[]> {
  const last = info?.done ?? result.combinations
  const ends = [0, Math.max(0, last - 1)].map((from) =>
    engine.getSweep(result.sweepId, { from, to: from + 1, metrics: [] }),
  )
  const [one, other] = await Promise.all(ends)
  if (!one || !other) return []
  const joined = Object.entries(one.parameters).map(([name, column]) => {
    const top = result.top.map(({ parameters }) => Number(parameters[name] ?? Number.NaN))
    return [name, Float64Array.of(...column, ...(other.parameters[name] ?? []), ...top)] as const
  })
  return variedParameters({ ...one, parameters: Object.fromEntries(joined) })
}

async function list(args: Arguments, engine: Engine): Promise<CallToolResult> {
  const { limit = DEFAULT_LIMIT.sweeps, strategy_id, asset_symbol, status, user_id, before, ...rest } = args
  const misplaced = Object.entries(rest).flatMap(([name, value]) => (value === undefined ? [] : [name]))
  if (misplaced[0] !== undefined) {
    throw new ArgumentError('sweep_id', `sweep_id is required for ${misplaced.join(', ')}`)
  }
  const given = Object.entries({ strategy_id, asset_symbol, status, user_id, before, limit })
  const filter = Object.fromEntries(given.filter(([, value]) => value !== undefined))
  const rows = (await engine.listSweeps(renameKeys(filter, toCamelCase) as SweepFilter)).map(sweepRow)
  const answer = (count: number) => {
    const sweeps = rows.slice(0, count)
    const last = sweeps.at(-1)?.sweep_id
    const hasMore = sweeps.length < rows.length || rows.length === limit
    const output = {
      headline: `${sweeps.length} ${sweeps.length === 1 ? 'sweep' : 'sweeps'}, newest first`,
      caveats:
        rows.length > 1
          ? ['the more sweeps were tried on the same bars, the better the best of them looks by chance']
          : [],
      next_step: `${hasMore ? `For older ones, call again with before "${last}". ` : ''}For one of them, call get_sweep with its sweep_id.`,
      sweeps,
    }
    return toolResult(output, 'sweeps://list', sweeps)
  }
  return args.limit === undefined ? largestFitting(rows.length, answer) : answer(rows.length)
}
