/** Third-party clients: the command line of the MCP inspector, and the official conformance suite. */

import { spawn } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { folder, ROOT } from '../support.js'
import { COMMAND, environment, RUN, serveHttp, store } from './support.js'

const MODULES = join(ROOT, 'node_modules')

function run(
  args: string[],
  settings: Record<string, string>,
  cwd = folder(),
): Promise<{ status: number | null; stdout: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd,
      env: environment(settings),
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    let stdout = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    child.once('error', reject)
    child.once('close', (status) => resolve({ status, stdout }))
  })
}

describe('the inspector', () => {
  /** The command line belongs to a package of 160 MB, mostly a web page, of which it only reads the version. */
  function inspector(): string {
    const place = folder()
    const cli = join(place, 'cli')
    mkdirSync(cli)
    cpSync(join(MODULES, '@modelcontextprotocol', 'inspector-cli'), cli, { recursive: true })
    writeFileSync(join(place, 'package.json'), '{ "name": "@modelcontextprotocol/inspector", "version": "1.0.3" }\n')
    symlinkSync(MODULES, join(place, 'node_modules'), 'junction')
    return join(cli, 'build', 'cli.js')
  }

  // biome-ignore lint/suspicious/noExplicitAny: tests inspect arbitrary parts of the output.
  async function inspect(target: string[], settings: Record<string, string>, ...args: string[]): Promise<any> {
    const { status, stdout } = await run([inspector(), '--cli', ...target, ...args], settings)
    expect(status, stdout).toBe(0)
    return JSON.parse(stdout)
  }

  test('lists and calls over stdio', async () => {
    const settings = { DATA_DIR: await store() }
    const target = [process.execPath, COMMAND]
    const { tools } = await inspect(target, settings, '--method', 'tools/list')
    expect(tools).toHaveLength(15)
    const args = Object.entries(RUN).flatMap(([name, value]) => [
      '--tool-arg',
      `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
    ])
    const called = await inspect(target, settings, '--method', 'tools/call', '--tool-name', 'run_backtest', ...args)
    expect(called.structuredContent).toMatchObject({ status: 'completed', total_return: 39.0549 })
    const uri = `backtest://${called.structuredContent.backtest_id}/metrics`
    const read = await inspect(target, settings, '--method', 'resources/read', '--uri', uri)
    expect(JSON.parse(read.contents[0].text).sharpe_ratio).toBeCloseTo(0.8230161786423901, 13)
    expect((await inspect(target, settings, '--method', 'prompts/list')).prompts).toHaveLength(3)
  })

  test('lists over HTTP', async () => {
    const { url } = await serveHttp([], { DATA_DIR: await store() })
    const { resourceTemplates } = await inspect(
      [url, '--transport', 'http'],
      {},
      '--method',
      'resources/templates/list',
    )
    expect(resourceTemplates.length).toBeGreaterThanOrEqual(3)
  })
})

test('the conformance suite only fails on features that this server does not offer', async () => {
  const { url } = await serveHttp([], { DATA_DIR: await store() })
  const place = folder()
  const suite = join(MODULES, '@modelcontextprotocol', 'conformance', 'dist', 'index.js')
  await run([suite, 'server', '--url', url, '--output-dir', place], {}, place)
  const checks = readdirSync(place).flatMap((name) => {
    const scenario = name.replace(/^server-(.*)-\d{4}-\d\d-\d\dT.*$/, '$1')
    const found = JSON.parse(readFileSync(join(place, name, 'checks.json'), 'utf8')) as {
      status: string
      errorMessage?: string
    }[]
    return found.map(({ status, errorMessage = '' }) => ({ scenario, status, errorMessage }))
  })
  const passed = [
    ...new Set(checks.filter(({ status }) => status === 'SUCCESS').map(({ scenario }) => scenario)),
  ].sort()
  expect(passed).toEqual([
    'dns-rebinding-protection',
    'ping',
    'prompts-list',
    'resources-list',
    'server-initialize',
    'server-sse-multiple-streams',
    'tools-list',
  ])
  const failed = checks.filter(({ status }) => status !== 'SUCCESS')
  // Scenarios that need the tools, prompts and resources of the suite's own test server, or methods that are not offered.
  const NOT_OURS = /(?:Tool|Prompt) test_\w+ not found$|Resource not found: test:\/\/|-32601: Method not found$/
  expect(failed.filter(({ errorMessage }) => !NOT_OURS.test(errorMessage))).toEqual([])
  expect(
    failed
      .filter(({ errorMessage }) => errorMessage.includes('-32601'))
      .map(({ scenario }) => scenario)
      .sort(),
  ).toEqual(['logging-set-level', 'tools-call-with-logging'])
})
