import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { folder, ROOT } from './support.js'

const BINARY = /^aitradepro-backtesting\.(.+)\.node$/

/** The SDK that a program installs to mount the MCP server. */
const SDK = Object.keys(JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).peerDependencies)

/** Returns the folders of packages and of their dependencies. */
function closure(names: string[], found = new Set<string>()): Set<string> {
  for (const name of names) {
    const place = join(ROOT, 'node_modules', ...name.split('/'))
    if (found.has(place)) continue
    found.add(place)
    const { dependencies = {} } = JSON.parse(readFileSync(join(place, 'package.json'), 'utf8'))
    closure(Object.keys(dependencies), found)
  }
  return found
}

function run(program: string, args: string[], cwd: string, input?: string): string {
  // On Windows, only a shell finds npm.cmd.
  const shell = process.platform === 'win32' && ['npm', 'npx'].includes(program)
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd,
    // Not the user's data folder, which may contain anything.
    env: { ...process.env, DATA_DIR: join(cwd, 'store') },
    encoding: 'utf8',
    shell,
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    input,
  })
  if (status !== 0)
    throw new Error(`${program} ${args.join(' ')} failed: ${error?.message ?? ''}\n${stdout}\n${stderr}`)
  return stdout
}

function pack(sources: string[], target: string): { filename: string; files: { path: string }[] }[] {
  return JSON.parse(run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', target, ...sources], ROOT))
}

describe('the packed package', { timeout: 180_000 }, () => {
  /** The package and the binary of this platform in a folder that was empty, as npm installs them from its registry. */
  let place = ''
  /** The same with the MCP SDK, as a program has it that mounts the server. */
  let host = ''
  let tarballs: string[] = []

  beforeAll(() => {
    const target = mkdtempSync(join(tmpdir(), 'backtesting-pack-'))
    const binary = readdirSync(ROOT).find((name) => BINARY.test(name))
    if (binary === undefined) throw new Error('there is no binary: run `npm run build`')
    const platform = join(target, 'platform')
    cpSync(join(ROOT, 'npm', BINARY.exec(binary)?.[1] ?? ''), platform, { recursive: true })
    cpSync(join(ROOT, binary), join(platform, binary))
    tarballs = pack([ROOT, platform], target).map(({ filename }) => join(target, filename))
    const sdk = pack([...closure(SDK)], target).map(({ filename }) => join(target, filename))
    const install = (name: string, files: string[]) => {
      const folder = join(target, name)
      mkdirSync(folder)
      writeFileSync(join(folder, 'package.json'), '{ "private": true }\n')
      // With its own cache, so that everything comes from the tarballs. Install scripts of packages would run.
      const quiet = ['--offline', '--no-audit', '--no-fund', '--cache', join(target, 'cache')]
      run('npm', ['install', ...quiet, ...files], folder)
      return folder
    }
    place = install('place', tarballs)
    host = install('host', [...tarballs, ...sdk])
    return () => rmSync(target, { recursive: true, force: true })
  }, 300_000)

  test('contains only the loader, the types, the MCP server, the documents and the bars of an example', () => {
    const [packed] = pack([ROOT], folder())
    const files = packed?.files.map(({ path }) => path) ?? []
    const server = files.filter((path) => path.startsWith('mcp/dist/'))
    const types = server.filter((path) => path.endsWith('.d.ts'))
    for (const name of ['index.d.ts', 'esm/index.d.ts']) expect(types).toContain(`mcp/dist/${name}`)
    expect(server.filter((path) => !types.includes(path)).sort()).toEqual([
      'mcp/dist/THIRD_PARTY_LICENSES.txt',
      'mcp/dist/bundle.js',
      'mcp/dist/cli.js',
      'mcp/dist/esm/bundle.js',
      'mcp/dist/esm/index.js',
      'mcp/dist/esm/package.json',
      'mcp/dist/index.js',
    ])
    // The release adds sbom.cdx.json, which scripts/sbom.mjs writes.
    expect(files.filter((path) => !server.includes(path) && path !== 'sbom.cdx.json').sort()).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'SECURITY.md',
      'data/aapl-daily.csv',
      'data/licenses/bokeh_sampledata.txt',
      ...readdirSync(join(ROOT, 'docs')).flatMap((name) => (name.endsWith('.md') ? `docs/${name}` : [])),
      'index.d.ts',
      'index.js',
      'package.json',
    ])
  })

  test('runs a backtest in an empty folder, with require and import, without a network', () => {
    const program = `
      const timestamps = Float64Array.from({ length: 300 }, (_, bar) => Date.UTC(2020, 0, 1 + bar))
      const close = Float64Array.from({ length: 300 }, (_, bar) => 100 + 20 * Math.sin(bar / 9))
      const engine = new BacktestEngine({ dataDir: 'data', logLevel: 'off' })
      engine.importBars({ assetSymbol: 'WAVES', timeframe: '1d', bars: { timestamps, open: close, high: close, low: close, close } })
        .then(() => engine.runBacktest({ strategyId: 'sma_crossover', assetSymbol: 'WAVES', startDate: '2020-01-01', endDate: '2020-10-01', initialCapital: 1000 }))
        .then(async (result) => {
          const failed = await engine.getMetrics('bt-000000000000').catch((error) => error instanceof BacktestError && error.code)
          await engine.close()
          console.log(result.status, result.trades.length > 0, failed, typeof runBacktest)
        })`
    const names = '{ BacktestEngine, BacktestError, runBacktest }'
    writeFileSync(join(place, 'one.cjs'), `const ${names} = require('@aitradepro/backtesting')\n${program}`)
    writeFileSync(join(place, 'two.mjs'), `import ${names} from '@aitradepro/backtesting'\n${program}`)
    expect(run(process.execPath, ['one.cjs'], place)).toBe('completed true NOT_FOUND function\n')
    expect(run(process.execPath, ['two.mjs'], place)).toBe('completed true NOT_FOUND function\n')
  })

  test('runs the first program of the README in an empty folder, with its output', () => {
    const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')
    const [, program] = /<!-- examples\/quickstart.mjs -->\n```js\n([\s\S]*?)```/.exec(readme) ?? []
    const [, output] = /<!-- output of examples\/quickstart.mjs -->\n```text\n([\s\S]*?)```/.exec(readme) ?? []
    writeFileSync(join(place, 'quickstart.mjs'), program ?? '')
    expect(run(process.execPath, ['quickstart.mjs'], place)).toBe(output)
  })

  test('installs only itself and the binary, and runs no install script', () => {
    const lock = JSON.parse(readFileSync(join(place, 'node_modules', '.package-lock.json'), 'utf8')).packages
    const names = Object.keys(lock).map((path) => path.replace('node_modules/', ''))
    expect(names).toHaveLength(2)
    for (const name of names) {
      expect(name).toMatch(/^@aitradepro\/backtesting(-|$)/)
      const { scripts = {}, gypfile } = JSON.parse(
        readFileSync(join(place, 'node_modules', name, 'package.json'), 'utf8'),
      )
      for (const hook of ['preinstall', 'install', 'postinstall', 'prepublish', 'preprepare', 'prepare', 'postprepare'])
        expect(scripts, name).not.toHaveProperty(hook)
      // npm would compile a package with this file.
      expect(readdirSync(join(place, 'node_modules', name))).not.toContain('binding.gyp')
      expect(gypfile).toBeUndefined()
      expect(lock[`node_modules/${name}`].hasInstallScript).toBeUndefined()
    }
  })

  test('can be installed next to other versions of the packages that the MCP server bundles', () => {
    // npm refuses a package with unmet peer dependencies, even optional ones.
    const folder = mkdtempSync(join(tmpdir(), 'backtesting-beside-'))
    writeFileSync(join(folder, 'package.json'), '{ "private": true }\n')
    const others = Object.entries({ zod: '3.22.0', '@modelcontextprotocol/server': '3.0.0' }).map(
      ([name, version], at) => {
        mkdirSync(join(folder, `${at}`))
        writeFileSync(join(folder, `${at}`, 'package.json'), JSON.stringify({ name, version }))
        return `./${at}`
      },
    )
    run('npm', ['install', '--offline', '--no-audit', '--no-fund', ...others, ...tarballs], folder)
    const program = "console.log(typeof require('@aitradepro/backtesting').runBacktest)"
    expect(run(process.execPath, ['-e', program], folder)).toBe('function\n')
    rmSync(folder, { recursive: true, force: true })
  })

  test('provides a command in an empty folder, under its own name and that of the package', () => {
    for (const name of ['aitradepro-backtesting-mcp', '@aitradepro/backtesting'])
      expect(run('npx', ['--no-install', name, '--version'], place)).toBe('0.1.0\n')
    expect(run('npx', ['--no-install', 'aitradepro-backtesting-mcp'], place, '')).toBe('')
    // The command also works: its single file contains all that it needs. Its store is that of the test before.
    const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'test', version: '1' } }
    const messages = [
      { jsonrpc: '2.0', id: 1, method: 'initialize', params },
      { jsonrpc: '2.0', method: 'notifications/initialized' },
      { jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'list_assets', arguments: {} } },
    ]
    const input = messages.map((message) => `${JSON.stringify(message)}\n`).join('')
    const answers = run('npx', ['--no-install', 'aitradepro-backtesting-mcp'], place, input).trim().split('\n')
    const called = answers.map((line) => JSON.parse(line)).find(({ id }) => id === 2)
    expect(called.result.structuredContent.headline).toBe('1 of 1 asset')
  })

  test('reports the missing SDK if the server is mounted without it', () => {
    const message = /requires the MCP SDK.*npm install @modelcontextprotocol\/server/
    const failed = ".then(() => console.log('loaded'), ({ code, message }) => console.log(code, message))"
    for (const [file, program] of [
      ['missing.cjs', `Promise.resolve().then(() => require('@aitradepro/backtesting/mcp'))${failed}`],
      ['missing.mjs', `import('@aitradepro/backtesting/mcp')${failed}`],
    ] as const) {
      writeFileSync(join(place, file), program)
      const said = run(process.execPath, [file], place)
      expect(said).toMatch(message)
      expect(said).toMatch(/^(ERR_)?MODULE_NOT_FOUND /)
    }
  })

  test('can be mounted with the SDK of the program, with require and import', () => {
    const program = `
      const engine = new BacktestEngine({ dataDir: 'served', logLevel: 'off' })
      const handler = createMcpHandler(() => createBacktestingServer(engine))
      const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
      const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'list_assets', arguments: {},
        _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {},
          'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' } } } })
      const more = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'list_assets' }
      handler.fetch(new Request('http://localhost/mcp', { method: 'POST', headers: { ...headers, ...more }, body }))
        .then((response) => response.json())
        .then(async ({ result, error }) => {
          await engine.close()
          console.log(result?.structuredContent.headline ?? JSON.stringify(error), typeof createBacktestingHttpHandler)
        })`
    const names: [string, string][] = [
      ['{ BacktestEngine }', '@aitradepro/backtesting'],
      ['{ createBacktestingServer, createBacktestingHttpHandler }', '@aitradepro/backtesting/mcp'],
      ['{ createMcpHandler }', '@modelcontextprotocol/server'],
    ]
    const required = names.map(([name, from]) => `const ${name} = require('${from}')`).join('\n')
    const imported = names.map(([name, from]) => `import ${name} from '${from}'`).join('\n')
    writeFileSync(join(host, 'one.cjs'), `${required}\n${program}`)
    writeFileSync(join(host, 'two.mjs'), `${imported}\n${program}`)
    expect(run(process.execPath, ['one.cjs'], host)).toBe('0 of 0 assets function\n')
    expect(run(process.execPath, ['two.mjs'], host)).toBe('0 of 0 assets function\n')
  })

  test('is the same module for require and import', () => {
    writeFileSync(
      join(place, 'both.mjs'),
      `import { createRequire } from 'node:module'
       import { BacktestError } from '@aitradepro/backtesting'
       console.log(createRequire(import.meta.url)('@aitradepro/backtesting').BacktestError === BacktestError)`,
    )
    expect(run(process.execPath, ['both.mjs'], place)).toBe('true\n')
  })

  test.each([
    ['an ES module', 'mts', 'nodenext', 'nodenext'],
    ['CommonJS', 'cts', 'nodenext', 'nodenext'],
    ['a bundler', 'ts', 'esnext', 'bundler'],
  ])('has types for %s', (_, extension, module, resolution) => {
    const check = (folder: string, name: string, ...types: string[]) => {
      const options = ['--noEmit', '--strict', '--skipLibCheck', 'false', '--target', 'es2022', '--lib', 'es2022,dom']
      const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')
      const kind = ['--module', module, '--moduleResolution', resolution, ...types]
      return run(process.execPath, [tsc, ...options, ...kind, `${name}.${extension}`], folder)
    }
    writeFileSync(
      join(place, `use.${extension}`),
      `import { BacktestEngine, BacktestError, type BacktestResult, runBacktest } from '@aitradepro/backtesting'
       export async function use(): Promise<BacktestResult> {
         const engine = new BacktestEngine({ cacheTtlSeconds: 0 })
         try {
           return await engine.runBacktest(
             { strategyId: 'rsi', assetSymbol: 'X', startDate: new Date(), endDate: '2020-01-01', initialCapital: 1 },
             { signal: AbortSignal.timeout(10), onProgress: ({ progress }) => progress.toFixed(1) })
         } catch (error) {
           if (error instanceof BacktestError && error.code === 'NO_DATA') error.issues.map((issue) => issue.path)
           throw error
         }
       }
       // @ts-expect-error a required field is missing
       runBacktest({ strategyId: 'rsi' })
       // @ts-expect-error no such code
       export const wrong = (error: BacktestError) => error.code === 'NO_SUCH_CODE'\n`,
    )
    expect(check(place, 'use', '--types', '')).toBe('')

    // The declarations use types of Node.js and the SDK from the user's installation.
    writeFileSync(
      join(host, `serve.${extension}`),
      `import { BacktestEngine } from '@aitradepro/backtesting'
       import { createBacktestingHttpHandler, createBacktestingServer, type ServerOptions } from '@aitradepro/backtesting/mcp'
       import { createMcpHandler, type McpServer } from '@modelcontextprotocol/server'
       const options: ServerOptions = { waitSeconds: 5 }
       export const server: McpServer = createBacktestingServer(new BacktestEngine(), options)
       export const handler = createMcpHandler(() => createBacktestingServer(new BacktestEngine()))
       export const closed: Promise<void> = createBacktestingHttpHandler(new BacktestEngine(), { maxSessions: 5 }).close()
       // @ts-expect-error no such option
       createBacktestingServer(new BacktestEngine(), { waitSecond: 5 })\n`,
    )
    expect(check(host, 'serve', '--typeRoots', join(ROOT, 'node_modules', '@types'), '--types', 'node')).toBe('')
  })
})

test('a platform without a binary gets an explanation', () => {
  const place = folder()
  cpSync(join(ROOT, 'index.js'), join(place, 'index.js'))
  expect(() => run(process.execPath, ['index.js'], place)).toThrow(/native binding|Cannot find/)
})
