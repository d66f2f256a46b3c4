import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ROOT } from './support.js'

const read = (...path: string[]) => readFileSync(join(ROOT, ...path), 'utf8')
const manifest = JSON.parse(read('package.json'))

/** The source files, by their path below src/ with forward slashes. */
const sources = readdirSync(join(ROOT, 'src'), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => {
    const path = join(entry.parentPath, entry.name)
    return { path: relative(join(ROOT, 'src'), path).split(sep).join('/'), text: readFileSync(path, 'utf8') }
  })
const rust = sources.filter(({ path }) => path.endsWith('.rs'))
/** The files that are built into the addon. Files of tests may use anything. */
const built = rust.filter(({ path }) => !path.endsWith('tests.rs'))

/** The modules in layers, the lowest first. A module may only use modules of lower layers. */
const LAYERS = [
  ['note', 'numbers', 'observer', 'quote', 'random', 'signals'],
  ['error'],
  ['future'],
  ['compute'],
  ['market', 'indicators'],
  ['language'],
  ['request'],
  ['settings', 'strategies', 'config'],
  ['simulation', 'db'],
  ['portfolio'],
  ['metrics', 'chart', 'data', 'store'],
  ['backtest'],
  ['sweep'],
  ['validation'],
  ['service'],
  ['node'],
]
const CORE = [
  'note',
  'numbers',
  'observer',
  'quote',
  'random',
  'signals',
  'error',
  'compute',
  'market',
  'indicators',
  'language',
  'request',
  'settings',
  'strategies',
  'simulation',
  'portfolio',
  'metrics',
  'backtest',
  'sweep',
  'validation',
  'chart',
]
/** The names that lib.rs re-exports from error.rs. */
const REEXPORTED = ['Code', 'Error', 'Issue', 'Result']

const moduleOf = (path: string) => (path.split('/')[0] ?? '').replace(/\.rs$/, '')
const layerOf = (module: string) => LAYERS.findIndex((layer) => layer.includes(module))

/** Returns the modules that a file uses: the first names of its paths from the root of the crate. */
function uses(text: string): string[] {
  return [...text.matchAll(/\bcrate::(?:\{([^}]*)\}|(\w+))/g)]
    .flatMap(([, group, one]) => (group ?? one ?? '').split(',').map((name) => name.trim().split('::')[0] ?? ''))
    .filter((name) => name !== '' && name !== 'self' && !REEXPORTED.includes(name))
}

/** Returns the lines that are built into the addon, without comments and the tests at the end of a file. */
function lines(text: string): string[] {
  return (text.split(/^#\[cfg\(test\)\]/m)[0] ?? '').split('\n').filter((line) => !/^\s*\/\//.test(line))
}

/** Returns the files that a file imports by a path of modules: `super::…`, or `crate::…` inside its own module. */
function imports(path: string, text: string, files: Set<string>): string[] {
  const folder = path.split('/').slice(0, -1)
  const own = (path.split('/').at(-1) ?? '').replace(/\.rs$/, '')
  // A file is a child module of its folder; mod.rs is the module of the folder itself.
  const here = own === 'mod' ? folder : [...folder, own]
  const found: string[] = []
  const resolve = (names: string[]) => {
    for (let length = names.length; length > 0; length--) {
      const file = `${names.slice(0, length).join('/')}.rs`
      if (files.has(file)) return file
    }
    return undefined
  }
  for (const [, prefix, rest] of lines(text)
    .join('\n')
    .matchAll(/\b((?:super::)+|crate::)((?:\w+::)*(?:\{[^;]*?\}|\w+))/g)) {
    const up = prefix === 'crate::' ? here.length : (prefix?.match(/super/g) ?? []).length
    const base = here.slice(0, here.length - up)
    const group = /^((?:\w+::)*)\{([\s\S]*)\}$/.exec(rest ?? '')
    const paths =
      group === null ? [rest ?? ''] : (group[2] ?? '').split(/,(?![^{]*\})/).map((name) => `${group[1]}${name.trim()}`)
    for (const one of paths) {
      const file = resolve([...base, ...one.split('::').filter((name) => /^[a-z]\w*$/.test(name))])
      if (file !== undefined && file !== path) found.push(file)
    }
  }
  return found
}

describe('the modules', () => {
  test('use only modules of lower layers', () => {
    const wrong = built.flatMap(({ path, text }) => {
      const module = moduleOf(path)
      if (module === 'lib') return []
      expect(layerOf(module), `src/${path} is in no layer`).toBeGreaterThanOrEqual(0)
      return uses(lines(text).join('\n'))
        .filter((name) => name !== module && !(layerOf(name) >= 0 && layerOf(name) < layerOf(module)))
        .map((name) => `src/${path} uses ${name}`)
    })
    expect(wrong).toEqual([])
  })

  test('contain no files that import each other, directly or indirectly', () => {
    const files = new Map(built.map(({ path, text }) => [path, text]))
    const paths = new Set(files.keys())
    const edges = new Map([...files].map(([path, text]) => [path, imports(path, text, paths)]))
    expect([...edges.values()].flat().length).toBeGreaterThan(500)
    const done = new Set<string>()
    const cycles: string[] = []
    const visit = (path: string, way: string[]) => {
      const start = way.indexOf(path)
      if (start >= 0) cycles.push([...way.slice(start), path].join(' -> '))
      if (start >= 0 || done.has(path)) return
      for (const next of edges.get(path) ?? []) visit(next, [...way, path])
      done.add(path)
    }
    for (const path of paths) visit(path, [])
    expect(cycles).toEqual([])
  })

  test('of the core do no I/O, read no clock and name no database', () => {
    const forbidden =
      /\b(?:std::(?:fs|net|env|process)|tokio|rusqlite|refinery|SystemTime|Instant|Utc::now|Local::now)\b/
    const wrong = built
      .filter(({ path }) => CORE.includes(moduleOf(path)))
      .flatMap(({ path, text }) =>
        lines(text)
          .filter((line) => forbidden.test(line))
          .map((line) => `src/${path}: ${line.trim()}`),
      )
    expect(wrong).toEqual([])
  })

  test('other than node do not name napi', () => {
    const wrong = rust
      .filter(({ path, text }) => !path.startsWith('node/') && /\bnapi/.test(text))
      .map(({ path }) => path)
    expect(wrong).toEqual([])
    expect(rust.some(({ path, text }) => path.startsWith('node/') && /\bnapi/.test(text))).toBe(true)
  })

  test('apply JavaScript functions instead of calling them: napi follows the causes of what a called function throws', () => {
    const wrong = rust.filter(({ path, text }) => path.startsWith('node/') && /\.call\(\(/.test(text))
    expect(wrong.map(({ path }) => path)).toEqual([])
  })

  test('other than db, data and store contain no SQL', () => {
    const sql =
      /\b(?:SELECT\s[\s\S]{1,200}?\sFROM|INSERT\s+(?:OR\s+\w+\s+)?INTO|CREATE\s+(?:TABLE|INDEX|UNIQUE)|DELETE\s+FROM|UPDATE\s+\w+\s+SET|PRAGMA\s)/
    const outside = sources.filter(({ path }) => !/^(db|data|store)\//.test(path))
    expect(outside.filter(({ path, text }) => sql.test(text) || path.endsWith('.sql')).map(({ path }) => path)).toEqual(
      [],
    )
    expect(sources.some(({ path, text }) => path.startsWith('store/') && sql.test(text))).toBe(true)
  })
})

describe('docs/architecture.md', () => {
  const text = read('docs', 'architecture.md').replace(/\s+/g, ' ')

  test('states the invariants', () => {
    expect(text).toContain('The core does no I/O, reads no clock, and names neither napi, tokio nor a database')
    expect(text).toContain('The same request on the same bars returns the same bytes, whatever the number of threads')
    expect(text).toContain(
      'Only `node/` names napi. Only `db/`, `data/` and `store/` contain SQL. Only `compute/` contains',
    )
    expect(text).toContain('There is one simulation')
    expect(text).toContain('A panic becomes `INTERNAL`')
  })

  test('names every module, and no other', () => {
    const modules = [
      ...new Set(rust.filter(({ path }) => path.includes('/')).map(({ path }) => path.split('/')[0] ?? '')),
    ].sort()
    const named = [...read('docs', 'architecture.md').matchAll(/^\s{2}(\w+)\/ /gm)].map(([, name]) => name ?? '').sort()
    expect(named).toEqual(modules)
  })

  test('names files that exist, and is short', () => {
    const whole = read('docs', 'architecture.md')
    const named = [...whole.matchAll(/`((?:src|mcp|scripts|__test__|docs|benches)\/[\w./-]+)`/g)].map(
      ([, path]) => path ?? '',
    )
    expect(named.length).toBeGreaterThan(20)
    expect(named.filter((path) => !path.includes('NAME') && !existsSync(join(ROOT, path)))).toEqual([])
    expect(whole.split('\n').length).toBeLessThan(150)
  })
})

describe('unsafe code', () => {
  /** Returns the code without comments, string literals and names of lints. */
  const code = (text: string) =>
    text
      .replace(/\/\/.*$/gm, '')
      .replace(/"(?:\\.|[^"\\])*"/g, '""')
      .replace(/\bunsafe_code\b/g, '')
  const files = rust.filter(({ text }) => /\bunsafe\b/.test(code(text))).map(({ path }) => path)

  test('is in compute, and where Node-API has no safe function', () => {
    const outside = files.filter((path) => !path.startsWith('compute/'))
    expect(outside.sort()).toEqual(['node/exception.rs', 'node/input.rs'])
  })

  test('of compute is only in the allocator, the column writers and the prefetching', () => {
    const inside = files.filter((path) => path.startsWith('compute/'))
    expect(inside.sort()).toEqual([
      'compute/allocator.rs',
      'compute/column_writer.rs',
      'compute/parallel.rs',
      'compute/prefetch.rs',
    ])
  })

  test('is denied by the manifest, and every exception says why', () => {
    expect(read('Cargo.toml')).toMatch(/^unsafe_code = "deny"$/m)
    for (const { path, text } of rust) {
      expect(text, path).not.toMatch(/\ballow\(\s*unsafe_code/)
      for (const [exception] of text.matchAll(/expect\(\s*unsafe_code[^\]]*\]/g))
        expect(exception, path).toMatch(/reason\s*=/)
    }
  })
})

describe('the MCP server', () => {
  const files = readdirSync(join(ROOT, 'mcp', 'src'), { recursive: true, withFileTypes: true })
    // The text of a page of the documentation, with examples.
    .filter((entry) => entry.isFile() && entry.name !== 'page.ts')
    .map((entry) => ({ name: entry.name, text: readFileSync(join(entry.parentPath, entry.name), 'utf8') }))

  test('takes the engine as an argument: only the command loads the addon', () => {
    const loading = files.filter(({ text }) => /^import (?!type )[^\n]* from '@aitradepro\/backtesting'/m.test(text))
    expect(loading.map(({ name }) => name)).toEqual(['cli.ts'])
  })

  test('has a file and a line in the list for every tool', () => {
    const tools = readdirSync(join(ROOT, 'mcp', 'src', 'tools')).filter((name) => name !== 'index.ts')
    const list = read('mcp', 'src', 'tools', 'index.ts')
    for (const name of tools) expect(list).toContain(`from './${name.replace('.ts', '.js')}'`)
    expect(/TOOLS: Registration\[\] = \[([^\]]*)\]/.exec(list)?.[1]?.match(/\w+/g)).toHaveLength(tools.length)
    const docs = read('docs', 'mcp.md')
    for (const name of tools) expect(docs).toContain(`\`${name.replace('.ts', '').replaceAll('-', '_')}\``)
  })
})

describe('the error codes', () => {
  const names = new Map(
    [...read('src', 'error.rs').matchAll(/Self::(\w+) => "([A-Z_]+)"/g)].map(([, variant, name]) => [
      variant ?? '',
      name ?? '',
    ]),
  )
  const codes = [...names.values()]

  test('are read from src/error.rs', () => {
    expect(codes).toContain('INVALID_ARGUMENT')
    expect(codes.length).toBeGreaterThan(5)
  })

  test('are those of index.d.ts', () => {
    const union = /export type ErrorCode =([\s\S]*?)\n\n/.exec(read('index.d.ts'))?.[1] ?? ''
    const typed = [...union.matchAll(/'([A-Z_]+)'/g)].map(([, code]) => code)
    // A cancelled promise rejects with an AbortError, which is not a BacktestError.
    expect(typed.sort()).toEqual(codes.filter((code) => code !== 'ABORT_ERR').sort())
  })

  test('are all in the README', () => {
    const readme = read('README.md')
    for (const code of codes) expect(readme, code).toContain(`\`${code}\``)
  })
})

describe('the settings', () => {
  const list = /CONFIG_NAMES: \[&str; \d+\] = \[([^\]]*)\]/.exec(read('src', 'config.rs'))?.[1] ?? ''
  const settings = [...list.matchAll(/"(\w+)"/g)].map(([, name]) => name ?? '')
  const variable = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()

  test('are all in the README, by both names', () => {
    const readme = read('README.md')
    expect(settings).toContain('dataDir')
    for (const name of settings) expect(readme, name).toContain(`| \`${name}\` | \`${variable(name)}\` |`)
  })

  test('are the fields of EngineConfig', () => {
    const config = /export interface EngineConfig \{([\s\S]*?)\n\}/.exec(read('index.d.ts'))?.[1] ?? ''
    const fields = [...config.matchAll(/^ {2}(\w+)\?:/gm)].map(([, name]) => name)
    expect(fields.sort()).toEqual([...settings].sort())
  })

  test('are all in .env.example, and nothing else is', () => {
    const named = [...read('.env.example').matchAll(/^#?([A-Z_]+)=/gm)].map(([, name]) => name)
    expect(named.sort()).toEqual(settings.map(variable).sort())
  })
})

describe('the package', () => {
  const platforms = readdirSync(join(ROOT, 'npm'))

  test('has one version everywhere', () => {
    const crate = /^version = "(.+)"$/m.exec(read('Cargo.toml'))?.[1]
    expect(crate).toBeDefined()
    expect(manifest.version).toBe(crate)
    expect(JSON.parse(read('package-lock.json')).version).toBe(crate)
    expect(read('Cargo.lock')).toContain(`name = "aitradepro-backtesting"\nversion = "${crate}"`)
    for (const platform of platforms)
      expect(JSON.parse(read('npm', platform, 'package.json')).version, platform).toBe(crate)
    expect(read('mcp', 'src', 'version.ts')).toContain(`VERSION = '${crate}'`)
  })

  test('has a platform package for every target', () => {
    expect(manifest.napi.targets).toHaveLength(platforms.length)
    for (const platform of platforms) {
      const { name, main, files, engines } = JSON.parse(read('npm', platform, 'package.json'))
      expect(name).toBe(`${manifest.name}-${platform}`)
      expect(main).toBe(`${manifest.napi.binaryName}.${platform}.node`)
      expect(files).toEqual([main])
      expect(engines).toEqual(manifest.engines)
      expect(read('index.js')).toContain(`'${name}'`)
    }
  })

  test('needs nothing at run time, and the SDK only where its MCP server is mounted', () => {
    // The release adds the packages of the platforms to optionalDependencies.
    expect(manifest.dependencies).toBeUndefined()
    expect(manifest.optionalDependencies).toBeUndefined()
    expect(Object.keys(manifest.peerDependencies)).toEqual(['@modelcontextprotocol/server'])
    for (const name of Object.keys(manifest.peerDependencies))
      expect(manifest.peerDependenciesMeta[name]).toEqual({ optional: true })
  })

  test('runs no script on installation, and neither do the platform packages', () => {
    // npm also runs `prepublish` and similar scripts in a clone.
    const hooks = ['preinstall', 'install', 'postinstall', 'prepublish', 'preprepare', 'prepare', 'postprepare']
    for (const { name, scripts = {} } of [
      manifest,
      ...platforms.map((platform) => JSON.parse(read('npm', platform, 'package.json'))),
    ])
      for (const hook of hooks) expect(scripts, name).not.toHaveProperty(hook)
  })

  test('has a lock file without registry URLs and with a checksum for every package', () => {
    const locked = Object.entries<{ resolved?: string; integrity?: string; link?: boolean }>(
      JSON.parse(read('package-lock.json')).packages,
    ).filter(([path]) => path !== '')
    expect(locked.length).toBeGreaterThan(100)
    expect(locked.filter(([, { resolved }]) => resolved !== undefined).map(([path]) => path)).toEqual([])
    // npm omits checksums for packages of other platforms: `npm run lock` completes the file.
    expect(locked.filter(([, { integrity }]) => !integrity?.startsWith('sha512-')).map(([path]) => path)).toEqual([])
  })

  test('is published with the list of what it contains', () => {
    expect(manifest.files).toContain('sbom.cdx.json')
    const release = read('.github', 'workflows', 'release.yml')
    expect(release).toMatch(/run: node scripts\/sbom\.mjs\n[\s\S]*npm publish/)
    // Provenance states which workflow and which commit built each tarball.
    expect(manifest.publishConfig.provenance).toBe(true)
    for (const [line] of release.matchAll(/npm publish .*$/gm)) expect(line).toMatch(/--dry-run|--provenance/)
  })

  test('is built and published by actions that are pinned to a commit', () => {
    const folder = join(ROOT, '.github', 'workflows')
    const uses = readdirSync(folder).flatMap((name) => [
      ...read('.github', 'workflows', name).matchAll(/uses: (.*)$/gm),
    ])
    expect(uses.length).toBeGreaterThan(5)
    // Dependabot keeps the comment up to date.
    for (const [, action] of uses) expect(action).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/)
  })

  test('has only crates of crates.io, each with a checksum', () => {
    const crates = read('Cargo.lock').split('[[package]]').slice(1)
    expect(crates.length).toBeGreaterThan(100)
    for (const crate of crates) {
      const name = /^name = "(.+)"$/m.exec(crate)?.[1]
      if (name === 'aitradepro-backtesting') continue
      expect(crate, name).toMatch(/^source = "registry\+https:\/\/github\.com\/rust-lang\/crates\.io-index"$/m)
      expect(crate, name).toMatch(/^checksum = "[0-9a-f]{64}"$/m)
    }
  })
})
