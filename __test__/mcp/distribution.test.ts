/** How the server gets to its users: the entry of the registry, the bundle, the container. */

import { spawn, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { expect, onTestFinished, test } from 'vitest'
import { folder, newEngine, ROOT, SP500 } from '../support.js'
import { call, environment, RUN } from './support.js'

const text = (...path: string[]) => readFileSync(join(ROOT, ...path), 'utf8')
const own = JSON.parse(text('package.json'))

function succeed(program: string, args: string[], cwd: string, env: Record<string, string> = {}): string {
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd,
    encoding: 'utf8',
    env: { ...environment({}), ...env },
  })
  expect(status, `${program} ${args.join(' ')}\n${stdout}\n${stderr}`).toBe(0)
  return stdout
}

/** Fills a store with the bars that the runs of the tests need. */
async function fill(dataDir: string): Promise<void> {
  const engine = newEngine({ dataDir })
  await engine.importBars({ assetSymbol: 'SP500', timeframe: '1d', bars: SP500 })
  await engine.close()
}

test('the entry of the registry is that of the package', () => {
  const entry = JSON.parse(text('server.json'))
  // The registry compares the name with that in the published package, which proves who publishes the entry.
  expect(entry.name).toBe(own.mcpName)
  expect(entry.name).toMatch(/^[a-zA-Z0-9.-]+\/[a-zA-Z0-9._-]+$/)
  expect(entry.description.length).toBeLessThanOrEqual(100)
  expect(entry.version).toBe(own.version)
  expect(entry.packages).toMatchObject([
    { registryType: 'npm', identifier: own.name, version: own.version, transport: { type: 'stdio' } },
  ])
  const settings = text('.env.example')
  for (const { name } of entry.packages[0].environmentVariables) expect(settings).toContain(name)
})

test.skipIf(process.platform === 'win32')(
  'the bundle runs by its manifest after it is unpacked',
  { timeout: 120_000 },
  async () => {
    const place = folder()
    succeed(process.execPath, [join(ROOT, 'scripts', 'mcpb.mjs'), place], place)
    const [file = ''] = readdirSync(place).filter((name) => name.endsWith('.mcpb'))
    // Another program than the one that wrote it.
    const unpacked = join(place, 'unpacked')
    succeed('unzip', ['-q', file, '-d', unpacked], place)
    const manifest = JSON.parse(readFileSync(join(unpacked, 'manifest.json'), 'utf8'))
    expect(manifest).toMatchObject({ manifest_version: '0.3', version: own.version, server: { type: 'node' } })
    expect(existsSync(join(unpacked, manifest.server.entry_point))).toBe(true)

    const dataDir = join(place, 'store')
    mkdirSync(dataDir)
    await fill(dataDir)
    const replaced = (value: string) =>
      value.replace(/\$\{__dirname\}/, unpacked).replace(/\$\{user_config\.data_dir\}/, dataDir)
    const { command, args, env } = manifest.server.mcp_config as {
      command: string
      args: string[]
      env: Record<string, string>
    }
    expect(command).toBe('node')
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: args.map(replaced),
      env: environment(Object.fromEntries(Object.entries(env).map(([name, value]) => [name, replaced(value)]))),
      cwd: place,
      stderr: 'ignore',
    })
    const mcp = new Client({ name: 'test', version: '1' })
    await mcp.connect(transport)
    onTestFinished(() => mcp.close())
    expect(await call(mcp, 'run_backtest', RUN)).toMatchObject({ status: 'completed', total_return: 39.0549 })
  },
)

/** Reads the instructions of a Dockerfile without continuations. */
function instructions(): [name: string, rest: string][] {
  return text('Dockerfile')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)])
}

// No image is built, because that takes a daemon and a network: the steps run in empty folders instead.
test.skipIf(process.platform === 'win32')(
  'the steps of the Dockerfile install and start the server, and its health check passes',
  {
    timeout: 180_000,
  },
  async () => {
    const place = folder()
    const [app, data, tokens] = ['app', 'data', 'tokens'].map((name) => join(place, name)) as [string, string, string]
    mkdirSync(app)
    writeFileSync(tokens, '0123456789abcdef0123456789abcdef\n')
    const local = (line: string) =>
      line.replaceAll('/data', data).replaceAll('/run/secrets/tokens', tokens).replaceAll('3000', '34567')
    const all = instructions()
    const of = (wanted: string) => all.filter(([name]) => name === wanted).map(([, rest]) => rest)
    expect(of('ARG')).toEqual([`PACKAGE=${own.name}@${own.version}`])
    expect(of('USER')).toEqual(['node'])

    // What npm would fetch: the package and the binary of this platform.
    const binary = readdirSync(ROOT).find((name) => name.endsWith('.node')) ?? ''
    const platform = join(place, 'platform')
    cpSync(join(ROOT, 'npm', /^aitradepro-backtesting\.(.+)\.node$/.exec(binary)?.[1] ?? ''), platform, {
      recursive: true,
    })
    cpSync(join(ROOT, binary), join(platform, binary))
    const packed = ['npm', 'pack', '--json', '--ignore-scripts', '--pack-destination', place, ROOT, platform]
    const names = JSON.parse(succeed('npm', packed.slice(1), ROOT)).map(({ filename }: { filename: string }) =>
      join(place, filename),
    )
    for (const step of of('RUN')) {
      // Not the owner of a container, and both packages at once.
      const shown = local(step)
        .replace(/ && chown .*/, '')
        .replace(/ && npm cache .*/, '')
      const command = shown.replace(
        '"$PACKAGE"',
        `--offline --cache "${join(place, 'cache')}" "${names[0]}" "${names[1]}"`,
      )
      succeed('sh', ['-c', command], app)
    }

    await fill(data)
    const env = Object.fromEntries(
      of('ENV').flatMap((line) => line.split(' ').map((pair) => local(pair).split('=') as [string, string])),
    )
    const [program = '', ...args] = JSON.parse(local(of('CMD')[0] ?? '')) as string[]
    expect(program).toBe('node')
    // Not all interfaces of this computer.
    const child = spawn(process.execPath, args, { cwd: app, env: environment({ ...env, MCP_HOST: '127.0.0.1' }) })
    onTestFinished(() => void child.kill('SIGKILL'))
    let log = ''
    await new Promise<void>((resolve) => {
      child.once('close', () => resolve())
      child.stderr.setEncoding('utf8').on('data', (part: string) => {
        log += part
        if (log.includes('listening on')) resolve()
      })
    })
    expect(log).toContain('listening on http://127.0.0.1:34567/mcp')
    const [check = ''] = of('HEALTHCHECK')
    const [, ...checkArgs] = JSON.parse(local(check.slice(check.indexOf('CMD ') + 4))) as string[]
    expect(spawnSync(process.execPath, checkArgs).status).toBe(0)
    const answer = await fetch('http://127.0.0.1:34567/mcp', {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
      body: '{}',
    })
    expect(answer.status).toBe(401)
    child.kill('SIGTERM')
    expect(await new Promise((resolve) => child.once('close', resolve))).toBe(0)
    expect(spawnSync(process.execPath, checkArgs).status).toBe(1)
  },
)
