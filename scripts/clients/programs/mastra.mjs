/** Mastra. */

import { MCPClient } from '@mastra/mcp'

const { server, run } = JSON.parse(process.argv[2] ?? '')
const client = new MCPClient({ servers: { backtesting: server } })
const tools = await client.listTools()
const answer = await tools.backtesting_run_backtest.execute(run, {})
console.log(JSON.stringify({ tools: Object.keys(tools).length, answer }))
await client.disconnect()
process.exit(0)
