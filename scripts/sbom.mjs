/**
 * Writes the list of everything that the published packages contain, with licenses: `npm run sbom`, part of a release.
 *
 *   node scripts/sbom.mjs            writes sbom.cdx.json (CycloneDX 1.6), and the licenses into npm/PLATFORM
 *   node scripts/sbom.mjs --print    writes sbom.cdx.json to standard output, and writes nothing else
 *
 * One list covers the crates that are linked into the addon, with their C libraries, and the npm packages that are bundled
 * into the MCP server. It only depends on the sources and the lock files.
 */

import { createHash } from 'node:crypto'
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BUNDLES, bundle, bundledPackages } from './bundle.mjs'
import { linkedCrates } from './crates.mjs'
import { ROOT } from './lib.mjs'
import { notices } from './notices.mjs'

/** @typedef {import('./notices.mjs').Component} Component */

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
const { root, components: crates } = linkedCrates()
const packages = bundledPackages(await Promise.all(BUNDLES.map((options) => bundle(options, { write: false }))))
const text = `${JSON.stringify(document(), null, 2)}\n`

if (process.argv.includes('--print')) {
  process.stdout.write(text)
} else {
  writeFileSync(join(ROOT, 'sbom.cdx.json'), text)
  const foreign = crates.filter((component) => key(component) !== root)
  const licenses = notices('The binary of this package contains parts of the following.', foreign)
  // npm always packs files with these names, whatever `files` says.
  for (const platform of readdirSync(join(ROOT, 'npm'))) {
    copyFileSync(join(ROOT, 'LICENSE'), join(ROOT, 'npm', platform, 'LICENSE'))
    writeFileSync(join(ROOT, 'npm', platform, 'LICENSE.third-party.txt'), licenses)
  }
  console.error(`sbom.cdx.json: ${crates.length} linked into the addon, ${packages.length} bundled into the MCP server`)
}

function document() {
  const components = [...crates, ...packages]
  const own = `pkg:npm/${encodeURIComponent(manifest.name).replace('%2F', '/')}@${manifest.version}`
  const direct = packages.filter(({ within }) => within === undefined).map(purl)
  const body = {
    metadata: {
      component: {
        type: 'library',
        'bom-ref': own,
        name: manifest.name,
        version: manifest.version,
        description: manifest.description,
        licenses: licenses(manifest.license),
        purl: own,
      },
    },
    components: components.map(described),
    dependencies: [
      { ref: own, dependsOn: [...crates.filter((crate) => key(crate) === root).map(purl), ...direct] },
      ...components.map((component) => ({ ref: purl(component), dependsOn: needed(component) })),
    ],
  }
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${uuid(JSON.stringify(body))}`,
    version: 1,
    ...body,
  }
}

/** @param {Component} component */
function described(component) {
  const { name, version, license, integrity, checksum, source, targets, within, cpe } = component
  const hashes = [
    ...(integrity
      ? [{ alg: 'SHA-512', content: Buffer.from(integrity.slice('sha512-'.length), 'base64').toString('hex') }]
      : []),
    ...(checksum ? [{ alg: 'SHA-256', content: checksum }] : []),
  ]
  const properties = [
    ...(within ? [{ name: 'aitradepro:contained-in', value: within }] : []),
    ...(targets ?? []).map((value) => ({ name: 'aitradepro:target', value })),
  ]
  const url = source?.replace(/^git\+/, '')
  return {
    type: 'library',
    'bom-ref': purl(component),
    name,
    version,
    scope: 'required',
    ...(hashes.length > 0 ? { hashes } : {}),
    licenses: licenses(license),
    ...(cpe ? { cpe } : {}),
    purl: purl(component),
    ...(url ? { externalReferences: [{ type: url.includes('github.com') ? 'vcs' : 'website', url }] } : {}),
    ...(properties.length > 0 ? { properties } : {}),
  }
}

/** @param {Component} component */
function needed(component) {
  const pool = component.kind === 'npm' ? packages : crates
  const contained = pool.filter(({ within }) => within === component.name)
  const needs = pool.filter(
    ({ kind, name, version, within }) =>
      within === undefined && component.needs.includes(kind === 'cargo' ? `${name}@${version}` : name),
  )
  const fonts =
    key(component) === root ? pool.filter(({ kind, within }) => kind === 'generic' && within === undefined) : []
  return [...new Set([...needs, ...contained, ...fonts].map(purl))].sort()
}

/** @param {string} license */
function licenses(license) {
  return /\s/.test(license) ? [{ expression: license }] : [{ license: { id: license } }]
}

/** @param {Component} component */
function purl({ kind, name, version }) {
  return `pkg:${kind}/${name.split('/').map(encodeURIComponent).join('/')}@${encodeURIComponent(version)}`
}

/** @param {Component} component */
function key({ name, version }) {
  return `${name}@${version}`
}

/**
 * Derives a UUID from the content: the same list has the same UUID.
 * @param {string} text
 */
function uuid(text) {
  const hex = createHash('sha256').update(text).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
