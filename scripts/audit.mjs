/**
 * Checks the npm packages that this package ships for known vulnerabilities: `npm run audit`, a step of the hosted workflow.
 *
 * `npm audit --omit=dev` would check nothing, because the package has no dependencies. It ships the packages that are bundled
 * into the MCP server, and those that these have bundled themselves, which are in no lock file.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BUNDLES, bundle, bundledPackages } from './bundle.mjs'
import { npm } from './lib.mjs'

const packages = bundledPackages(await Promise.all(BUNDLES.map((options) => bundle(options, { write: false }))))
const place = mkdtempSync(join(tmpdir(), 'backtesting-audit-'))
process.once('exit', () => rmSync(place, { recursive: true, force: true }))
// Aliases allow two versions of the same package.
const dependencies = Object.fromEntries(
  packages.map(({ name, version }, at) => [`shipped-${at}`, `npm:${name}@${version}`]),
)
writeFileSync(join(place, 'package.json'), JSON.stringify({ private: true, dependencies }))
for (const { name, version } of packages) console.error(`${name} ${version}`)
const options = { cwd: place }
npm(['install', '--package-lock-only', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], options)
npm(['audit'], options)
