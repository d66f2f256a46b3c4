#!/usr/bin/env node
/** The command `aitradepro-backtesting-mcp`: an engine with the settings of the environment, over stdio or HTTP. */

import { BacktestEngine } from '@aitradepro/backtesting'
import { serveStdio } from '@modelcontextprotocol/server/stdio'
import { type Command, environmentWithFile, read } from './command.js'
import { note, noteDefect } from './log.js'
import { createBacktestingHttpServer } from './serve.js'
import { createBacktestingServer } from './server.js'
import type { ServerOptions } from './settings.js'
import { LineTransport } from './stdio.js'
import { inLine } from './text.js'

/** Ends the process for a command line that makes no sense. */
const MISUSED = 2

/** After a signal the process ends by then, whatever does not. */
const LONGEST_END_MILLISECONDS = 20_000

// Standard output belongs to the protocol, whatever a dependency prints.
console.log = console.error
console.info = console.error
console.debug = console.error

// The last resort: a defect that one request brings to light must not end the server for all the others. What has to stay
// whole is kept by the engine, which does not share the state of this thread.
process.on('unhandledRejection', noteDefect)
process.on('uncaughtException', noteDefect)

main().catch((error: unknown) => {
  console.error(messageOf(error))
  process.exit(1)
})

async function main(): Promise<void> {
  let command: Command
  try {
    command = await read(process.argv.slice(2), environmentWithFile(process.env))
  } catch (error) {
    console.error(`${messageOf(error)}\nTry --help.`)
    process.exitCode = MISUSED
    return
  }
  if (command.kind === 'print') {
    process.stdout.write(command.text)
    return
  }
  // From now on a signal is an orderly end, however early it comes.
  const signal = signalled()
  const engine = new BacktestEngine()
  await (command.kind === 'stdio' ? overStdio(engine, command.options, signal) : overHttp(engine, command, signal))
  process.exit(0)
}

async function overStdio(engine: BacktestEngine, options: ServerOptions, signal: Promise<void>): Promise<void> {
  const transport = new LineTransport()
  const handle = serveStdio(() => createBacktestingServer(engine, options), { transport, onerror: note })
  await Promise.race([transport.closed, signal])
  await handle.close()
  await engine.close()
}

async function overHttp(
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

function signalled(): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      setTimeout(() => {
        console.error('the end took too long and was cut short')
        process.exit(1)
      }, LONGEST_END_MILLISECONDS).unref()
      resolve()
    }
    process.once('SIGINT', end)
    process.once('SIGTERM', end)
  })
}

function messageOf(error: unknown): string {
  return inLine(error instanceof Error ? error.message : String(error))
}
