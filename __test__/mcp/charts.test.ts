import { Client, InMemoryTransport } from '@modelcontextprotocol/client'
import { expect, onTestFinished, test } from 'vitest'
import { createBacktestingServer, type Engine } from '../../mcp/dist/index.js'
import { newEngine, SP500 } from '../support.js'
import { call, client, RUN, raw, store } from './support.js'

const PNG = Buffer.of(0x89, 0x50, 0x4e, 0x47)

/** Connects a client to a server whose engine renders charts with the given function. */
async function connect(renderChart: Engine['renderChart']): Promise<Client> {
  const engine = newEngine()
  await engine.importBars({ assetSymbol: 'SP500', timeframe: '1d', bars: SP500 })
  const drawing = new Proxy(engine, {
    get(target, name) {
      if (name === 'renderChart') return renderChart
      const value = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  const mcp = new Client({ name: 'test', version: '1' })
  const [near, far] = InMemoryTransport.createLinkedPair()
  await Promise.all([createBacktestingServer(drawing as Engine).connect(far as never), mcp.connect(near)])
  onTestFinished(() => mcp.close())
  return mcp
}

test('run_backtest, get_backtest_results and a resource return a chart on request', async () => {
  const drawn: unknown[] = []
  const mcp = await connect(async (id, options) => {
    drawn.push([id, options])
    return PNG
  })
  const run = await raw(mcp, 'run_backtest', { ...RUN, include_chart: true })
  const image = { type: 'image', mimeType: 'image/png', data: PNG.toString('base64') }
  expect(run.content.map(({ type }) => type).slice(0, 3)).toEqual(['text', 'resource', 'image'])
  expect(run.content[2]).toEqual(image)
  const { backtest_id } = run.structuredContent as { backtest_id: string }
  expect(drawn).toEqual([[backtest_id, { format: 'png', width: 1000, height: 750 }]])
  expect((await raw(mcp, 'get_backtest_results', { backtest_id, include_chart: true })).content[2]).toEqual(image)
  const { contents } = await mcp.readResource({ uri: `backtest://${backtest_id}/chart.png` })
  expect(contents).toEqual([{ uri: `backtest://${backtest_id}/chart.png`, mimeType: 'image/png', blob: image.data }])
  const without = await raw(mcp, 'get_backtest_results', { backtest_id })
  expect(without.content.filter(({ type }) => type === 'image')).toEqual([])
  expect(drawn).toHaveLength(3)
})

test('a result is returned even if its chart cannot be rendered', async () => {
  const mcp = await connect(async () => {
    const fields = { name: 'BacktestError', code: 'BAD_DATA', retryable: false, issues: [] }
    throw Object.assign(new Error('the bars of the run have changed'), fields)
  })
  const run = await raw(mcp, 'run_backtest', { ...RUN, include_chart: true })
  expect(run.isError).toBeFalsy()
  const { backtest_id } = run.structuredContent as { backtest_id: string }
  expect(run.content[2]).toEqual({
    type: 'text',
    text: `There is no chart of ${backtest_id}: the bars of the run have changed.`,
  })
  const uri = `backtest://${backtest_id}/chart.png`
  await expect(mcp.readResource({ uri })).rejects.toThrow('BAD_DATA: the bars of the run have changed')
  expect(await call(mcp, 'list_assets')).toMatchObject({ assets_total: 1 })
})

test('the server returns the chart that the engine renders', async () => {
  const mcp = await client({ DATA_DIR: await store() })
  const run = await raw(mcp, 'run_backtest', { ...RUN, include_chart: true })
  const image = run.content[2]
  const png = Buffer.from(image?.type === 'image' ? image.data : '', 'base64')
  expect(png.subarray(1, 4).toString()).toBe('PNG')
  expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([1000, 750])
  const { backtest_id } = run.structuredContent as { backtest_id: string }
  const { contents } = await mcp.readResource({ uri: `backtest://${backtest_id}/chart.png` })
  expect(contents).toMatchObject([{ mimeType: 'image/png', blob: png.toString('base64') }])
  // Clients accept messages of up to 10 MB, and a model pays for every pixel.
  expect(png.length).toBeLessThan(500_000)
})
