/**
 * A backend in TypeScript that mounts the MCP server behind its own authentication. Each user only sees its own runs: over MCP,
 * where a model cannot name another user, and on the backend's own routes.
 *
 *   npm install @aitradepro/backtesting @modelcontextprotocol/server
 *   node examples/mcp-backend.ts        (Node.js 22.18 or later; with earlier ones, compile it first)
 *
 * With Express: `app.all('/mcp', (request, response) => mcp(request, response))`, before any body parser.
 */

import { createHash, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import { BacktestEngine } from '@aitradepro/backtesting'
import { createBacktestingHttpHandler } from '@aitradepro/backtesting/mcp'

/** Stands for your table of users: hashes of their keys, because a table of keys can be stolen. */
const USERS: [keyHash: Buffer, userId: string][] = [
  [hash(process.env.ALICE_KEY ?? 'alice-example-key'), 'alice'],
  [hash(process.env.BOB_KEY ?? 'bob-example-key'), 'bob'],
]

function hash(key: string): Buffer {
  return createHash('sha256').update(key).digest()
}

/** Returns the user of a request; undefined without a valid key. */
function userOf({ headers }: IncomingMessage): string | undefined {
  const key = /^Bearer (\S+)$/.exec(headers.authorization ?? '')?.[1]
  if (key === undefined) return undefined
  const given = hash(key)
  return USERS.find(([known]) => timingSafeEqual(known, given))?.[1]
}

// One engine for all: users share bars, strategies and the queue, but not runs.
const engine = new BacktestEngine()
const mcp = createBacktestingHttpHandler(engine, {
  userOf,
  allowedHosts: (process.env.ALLOWED_HOSTS ?? 'localhost,127.0.0.1').split(','),
})

/** Answers `GET /runs`: the runs of the user, also those that a model started. */
async function runs(request: IncomingMessage): Promise<{ status: number; body: unknown }> {
  const userId = userOf(request)
  if (userId === undefined) return { status: 401, body: { error: 'no valid key' } }
  const found = await engine.listBacktests({ userId, limit: 20 })
  return {
    status: 200,
    body: found.map(({ backtestId, status, totalReturn }) => ({ backtestId, status, totalReturn })),
  }
}

const server = createServer((request, response) => {
  if (request.url === '/mcp') {
    // It never rejects.
    void mcp(request, response)
  } else if (request.url === '/runs') {
    runs(request)
      .then(({ status, body }) => {
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
      })
      .catch(() => response.writeHead(500).end())
  } else {
    response.writeHead(404).end()
  }
})

server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  const address = server.address()
  console.log(`listening on http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/mcp`)
})

process.once('SIGTERM', async () => {
  server.close()
  await mcp.close()
  await engine.close()
  server.closeAllConnections()
})
