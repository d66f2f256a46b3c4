/** The official TypeScript SDK of the first generation. */

import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'

const { server, run } = JSON.parse(process.argv[2] ?? '')
const client = new Client({ name: 'check', version: '1' })
await client.connect(new StdioClientTransport(server))
const { tools } = await client.listTools()
const answer = await client.callTool({ name: 'run_backtest', arguments: run })
await client.readResource({ uri: `backtest://${answer.structuredContent.backtest_id}/results` })
console.log(JSON.stringify({ tools: tools.length, answer }))
await client.close()
