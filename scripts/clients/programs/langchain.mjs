/** LangChain. */

import { MultiServerMCPClient } from '@langchain/mcp-adapters'

const { server, run } = JSON.parse(process.argv[2] ?? '')
const client = new MultiServerMCPClient({ mcpServers: { backtesting: { transport: 'stdio', ...server } } })
const tools = await client.getTools()
const answer = await tools.find(({ name }) => name.endsWith('run_backtest')).invoke(run)
console.log(JSON.stringify({ tools: tools.length, answer }))
await client.close()
