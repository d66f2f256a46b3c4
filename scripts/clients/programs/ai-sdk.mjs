/** The AI SDK. */

import { createMCPClient } from '@ai-sdk/mcp'
import { Experimental_StdioMCPTransport } from '@ai-sdk/mcp/mcp-stdio'

const { server, run } = JSON.parse(process.argv[2] ?? '')
const client = await createMCPClient({ transport: new Experimental_StdioMCPTransport(server) })
const tools = await client.tools()
const answer = await tools.run_backtest.execute(run, { toolCallId: '1', messages: [] })
console.log(JSON.stringify({ tools: Object.keys(tools).length, answer }))
await client.close()
