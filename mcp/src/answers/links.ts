/** Links from an answer to the whole result of a run. */

import type { BacktestResult } from '@aitradepro/backtesting'
import type { ContentBlock } from '@modelcontextprotocol/server'
import type { Context } from '../tool.js'
import { resourceLink } from './tool-result.js'

/** The first revision of the protocol with links. Clients of earlier ones refuse a result that contains one. */
const FIRST_WITH_LINKS = '2025-06-18'

type Run = Pick<BacktestResult, 'backtestId' | 'status'> & { trades?: unknown[]; totalPoints?: number }

/** Returns links to the result of a completed run: whole as JSON, and in pages. */
export function resultLinks({ backtestId: id, status, trades, totalPoints }: Run, context: Context): ContentBlock[] {
  if (status !== 'completed' || !acceptsLinks(context)) return []
  const links = [resourceLink(`backtest://${id}/results`, 'results', 'The whole result.', 'application/json')]
  if (trades !== undefined && trades.length > 0) {
    const description = `First page of ${trades.length} trades; without "/1", all of them.`
    links.push(resourceLink(`backtest://${id}/trades/1.csv`, 'trades', description, 'text/csv'))
  }
  if (totalPoints !== undefined) {
    const description = `First page of ${totalPoints} points of the curve.`
    links.push(resourceLink(`backtest://${id}/equity/1.csv`, 'equity', description, 'text/csv'))
  }
  return links
}

/** Returns whether the client knows links. */
export function acceptsLinks({ server }: Context): boolean {
  const version = server.server.getNegotiatedProtocolVersion()
  return version === undefined || version >= FIRST_WITH_LINKS
}
