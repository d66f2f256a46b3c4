/**
 * Updates the generated parts of docs/mcp.md: a session of a real client with the real server, and the sizes of tools and
 * results in bytes and tokens. With `--check`, changes nothing and fails if the page is out of date.
 *
 * Ids and timestamps differ each time, so they are replaced by a fixed id and timestamp.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { getEncoding } from 'js-tiktoken'
import { block, fail, fill, ROOT } from './lib.mjs'

const { BacktestEngine } = createRequire(import.meta.url)('../index.js')

/**
 * Replaces each id of a run by one that is the same every time.
 * @param {string} id
 */
function fixed(id) {
  if (!seen.includes(id)) seen.push(id)
  return `bt-2f6c1e9a4b${(seen.indexOf(id) + 7).toString(16).padStart(2, '0')}`
}

/** @type {string[]} */
const seen = []

/** Replaces every id of a sweep. */
const SWEEP_ID = 'sw-8d41f0b6c352'

const encoding = getEncoding('o200k_base')
const file = join(ROOT, 'docs', 'mcp.md')
const dataDir = mkdtempSync(join(tmpdir(), 'backtesting-mcp-'))
const client = new Client({ name: 'docs', version: '1' })
/** @type {string} */
let page
try {
  await fillStore()
  const environment = Object.entries(process.env).filter(([name]) => !/^(DATABASE_|DB_|MAX_|MCP_)/.test(name))
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [join(ROOT, 'mcp', 'dist', 'cli.js')],
      cwd: dataDir,
      env: /** @type {Record<string, string>} */ ({
        ...Object.fromEntries(environment),
        DATA_DIR: dataDir,
        LOG_LEVEL: 'off',
      }),
    }),
  )
  const before = readFileSync(file, 'utf8')
  page = fill(fill(before, 'a session', block('text', await session())), 'what it costs', await costs())
  if (process.argv.includes('--check')) {
    if (page !== before) fail('docs/mcp.md is out of date: run `npm run docs:mcp`')
  } else if (page !== before) {
    writeFileSync(file, page)
  }
} finally {
  await client.close()
  rmSync(dataDir, { recursive: true, force: true })
}

async function fillStore() {
  const engine = new BacktestEngine({ dataDir, databaseUrl: undefined, logLevel: 'off' })
  const bars = join(ROOT, 'data', 'sp500-daily.csv')
  await engine.importBars({ assetSymbol: 'SP500', timeframe: '1d', bars })
  await engine.close()
}

/**
 * Calls a tool and returns its result with fixed ids and timestamps.
 * @param {string} name
 * @param {Record<string, unknown>} args
 */
async function call(name, args) {
  const result = await client.callTool({ name, arguments: args })
  const { backtest_id, sweep_id } = /** @type {{ backtest_id?: string, sweep_id?: string }} */ (
    result.structuredContent ?? {}
  )
  const text = JSON.stringify(result)
    .replace(/bt-[0-9a-f]{12}/g, fixed)
    .replace(/sw-[0-9a-f]{12}/g, SWEEP_ID)
    .replace(/(elapsed_ms\\?":)\d+/g, '$15')
    .replace(/(Run before, at )[0-9-]+ [0-9:]+/, '$12026-01-05 09:30')
    .replace(/(created_at|completed_at)(\\?":\\?")[0-9TZ:.-]+/g, '$1$22026-01-05T09:30:00.000Z')
  return { id: backtest_id ?? sweep_id, answer: /** @type {typeof result} */ (JSON.parse(text)) }
}

/** Records a typical study of a model: its calls and the texts it reads. */
async function session() {
  const run = {
    strategy_id: 'sma_crossover',
    asset_symbol: 'SP500',
    initial_capital: 10_000,
    parameters: { fast_period: 50, slow_period: 200 },
    simulation: { execution: 'nextOpen' },
  }
  const steps = [
    { name: 'list_assets', args: {} },
    {
      name: 'run_backtest',
      args: { ...run, start_date: '2005-01-03', end_date: '2009-12-31', strategy_id: 'sma_cross' },
    },
    { name: 'run_backtest', args: { ...run, start_date: '2005-01-03', end_date: '2009-12-31' } },
    { name: 'run_backtest', args: { ...run, start_date: '2010-01-04', end_date: '2014-12-31' } },
    { name: 'compare_backtests', args: { backtest_ids: [] } },
    { name: 'get_metrics', args: { backtest_id: '', metrics: ['sharpe_ratio', 'max_drawdown_duration_days'] } },
    {
      name: 'run_sweep',
      args: {
        ...run,
        start_date: '2000-01-03',
        end_date: '2009-12-31',
        parameters: [
          { name: 'fast_period', from: 10, to: 100, step: 10 },
          { name: 'slow_period', from: 150, to: 300, step: 25 },
        ],
      },
    },
  ]
  const lines = []
  /** @type {string[]} */
  const ids = []
  for (const { name, args } of steps) {
    const last = ids.at(-1)
    const given =
      'backtest_id' in args
        ? { ...args, backtest_id: last }
        : 'backtest_ids' in args
          ? { backtest_ids: ids.slice(-2) }
          : args
    const { id, answer } = await call(name, given)
    if (id !== undefined && id !== last) ids.push(id)
    const shown = JSON.stringify(given).replace(/bt-[0-9a-f]{12}/g, fixed)
    const [text] = answer.content.flatMap((part) => (part.type === 'text' ? [part.text] : []))
    lines.push(`> ${name} ${shown}`, ...(text ?? '').split('\n').map(shortened), '')
  }
  return lines.join('\n').trimEnd()
}

/**
 * Truncates long lines: the numbers of a run are a single line.
 * @param {string} line
 */
function shortened(line) {
  return line.length > 420 ? `${line.slice(0, 400)} … (${line.length} characters)` : line
}

/** Measures what each tool and typical results add to the context of a model. */
async function costs() {
  const { tools } = await client.listTools()
  const shown = tools.map(({ name, description, inputSchema }) => ({
    name,
    text: JSON.stringify({ name, description, inputSchema }),
  }))
  const rows = shown.map(({ name, text }) => `| \`${name}\` | ${size(text)} |`)
  const all = shown.map(({ text }) => text).join('\n')
  const range = { start_date: '2010-01-04', end_date: '2014-12-31' }
  const run = { strategy_id: 'sma_crossover', asset_symbol: 'SP500', initial_capital: 10_000, ...range }
  const { id: backtest_id } = await call('run_backtest', run)
  const parameters = { fast_period: { from: 10, to: 100, step: 10 }, slow_period: { from: 150, to: 300, step: 25 } }
  const { strategies_total } = /** @type {{ strategies_total: number }} */ (
    (await call('list_strategies', {})).answer.structuredContent
  )
  const calls = [
    { name: 'run_backtest', args: run, what: 'a run of 1258 bars' },
    { name: 'get_backtest_results', args: { backtest_id, detail: 'summary' }, what: 'detail "summary"' },
    { name: 'get_backtest_results', args: { backtest_id }, what: 'without detail' },
    { name: 'get_backtest_results', args: { backtest_id, detail: 'full' }, what: 'detail "full"' },
    { name: 'list_strategies', args: {}, what: `${strategies_total} strategies` },
    { name: 'list_strategies', args: { strategy_id: 'rsi' }, what: 'one, in full' },
    { name: 'validate_strategy', args: { strategy_config: { strategy_id: 'rsi' } }, what: 'valid' },
    { name: 'get_metrics', args: { backtest_id, metrics: ['sharpe_ratio'] }, what: 'one' },
    { name: 'get_metrics', args: { backtest_id }, what: 'all' },
    { name: 'describe_language', args: {}, what: 'the overview' },
    { name: 'list_assets', args: {}, what: 'one asset' },
    { name: 'list_backtests', args: {}, what: 'all runs of the session above' },
    { name: 'run_sweep', args: { ...run, parameters }, what: '70 combinations' },
    { name: 'get_sweep', args: { sweep_id: '' }, what: 'the summary' },
    { name: 'get_sweep', args: { sweep_id: '', from: 0 }, what: 'a page' },
    { name: 'run_backtest', args: { ...run, strategy_id: 'sma' }, what: 'an unknown strategy' },
  ]
  const answers = []
  let last = ''
  for (const { name, args, what } of calls) {
    const { id, answer } = await call(name, 'sweep_id' in args ? { ...args, sweep_id: last } : args)
    last = id ?? last
    const [text] = answer.content.flatMap((part) => (part.type === 'text' ? [part.text] : []))
    const structured = answer.structuredContent === undefined ? '– | –' : size(JSON.stringify(answer.structuredContent))
    const resource = answer.content.flatMap((part) =>
      part.type === 'resource' && 'text' in part.resource ? [part.resource.text] : [],
    )
    answers.push(`| \`${name}\` | ${what} | ${structured} | ${size(text ?? '')} | ${size(resource.join(''))} |`)
  }
  return [
    '| tool | bytes | tokens |',
    '| --- | ---: | ---: |',
    ...rows,
    `| all ${tools.length} | ${size(all)} |`,
    '',
    '| result | | structured: bytes | tokens | text: bytes | tokens | resource: bytes | tokens |',
    '| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |',
    ...answers,
  ].join('\n')
}

/** @param {string} text */
function size(text) {
  if (text === '') return '– | –'
  return `${Buffer.byteLength(text)} | ${encoding.encode(text).length}`
}
