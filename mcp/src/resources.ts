/** What can be read by address: runs, their results, metrics and pictures, and strategies. */

import { type ReadResourceResult, ResourceNotFoundError, ResourceTemplate } from '@modelcontextprotocol/server'
import { chartOf } from './charts.js'
import { failureOf } from './failure.js'
import { metricsOf, rowOf, strategyOf, summaryOf, wholeResult } from './present.js'
import type { Context } from './tool.js'

/** So many runs are listed, and so many ids are offered to complete one. */
const LISTED = 20
const OFFERED = 100

const JSON_TYPE = 'application/json'

/** Registers the resources with a server. */
export function registerResources({ engine, runs, server }: Context): void {
  const ids = async (value: string) => {
    const kept = await engine.listBacktests({ limit: 1000 })
    return kept
      .map(({ backtestId }) => backtestId)
      .filter((id) => id.startsWith(value))
      .slice(0, OFFERED)
  }
  const complete = { id: ids }

  const run = new ResourceTemplate('backtest://{id}', {
    list: async () => ({
      resources: (await engine.listBacktests({ limit: LISTED })).map((summary) => {
        const { asset_symbol, backtest_id, end_date, start_date, status, strategy_id } = rowOf(summary)
        return {
          uri: `backtest://${backtest_id}`,
          name: String(backtest_id),
          title: `${strategy_id} on ${asset_symbol}, ${start_date} to ${end_date}: ${status}`,
          mimeType: JSON_TYPE,
        }
      }),
    }),
    complete,
  })
  const about = (title: string, description: string, mimeType = JSON_TYPE) => ({ title, description, mimeType })

  server.registerResource('backtest', run, about('A backtest', 'How far it is, and its summary.'), (uri, { id }) =>
    read(uri, async () => {
      const result = await found(uri, String(id))
      return json(uri, summaryOf(result, runs.find(result.backtestId)?.progress?.progress ?? null))
    }),
  )
  server.registerResource(
    'results',
    new ResourceTemplate('backtest://{id}/results', { list: undefined, complete }),
    about('Results of a backtest', 'The whole result: metrics, trades, equity curve.'),
    (uri, { id }) => read(uri, async () => json(uri, wholeResult(await found(uri, String(id))))),
  )
  server.registerResource(
    'metrics',
    new ResourceTemplate('backtest://{id}/metrics', { list: undefined, complete }),
    about('Metrics of a backtest', 'All metrics, exact.'),
    (uri, { id }) => read(uri, async () => json(uri, metricsOf(await engine.getMetrics(String(id))))),
  )
  server.registerResource(
    'chart',
    new ResourceTemplate('backtest://{id}/chart.png', { list: undefined, complete }),
    about('Chart of a backtest', 'Price with trades, equity against buy and hold, drawdown.', 'image/png'),
    (uri, { id }) =>
      read(uri, async () => ({
        contents: [{ uri: uri.href, mimeType: 'image/png', blob: await chartOf(engine, String(id)) }],
      })),
  )
  server.registerResource(
    'strategies',
    'strategies://list',
    about('The strategies', 'Every strategy with its parameters as JSON Schema, and its text.'),
    (uri) => read(uri, async () => json(uri, (await engine.listStrategies()).map(strategyOf))),
  )

  async function found(uri: URL, id: string) {
    const result = await engine.getBacktestResults(id)
    if (result === null) throw new ResourceNotFoundError(uri.href)
    return result
  }
}

/** Reads a resource. One that is not there is told by the protocol's code; no other error takes its stack along. */
async function read(uri: URL, reading: () => Promise<ReadResourceResult>): Promise<ReadResourceResult> {
  try {
    return await reading()
  } catch (error) {
    if (error instanceof ResourceNotFoundError) throw error
    const { code, message } = failureOf(error)
    // A malformed id is the id of nothing.
    if (code === 'NOT_FOUND' || code === 'INVALID_ARGUMENT') throw new ResourceNotFoundError(uri.href)
    throw new Error(`${code}: ${message}`)
  }
}

function json(uri: URL, value: unknown): ReadResourceResult {
  return { contents: [{ uri: uri.href, mimeType: JSON_TYPE, text: JSON.stringify(value) }] }
}
