/** Pictures of runs, as the engine draws them. */

import type { ContentBlock } from '@modelcontextprotocol/server'
import type { Engine } from './engine.js'

/** Readable in a chat, and small enough for one. */
const SIZE = { width: 1000, height: 750 }

/** Draws a run as PNG, in base64. */
export async function chartOf(engine: Engine, backtestId: string): Promise<string> {
  const png = await engine.renderChart(backtestId, { format: 'png', ...SIZE })
  return Buffer.from(png).toString('base64')
}

/** Returns the picture of a run for an answer, if it is wanted; one that cannot be drawn is said to be so. */
export async function chartBlocks(engine: Engine, backtestId: string, wanted = false): Promise<ContentBlock[]> {
  if (!wanted) return []
  try {
    return [{ type: 'image', mimeType: 'image/png', data: await chartOf(engine, backtestId) }]
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? `: ${error.message}` : ''
    return [{ type: 'text', text: `There is no chart of ${backtestId}${reason}.` }]
  }
}
