/** Runs every program of the README, of docs/metrics.md, docs/sweeps.md and docs/walk-forward.md. */

import { spawn, spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as lib from '../index.js'
import { PAGES, withOutputs } from '../scripts/page.mjs'
import { ROOT, SP500 } from './support.js'

const README = readFileSync(join(ROOT, 'README.md'), 'utf8')
const NAME = '@aitradepro/backtesting'
const IMPORT = /^import .*\n/gm

/** The folder of a program that has the package and a store. */
let place = ''

beforeAll(async () => {
  place = mkdtempSync(join(tmpdir(), 'backtesting-readme-'))
  for (const name of [NAME, 'express', 'vitest', 'jest']) {
    const link = join(place, 'node_modules', name)
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(name === NAME ? ROOT : join(ROOT, 'node_modules', name), link, 'junction')
  }
  copyFileSync(SP500, join(place, 'sp500.csv'))
  const engine = new lib.BacktestEngine({ dataDir: join(place, 'store'), logLevel: 'off' })
  const bars = join(ROOT, 'data', 'aapl-daily.csv')
  await engine.importBars({ assetSymbol: 'AAPL', timeframe: '1d', bars, adjust: true })
  await engine.close()
})

afterAll(() => rmSync(place, { recursive: true, force: true, maxRetries: 5 }))

const environment = (more = {}) => ({
  ...process.env,
  DATA_DIR: join(place, 'store'),
  DATABASE_URL: '',
  LOG_LEVEL: 'off',
  ...more,
})

/** Runs a program in that folder and returns what it printed. */
function run(file: string, text: string, program = [file]): string {
  writeFileSync(join(place, file), text)
  const { status, stdout, stderr } = spawnSync(process.execPath, program, {
    cwd: place,
    env: environment(),
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`${file} failed:\n${stdout}\n${stderr}`)
  return stdout + stderr
}

const blocks = (text: string) => [...text.matchAll(/```js\n([\s\S]*?)```/g)].map(([, block]) => block ?? '')

function recipe(name: string): string {
  const [, text] = new RegExp(`<!-- recipe ${name} -->\n\`\`\`js\n([\\s\\S]*?)\`\`\``).exec(README) ?? []
  expect(text, `the README has no recipe ${name}`).toBeDefined()
  return text ?? ''
}

/** Returns the imports of blocks: each line once, and everything of the package. */
function imports(all: string[]): string {
  const others = all.flatMap((block) => block.match(IMPORT) ?? []).filter((line) => !line.includes(NAME))
  const names = Object.keys(lib).filter((name) => name !== 'default')
  return `import { ${names.join(', ')} } from '${NAME}'\n${[...new Set(others)].join('')}`
}

describe('the programs of the README', { timeout: 120_000 }, () => {
  test('run one after the other', () => {
    const [recipes = '', before = '', after = ''] = [
      /## Recipes\n[\s\S]*?(?=\n## )/.exec(README)?.[0],
      ...README.split(/## Recipes\n[\s\S]*?(?=\n## )/),
    ]
    expect(blocks(recipes)).toHaveLength(4)
    const all = [...blocks(before), ...blocks(after)]
    expect(all.length).toBeGreaterThan(7)
    // The first two declare what the others use. A result in a comment is checked.
    const checked = all.map((block) =>
      block.replaceAll(/^await (deleteBars\(.*\)) \/\/ (\d+)$/gm, 'assert.equal(await $1, $2)'),
    )
    expect(checked.join('')).toContain('assert.equal(')
    const bodies = checked.map((block) => block.replaceAll(IMPORT, ''))
    const program = bodies.map((body, index) => (index < 2 ? body : `{\n${body}}\n`)).join('\n')
    const printed = run('all.mjs', `import assert from 'node:assert'\n${imports(all)}\n${program}\nconsole.log('end')`)
    expect(printed).toMatch(/end\n$/)
    // The chart was written.
    expect(readFileSync(join(place, 'backtest.png')).subarray(1, 4).toString()).toBe('PNG')
  })

  test('a parameter sweep', () => {
    expect(run('sweep.mjs', recipe('sweep'))).toMatch(
      /^\{ fast_period: \d+, slow_period: \d+ \} -?\d+\.\d\d and later -?\d+\.\d\d\n$/,
    )
    expect(readFileSync(join(place, 'heatmap.png')).subarray(1, 4).toString()).toBe('PNG')
  })

  test('worker threads', () => {
    expect(run('worker.mjs', recipe('worker'))).toMatch(/^-?\d+\.\d\d %\n$/)
  })

  test('vitest', () => {
    const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs')
    const printed = run('dip.test.mjs', recipe('vitest'), [vitest, 'run', '--root', place, 'dip.test.mjs'])
    expect(printed).toMatch(/1 passed/)
  })

  test('jest', () => {
    const text = recipe('vitest')
      .replace(/^import .* from 'vitest'\n/m, '')
      .replaceAll(/^import (\{.*\}) from '(.*)'$/gm, "const $1 = require('$2')")
    expect(text).not.toContain('import')
    const jest = join(ROOT, 'node_modules', 'jest', 'bin', 'jest.js')
    writeFileSync(join(place, 'package.json'), '{ "jest": { "testEnvironment": "node", "transform": {} } }')
    const printed = run('dip.test.js', text, [jest, '--rootDir', place, 'dip.test.js'])
    expect(printed).toMatch(/1 passed/)
  })

  test('Express and JSON', async () => {
    const text = `${recipe('express')}\nserver.on('listening', () => console.log(server.address().port))\n`
    writeFileSync(join(place, 'server.mjs'), text)
    const server = spawn(process.execPath, ['server.mjs'], { cwd: place, env: environment({ PORT: '0' }) })
    try {
      const port = await new Promise<string>((resolve, reject) => {
        server.stdout.once('data', (data) => resolve(String(data).trim()))
        server.once('exit', () => reject(new Error(`the server ended: ${server.stderr.read()}`)))
      })
      const url = `http://localhost:${port}/backtests`
      const send = (body: string) =>
        fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
      const post = (body: unknown) => send(JSON.stringify(body))
      const request = {
        strategyId: 'rsi',
        assetSymbol: 'AAPL',
        startDate: '2008-01-02',
        endDate: '2012-12-31',
        initialCapital: 1000,
      }
      const response = await post(request)
      const result = JSON.parse(await response.text())
      expect([response.status, result.status]).toEqual([200, 'completed'])
      const stored = JSON.parse(await (await fetch(`${url}/${result.backtestId}`)).text())
      expect(stored.metrics).toEqual(result.metrics)
      const chart = await fetch(`${url}/${result.backtestId}/chart`)
      expect([chart.status, chart.headers.get('content-type')]).toEqual([200, 'image/png'])
      const wrong = await post({ ...request, strategyId: 'rsii' })
      expect(wrong.status).toBe(404)
      const invalid = await post({ ...request, initialCapital: 0 })
      expect(invalid.status).toBe(400)
      expect(await invalid.json()).toMatchObject({ code: 'INVALID_ARGUMENT', issues: [{ path: 'initialCapital' }] })
      expect((await fetch(`${url}/bt-000000000000`)).status).toBe(404)
      expect((await fetch(`${url}/bt-000000000000/chart`)).status).toBe(404)
      const day = Date.UTC(2008, 0, 2)
      const bars = { timestamps: [day, day], open: [1, 1], high: [1, 1], low: [1, 1], close: [1, 1] }
      const bad = await post({ ...request, bars })
      expect(bad.status).toBe(422)
      expect(await bad.json()).toMatchObject({ code: 'BAD_DATA' })
      expect((await send('{ "strategyId": ')).status).toBe(400)
      // More than the default of express.json, less than the limit of the recipe.
      expect((await post({ ...request, strategyId: 'x'.repeat(200_000) })).status).toBe(404)
      expect((await send(JSON.stringify('x'.repeat(6_000_000)))).status).toBe(413)
    } finally {
      server.kill()
    }
  })
})

test.each(Object.entries(PAGES))('the programs of %s print what it says', { timeout: 120_000 }, (page, files) => {
  const text = readFileSync(join(ROOT, page), 'utf8')
  expect(text).toContain('```text\n')
  expect(withOutputs(text, files)).toBe(text)
})

test('the examples of docs/metrics.md are those of its run', () => {
  const page = readFileSync(join(ROOT, 'docs', 'metrics.md'), 'utf8')
  const [block = ''] = blocks(page)
  const printed = run('metrics.mjs', `${imports([block])}\n${block}\nconsole.log(JSON.stringify(metrics))`)
  const metrics: Record<string, number> = JSON.parse(printed)
  const rows = [...page.matchAll(/^\| `(\w+)` \| [^|]+ \| [^|]+ \| (-?[\d.]+) \|$/gm)]
  expect(rows.map(([, name]) => name)).toEqual(Object.keys(metrics))
  for (const [, name = '', example] of rows) expect(metrics[name], name).toBeCloseTo(Number(example), 3)
})
