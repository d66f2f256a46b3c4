/** The OpenAI Agents SDK. Its strict mode, which forbids parameters with names of their own, is off by default. */

import { getAllMcpTools, MCPServerStdio, RunContext, withTrace } from '@openai/agents'

const { server, run } = JSON.parse(process.argv[2] ?? '')
const mcp = new MCPServerStdio({ name: 'backtesting', ...server })
await mcp.connect()
const tools = await withTrace('check', () => getAllMcpTools([mcp]))
const tool = tools.find(({ name }) => name === 'run_backtest')
const answer = await tool.invoke(new RunContext(), JSON.stringify(run))
console.log(JSON.stringify({ tools: tools.length, answer }))
await mcp.close()
process.exit(0)
