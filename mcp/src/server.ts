/** The MCP server for an engine. */

import { McpServer, type Transport } from '@modelcontextprotocol/server'
import type { Engine } from './engine.js'
import { ICON } from './icon.js'
import { registerPrompts } from './prompts.js'
import { registerResources } from './resources.js'
import { Runs } from './runs.js'
import { sanitizeError } from './sanitize-errors.js'
import { resolveOptions, type ServerOptions } from './server-options.js'
import { registerSubscriptions } from './subscriptions.js'
import type { Context } from './tool.js'
import { TOOLS } from './tools/index.js'
import { engineOf } from './user-engine.js'
import { VERSION } from './version.js'

const INSTRUCTIONS =
  'Backtests trading strategies on stored bars. Start with list_assets and list_strategies, state a hypothesis, hold out a part ' +
  'of the bars, call run_backtest on the rest, then once on the held-out part. To compare parameters, call run_sweep, not many runs. Every result starts with a headline and caveats: ' +
  'pass the caveats on to the user. Returns, drawdowns and rates are in percent. No order is ever sent to a market.'

const FIXED = { listChanged: false }

/**
 * Creates an MCP server for an engine. Connect it with `await server.connect(transport)`. Servers of the same engine share its
 * runs: a run started by one can be followed and cancelled by another. Closing a server does not close the engine.
 */
export function createBacktestingServer(engine: Engine, options: ServerOptions = {}): McpServer {
  return createServer(engine, options, { canSubscribe: true })
}

/** Creates a server. One that only lives for a request cannot send updates after it. */
export function createServer(
  engine: Engine,
  options: ServerOptions,
  { canSubscribe }: { canSubscribe: boolean },
): McpServer {
  const settings = resolveOptions(options)
  const server = new SanitizingServer(
    { name: 'aitradepro-backtesting', title: 'AITradePro backtesting', version: VERSION, icons: [ICON] },
    // The tools and prompts never change, and the server does not announce changes of the list of runs.
    {
      instructions: INSTRUCTIONS,
      capabilities: { tools: FIXED, prompts: FIXED, resources: { ...FIXED, subscribe: canSubscribe } },
    },
  )
  const { userId } = settings
  const own = userId === undefined ? engine : engineOf(engine, userId)
  const context: Context = { engine: own, runs: Runs.of(own), settings, server }
  for (const { register, isShared } of TOOLS) if (userId === undefined || !isShared) register(context)
  registerResources(context)
  registerPrompts(context)
  if (canSubscribe) registerSubscriptions(context)
  return server
}

/**
 * A server whose errors are single lines of bounded length. Tools limit their own errors, but the SDK quotes its input: tool
 * names and URIs as long as a whole message, and every error of a schema.
 */
class SanitizingServer extends McpServer {
  override connect(transport: Transport): Promise<void> {
    const send = transport.send.bind(transport)
    transport.send = (message, options) => send(sanitizeError(message), options)
    return super.connect(transport)
  }
}
