import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import { describe, expect, test } from 'vitest'
import { ROOT } from './support.js'

/** The part of the CycloneDX 1.6 schema that the list uses: required fields, and no unknown ones. */
const TEXT = { type: 'string', minLength: 1 }
const LICENSES = {
  type: 'array',
  minItems: 1,
  items: {
    oneOf: [
      { type: 'object', required: ['expression'], additionalProperties: false, properties: { expression: TEXT } },
      {
        type: 'object',
        required: ['license'],
        additionalProperties: false,
        properties: { license: { required: ['id'], additionalProperties: false, properties: { id: TEXT } } },
      },
    ],
  },
}
const COMPONENT = {
  type: 'object',
  required: ['type', 'name', 'version', 'bom-ref', 'purl', 'licenses'],
  additionalProperties: false,
  properties: {
    type: { enum: ['application', 'library'] },
    'bom-ref': TEXT,
    name: TEXT,
    version: TEXT,
    description: TEXT,
    scope: { enum: ['required', 'optional', 'excluded'] },
    hashes: {
      type: 'array',
      items: {
        type: 'object',
        required: ['alg', 'content'],
        additionalProperties: false,
        properties: {
          alg: { enum: ['SHA-256', 'SHA-512'] },
          content: { type: 'string', pattern: '^([0-9a-f]{64}|[0-9a-f]{128})$' },
        },
      },
    },
    licenses: LICENSES,
    cpe: { type: 'string', pattern: '^cpe:2\\.3:a(:[^:]+){10}$' },
    purl: { type: 'string', pattern: '^pkg:(cargo|npm|generic)/\\S+@\\S+$' },
    externalReferences: {
      type: 'array',
      items: {
        type: 'object',
        required: ['type', 'url'],
        additionalProperties: false,
        properties: { type: { enum: ['vcs', 'website'] }, url: { type: 'string', pattern: '^https?://\\S+$' } },
      },
    },
    properties: {
      type: 'array',
      items: {
        type: 'object',
        required: ['name', 'value'],
        additionalProperties: false,
        properties: { name: TEXT, value: TEXT },
      },
    },
  },
}
const CYCLONEDX = {
  type: 'object',
  required: ['bomFormat', 'specVersion', 'serialNumber', 'version', 'metadata', 'components', 'dependencies'],
  additionalProperties: false,
  properties: {
    $schema: { const: 'http://cyclonedx.org/schema/bom-1.6.schema.json' },
    bomFormat: { const: 'CycloneDX' },
    specVersion: { const: '1.6' },
    serialNumber: {
      type: 'string',
      pattern: '^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$',
    },
    version: { const: 1 },
    metadata: {
      type: 'object',
      required: ['component'],
      additionalProperties: false,
      properties: { component: COMPONENT },
    },
    components: { type: 'array', minItems: 1, items: COMPONENT },
    dependencies: {
      type: 'array',
      items: {
        type: 'object',
        required: ['ref', 'dependsOn'],
        additionalProperties: false,
        properties: { ref: TEXT, dependsOn: { type: 'array', items: TEXT, uniqueItems: true } },
      },
    },
  },
}

describe('third-party code in published files', () => {
  /** The licenses that deny.toml allows. */
  const allowed = [
    ...(/^allow = \[([\s\S]*?)^\]/m.exec(readFileSync(join(ROOT, 'deny.toml'), 'utf8'))?.[1] ?? '').matchAll(
      /"([^"]+)"/g,
    ),
  ].map(([, license]) => license)
  // Some platforms without Rust test binaries that were built elsewhere.
  const cargo = spawnSync('cargo', ['--version']).status === 0
  const why = cargo ? '' : ' (skipped: there is no cargo)'

  test('has allowed licenses, with their texts', () => {
    const text = readFileSync(join(ROOT, 'mcp', 'dist', 'THIRD_PARTY_LICENSES.txt'), 'utf8')
    const titles = [...text.matchAll(/^(\S+) (\d\S*) \(([^)]+)\)(?:, contained in \S+)?$/gm)]
    const names = titles.map(([, name]) => name)
    expect(names).toEqual(expect.arrayContaining(['zod', '@modelcontextprotocol/server', 'ajv']))
    for (const [, name, , license] of titles) expect(allowed, name).toContain(license)
    expect(text).not.toContain('contains no license text')
  })

  test.skipIf(!cargo)(`is listed in CycloneDX format, both crates and npm packages${why}`, { timeout: 120_000 }, () => {
    const print = () => {
      const { status, stdout, stderr } = spawnSync(process.execPath, [join('scripts', 'sbom.mjs'), '--print'], {
        cwd: ROOT,
        encoding: 'utf8',
      })
      expect(status, stderr).toBe(0)
      return stdout
    }
    const text = print()
    const list = JSON.parse(text)
    const validate = new Ajv({ strict: false }).compile(CYCLONEDX)
    expect(validate(list), JSON.stringify(validate.errors)).toBe(true)

    const components: { name: string; purl: string; 'bom-ref': string }[] = list.components
    const refs = components.map((component) => component['bom-ref'])
    expect(new Set(refs).size).toBe(refs.length)
    // Everything is reachable from the package by its dependencies.
    const edges = new Map(
      list.dependencies.map(({ ref, dependsOn }: { ref: string; dependsOn: string[] }) => [ref, dependsOn]),
    ) as Map<string, string[]>
    const reached = new Set<string>([list.metadata.component['bom-ref']])
    for (const ref of reached) for (const next of edges.get(ref) ?? []) reached.add(next)
    expect([...reached].slice(1).sort()).toEqual([...refs].sort())

    const kinds = components.map(({ name, purl }) => `${purl.slice(4, purl.indexOf('/'))} ${name}`)
    for (const known of [
      'cargo napi',
      'cargo rusqlite',
      'cargo ring',
      'generic sqlite',
      'generic zstd',
      'generic inter',
    ])
      expect(kinds).toContain(known)
    for (const known of ['npm zod', 'npm @modelcontextprotocol/server', 'npm ajv']) expect(kinds).toContain(known)
    // Build and test tools are not published.
    for (const tool of ['cargo syn', 'cargo napi-derive', 'cargo cc', 'cargo proptest', 'npm vitest', 'npm rolldown'])
      expect(kinds).not.toContain(tool)
    expect(text).not.toContain(ROOT)
    expect(print()).toBe(text)
  })
})
