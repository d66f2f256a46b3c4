/** The MCP server over an engine. */

import { McpServer, type Transport } from '@modelcontextprotocol/server'
import { VERSION } from './about.js'
import { bounded } from './bounded.js'
import type { Engine } from './engine.js'
import { registerPrompts } from './prompts.js'
import { registerResources } from './resources.js'
import { Runs } from './runs.js'
import { type ServerOptions, settingsOf } from './settings.js'
import type { Context } from './tool.js'
import { TOOLS } from './tools/index.js'

const INSTRUCTIONS =
  'Backtests of trading strategies on stored bars. Begin with list_assets and list_strategies, state a hypothesis, keep a part ' +
  'of the bars back, run_backtest on the rest, then once on the part kept back. Every answer begins with a headline and with ' +
  'caveats: pass the caveats on. Numbers are percent where they are returns, drawdowns or rates. No order reaches a market.'

const FIXED = { listChanged: false }

/**
 * Makes an MCP server over an engine. It is not connected yet: `await server.connect(transport)`. Servers over the same
 * engine share its runs, so that a run started by one can be followed and stopped by another. Closing a server does not
 * close the engine.
 */
export function createBacktestingServer(engine: Engine, options: ServerOptions = {}): McpServer {
  const settings = settingsOf(options)
  const server = new BoundedServer(
    { name: 'aitradepro-backtesting', title: 'AITradePro backtesting', version: VERSION },
    // The lists of tools and prompts never change, and changes of the list of runs are not told.
    { instructions: INSTRUCTIONS, capabilities: { tools: FIXED, prompts: FIXED, resources: FIXED } },
  )
  const context: Context = { engine, runs: Runs.of(engine), settings, server }
  for (const { register } of TOOLS) register(context)
  registerResources(context)
  registerPrompts(context)
  return server
}

/**
 * A server whose errors are one line of bounded length. The tools see to that themselves, but the SDK quotes what it was sent:
 * names of tools and addresses as long as a whole message, and lists of everything that a schema found wrong.
 */
class BoundedServer extends McpServer {
  override connect(transport: Transport): Promise<void> {
    const send = transport.send.bind(transport)
    transport.send = (message, options) => send(bounded(message), options)
    return super.connect(transport)
  }
}
