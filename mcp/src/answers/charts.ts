/** Charts of backtests and heat maps of sweeps, rendered by the engine. */

import type { HeatmapOptions, SweepResult } from '@aitradepro/backtesting'
import type { ContentBlock } from '@modelcontextprotocol/server'
import { allToSnakeCase, toCamelCase } from '../arguments/field-names.js'
import { toAxisName } from '../arguments/requests.js'
import type { Engine } from '../engine.js'
import { singleLine } from '../single-line.js'

/** Readable in a chat window, and small enough to be sent in one. */
const SIZE = { width: 1000, height: 750 }

/** The arguments of a tool that select a heat map. */
export interface HeatmapArguments {
  include_heatmap?: boolean | undefined
  x?: string | undefined
  y?: string | undefined
  heatmap_metric?: string | undefined
  aggregate?: 'median' | 'mean' | 'max' | undefined
}

/** Renders the chart of a backtest as base64-encoded PNG. */
export async function renderChartBase64(engine: Engine, backtestId: string): Promise<string> {
  const png = await engine.renderChart(backtestId, { format: 'png', ...SIZE })
  return Buffer.from(png).toString('base64')
}

/** Returns the chart of a backtest as content of a result, or a text that says why there is none; empty unless `include`. */
export async function chartBlocks(engine: Engine, backtestId: string, include = false): Promise<ContentBlock[]> {
  if (!include) return []
  try {
    return [image(await renderChartBase64(engine, backtestId))]
  } catch (error) {
    return [missing(`There is no chart of ${backtestId}`, error)]
  }
}

/**
 * Returns the heat map of a sweep as content of a result, or a text that says why there is none; empty if it is not asked for.
 * `axes` are the parameters that it shows if `x` is left out.
 */
export async function heatmapBlocks(
  engine: Engine,
  sweep: string | SweepResult,
  args: HeatmapArguments,
  axes: () => Promise<string[]>,
): Promise<ContentBlock[]> {
  if (!args.include_heatmap) return []
  try {
    const [x, y] = args.x === undefined ? await axes() : [args.x, args.y]
    if (x === undefined)
      throw Object.assign(new Error('no parameter has several values; name one as x'), { code: 'NO_DATA' })
    const options = {
      x: toColumnName(x),
      ...((args.y ?? y) !== undefined && { y: toColumnName(String(args.y ?? y)) }),
      ...(args.heatmap_metric !== undefined && { metric: toCamelCase(args.heatmap_metric) }),
      ...(args.aggregate !== undefined && { aggregate: args.aggregate }),
      format: 'png',
      ...SIZE,
    } as HeatmapOptions
    const png = await engine.renderHeatmap(sweep, options)
    return [image(Buffer.from(png).toString('base64'))]
  } catch (error) {
    return [missing('There is no heat map', error)]
  }
}

/** Returns the parameters of a result that have several values; with one row for each, the first and the last suffice. */
export function variedParameters({ asset, parameters, timeframe }: SweepResult): string[] {
  const varies = (column: Float64Array) => column.some((value) => !Object.is(value, column[0]))
  const found = Object.entries(parameters).flatMap(([name, column]) => (varies(column) ? [name] : []))
  if (found.length > 1) return found
  if (asset && asset.symbols.length > 1) found.push('assetSymbol')
  if (timeframe && timeframe.timeframes.length > 1) found.push('timeframe')
  return found
}

/** Converts the name of an axis, which may be a parameter, a setting, the asset or the timeframe. */
function toColumnName(name: string): string {
  return name === 'asset_symbol' ? 'assetSymbol' : toAxisName(name)
}

function image(data: string): ContentBlock {
  return { type: 'image', mimeType: 'image/png', data }
}

function missing(what: string, error: unknown): ContentBlock {
  if (!(error instanceof Error && 'code' in error)) return { type: 'text', text: `${what}.` }
  // The options of the engine are arguments here.
  const message = error.message.replaceAll('options.metric', 'heatmap_metric').replaceAll('options.', '')
  const text = singleLine(allToSnakeCase(message))
  return { type: 'text', text: `${what}: ${text}${text.endsWith('?') ? '' : '.'}` }
}
