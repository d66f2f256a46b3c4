/** Charts of backtests, rendered by the engine. */

import type { ContentBlock } from '@modelcontextprotocol/server'
import type { Engine } from './engine.js'

/** Readable in a chat window, and small enough to be sent in one. */
const SIZE = { width: 1000, height: 750 }

/** Renders the chart of a backtest as base64-encoded PNG. */
export async function renderChartBase64(engine: Engine, backtestId: string): Promise<string> {
  const png = await engine.renderChart(backtestId, { format: 'png', ...SIZE })
  return Buffer.from(png).toString('base64')
}

/** Returns the chart of a backtest as content of a result, or a text that says why there is none; empty unless `include`. */
export async function chartBlocks(engine: Engine, backtestId: string, include = false): Promise<ContentBlock[]> {
  if (!include) return []
  try {
    return [{ type: 'image', mimeType: 'image/png', data: await renderChartBase64(engine, backtestId) }]
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? `: ${error.message}` : ''
    return [{ type: 'text', text: `There is no chart of ${backtestId}${reason}.` }]
  }
}
