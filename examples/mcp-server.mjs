/**
 * Mounts the MCP server in your own backend, next to its other routes. The backend also needs the MCP SDK,
 * `@modelcontextprotocol/server`.
 *
 *   node examples/mcp-server.mjs      then: claude mcp add --transport http backtesting http://127.0.0.1:3000/mcp
 */

import { createServer } from 'node:http'
import { BacktestEngine } from '@aitradepro/backtesting'
import { createBacktestingHttpHandler } from '@aitradepro/backtesting/mcp'

// The backend's own engine: the backend can list, follow and stop the runs of a model.
const engine = new BacktestEngine()
const mcp = createBacktestingHttpHandler(engine, { waitSeconds: 5 })

const server = createServer((request, response) => {
  if (request.url === '/mcp') {
    // If other computers can connect, set `tokens` and `allowedHosts`, or authenticate here. The handler never rejects.
    void mcp(request, response)
  } else if (request.url === '/runs') {
    sendRuns(response).catch(() => response.writeHead(500).end())
  } else {
    response.writeHead(404).end()
  }
})
server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  const address = server.address()
  console.log(`listening on http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/mcp`)
})

/** @param {import('node:http').ServerResponse} response */
async function sendRuns(response) {
  const runs = JSON.stringify(await engine.listBacktests({ limit: 5 }))
  response.setHeader('content-type', 'application/json')
  response.end(runs)
}

process.once('SIGTERM', async () => {
  server.close()
  await mcp.close()
  await engine.close()
  server.closeAllConnections()
})
