/** Resources: backtests, their results, metrics and charts, sweeps, and strategies. */

import { type ReadResourceResult, ResourceNotFoundError, ResourceTemplate } from '@modelcontextprotocol/server'
import { renderChartBase64 } from './answers/charts.js'
import { toFailure } from './answers/failure.js'
import { fullResult, fullStrategy, namedMetrics, runSummary, summaryRow } from './answers/summaries.js'
import { sweepSummary } from './answers/sweep-summaries.js'
import { MAX_ROWS, PAGE_ROWS, rowCount, type Table, tableRows, toCsvText } from './answers/tables.js'
import { trialsBefore } from './answers/trials.js'
import { PAGE } from './language/page.js'
import type { Context } from './tool.js'

/** Backtests in the list of resources. */
const MAX_LISTED = 20
/** Suggested completions of an id. */
const MAX_COMPLETIONS = 100

const JSON_TYPE = 'application/json'
const CSV_TYPE = 'text/csv'

/** Registers the resources with a server. */
export function registerResources({ engine, runs, server }: Context): void {
  const ids = async (value: string) => {
    const backtests = await engine.listBacktests({ limit: 1000 })
    return backtests
      .map(({ backtestId }) => backtestId)
      .filter((id) => id.startsWith(value))
      .slice(0, MAX_COMPLETIONS)
  }
  const complete = { id: ids }
  const sweepIds = async (value: string) => {
    const sweeps = await engine.listSweeps({ limit: 1000 })
    return sweeps
      .map(({ sweepId }) => sweepId)
      .filter((id) => id.startsWith(value))
      .slice(0, MAX_COMPLETIONS)
  }

  const run = new ResourceTemplate('backtest://{id}', {
    list: async () => ({
      resources: (await engine.listBacktests({ limit: MAX_LISTED })).map((summary) => {
        const { asset_symbol, backtest_id, end_date, start_date, status, strategy_id } = summaryRow(summary)
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
  const metadata = (title: string, description: string, mimeType = JSON_TYPE) => ({ title, description, mimeType })

  server.registerResource('backtest', run, metadata('A backtest', 'Status, progress and summary.'), (uri, { id }) =>
    read(uri, async () => {
      const result = await found(uri, String(id))
      const progress = runs.find(result.backtestId)?.progress?.progress
      return json(uri, runSummary(result, { progress, trials: await trialsBefore(engine, result) }))
    }),
  )
  server.registerResource(
    'results',
    new ResourceTemplate('backtest://{id}/results', { list: undefined, complete }),
    metadata('Results of a backtest', 'The full result: metrics, trades, equity curve.'),
    (uri, { id }) => read(uri, async () => json(uri, fullResult(await found(uri, String(id))))),
  )
  for (const table of Object.keys(PAGE_ROWS) as Table[]) registerTable(table)
  server.registerResource(
    'metrics',
    new ResourceTemplate('backtest://{id}/metrics', { list: undefined, complete }),
    metadata('Metrics of a backtest', 'All metrics, unrounded.'),
    (uri, { id }) => read(uri, async () => json(uri, namedMetrics(await engine.getMetrics(String(id))))),
  )
  server.registerResource(
    'chart',
    new ResourceTemplate('backtest://{id}/chart.png', { list: undefined, complete }),
    metadata('Chart of a backtest', 'Price with trades, equity compared with buy and hold, drawdown.', 'image/png'),
    (uri, { id }) =>
      read(uri, async () => ({
        contents: [{ uri: uri.href, mimeType: 'image/png', blob: await renderChartBase64(engine, String(id)) }],
      })),
  )
  server.registerResource(
    'sweep',
    new ResourceTemplate('sweep://{id}', { list: undefined, complete: { id: sweepIds } }),
    metadata('A parameter sweep', 'Status, progress, what speaks against the best combination, and the best ones.'),
    (uri, { id }) =>
      read(uri, async () => {
        const result = await engine.getSweep(String(id), { from: 0, to: 0 })
        if (result === null) throw new ResourceNotFoundError(uri.href)
        return json(uri, sweepSummary(result, { progress: runs.findSweep(result.sweepId)?.progress }))
      }),
  )
  server.registerResource(
    'strategies',
    'strategies://list',
    metadata('The strategies', 'Every strategy with its source and the JSON Schema of its parameters.'),
    (uri) => read(uri, async () => json(uri, (await engine.listStrategies()).map(fullStrategy))),
  )

  /** Registers a table of a run: all rows as CSV, pages as CSV and as JSON. The names of pages end with their format. */
  function registerTable(table: Table) {
    const what = table === 'trades' ? 'trades' : 'equity curve'
    const address = `backtest://{id}/${table}`
    server.registerResource(
      `${table}-csv`,
      new ResourceTemplate(`${address}.csv`, { list: undefined, complete }),
      metadata(`All ${what}`, `As CSV, at most ${MAX_ROWS[table]} rows.`, CSV_TYPE),
      (uri, { id }) =>
        read(uri, async () => csv(uri, tableRows(await found(uri, String(id)), table, 0, MAX_ROWS[table]))),
    )
    server.registerResource(
      `${table}-page`,
      new ResourceTemplate(`${address}/{page}`, { list: undefined, complete }),
      metadata(`A page of the ${what}`, `Page 1, 2 … of ${PAGE_ROWS[table]} rows: "1.csv", or "1.json".`),
      (uri, { id, page }) =>
        read(uri, async () => {
          const [, number, format] = /^([1-9]\d{0,8})\.(csv|json)$/.exec(String(page)) ?? []
          if (number === undefined) throw new ResourceNotFoundError(uri.href)
          const result = await found(uri, String(id))
          const total = rowCount(result, table)
          const from = (Number(number) - 1) * PAGE_ROWS[table]
          if (from > 0 && from >= total) throw new ResourceNotFoundError(uri.href)
          const rows = tableRows(result, table, from, from + PAGE_ROWS[table])
          if (format === 'csv') return csv(uri, rows)
          const next = from + rows.length < total ? `backtest://${id}/${table}/${Number(number) + 1}.json` : null
          return json(uri, { backtest_id: id, [table]: rows, from, total, next })
        }),
    )
  }

  server.registerResource(
    'language',
    'language://reference',
    metadata('The strategy language', 'Tutorial, recipes, rules, and every function and indicator.', 'text/markdown'),
    (uri) => ({ contents: [{ uri: uri.href, mimeType: 'text/markdown', text: PAGE }] }),
  )

  async function found(uri: URL, id: string) {
    const result = await engine.getBacktestResults(id)
    if (result === null) throw new ResourceNotFoundError(uri.href)
    return result
  }
}

/** Reads a resource. Reports a missing one with the protocol's own error, and any other error without its stack trace. */
async function read(uri: URL, reading: () => Promise<ReadResourceResult>): Promise<ReadResourceResult> {
  try {
    return await reading()
  } catch (error) {
    if (error instanceof ResourceNotFoundError) throw error
    const { code, message } = toFailure(error)
    // A malformed id cannot belong to any backtest.
    if (code === 'NOT_FOUND' || code === 'INVALID_ARGUMENT') throw new ResourceNotFoundError(uri.href)
    throw new Error(`${code}: ${message}`)
  }
}

function json(uri: URL, value: unknown): ReadResourceResult {
  return { contents: [{ uri: uri.href, mimeType: JSON_TYPE, text: JSON.stringify(value) }] }
}

function csv(uri: URL, rows: Record<string, unknown>[]): ReadResourceResult {
  return { contents: [{ uri: uri.href, mimeType: CSV_TYPE, text: toCsvText(rows) }] }
}
