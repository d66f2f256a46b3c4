#!/usr/bin/env node
/** The command `aitradepro-backtesting-mcp`: serves an engine, configured by the environment, over stdio or HTTP. */

import { BacktestEngine } from '@aitradepro/backtesting'
import { serveStdio } from '@modelcontextprotocol/server/stdio'
import { type Command, environmentWithFile, parseCommand } from './cli-options.js'
import { createBacktestingHttpServer } from './http/http-server.js'
import { LineTransport } from './line-transport.js'
import { logDefect, logError } from './log.js'
import { createBacktestingServer } from './server.js'
import type { ServerOptions } from './server-options.js'
import { singleLine } from './single-line.js'

/** Exit code for an invalid command line. */
const EXIT_USAGE = 2

/** Time limit for a clean shutdown after a signal. */
const SHUTDOWN_TIMEOUT_MS = 20_000

// Standard output carries the protocol: nothing that a dependency prints may get into it.
console.log = console.error
console.info = console.error
console.debug = console.error

// Last resort: a bug that one request triggers must not end the server for all other clients. Durable state is safe, because
// the engine keeps it and does not share the state of this thread.
process.on('unhandledRejection', logDefect)
process.on('uncaughtException', logDefect)

main().catch((error: unknown) => {
  console.error(errorMessage(error))
  process.exit(1)
})

async function main(): Promise<void> {
  let command: Command
  try {
    command = await parseCommand(process.argv.slice(2), environmentWithFile(process.env))
  } catch (error) {
    console.error(`${errorMessage(error)}\nTry --help.`)
    process.exitCode = EXIT_USAGE
    return
  }
  if (command.kind === 'print') {
    process.stdout.write(command.text)
    return
  }
  // Before the engine is created, so that even an early signal leads to a clean shutdown.
  const signal = terminationSignal()
  const engine = new BacktestEngine()
  await (command.kind === 'stdio'
    ? serveOverStdio(engine, command.options, signal)
    : serveOverHttp(engine, command, signal))
  process.exit(0)
}

async function serveOverStdio(engine: BacktestEngine, options: ServerOptions, signal: Promise<void>): Promise<void> {
  const transport = new LineTransport()
  const handle = serveStdio(() => createBacktestingServer(engine, options), { transport, onerror: logError })
  await Promise.race([transport.closed, signal])
  await handle.close()
  await engine.close()
}

async function serveOverHttp(
  engine: BacktestEngine,
  { port, host, options }: Extract<Command, { kind: 'http' }>,
  signal: Promise<void>,
): Promise<void> {
  const server = createBacktestingHttpServer(engine, options)
  console.error(`listening on ${await server.listen(port, host)}`)
  await signal
  await server.close()
  await engine.close()
}

/** Resolves when the process is asked to terminate. */
function terminationSignal(): Promise<void> {
  return new Promise((resolve) => {
    const onSignal = () => {
      setTimeout(() => {
        console.error(`the shutdown took longer than ${SHUTDOWN_TIMEOUT_MS / 1000} s and was aborted`)
        process.exit(1)
      }, SHUTDOWN_TIMEOUT_MS).unref()
      resolve()
    }
    process.once('SIGINT', onSignal)
    process.once('SIGTERM', onSignal)
  })
}

function errorMessage(error: unknown): string {
  return singleLine(error instanceof Error ? error.message : String(error))
}
