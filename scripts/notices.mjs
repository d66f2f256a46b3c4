/** License texts of everything that published files contain. */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Third-party code in a published file.
 * @typedef {object} Component
 * @property {'npm' | 'cargo' | 'generic'} kind
 * @property {string} name
 * @property {string} version
 * @property {string} license as an SPDX expression
 * @property {string} [integrity] as npm writes it
 * @property {string} [checksum] SHA-256, as cargo writes it
 * @property {string} [cpe] the identifier in vulnerability databases
 * @property {string[]} needs the names (npm) or keys (cargo) of its dependencies
 * @property {string} [within] the component that contains a copy of it
 * @property {string} [source] where it comes from
 * @property {string[]} [targets] the platforms that it is linked for, if not all
 * @property {string[]} texts its licenses and notices
 */

/**
 * Returns a text with the licenses of components. Identical texts appear once, after all components they apply to.
 * @param {string} heading
 * @param {Component[]} components
 */
export function notices(heading, components) {
  /** @type {Map<string, { titles: string[], text: string }>} */
  const found = new Map()
  for (const { name, version, license, within, texts, source } of components) {
    const title = `${name} ${version} (${license})${within ? `, contained in ${within}` : ''}`
    const text = texts.map(tidy).join('\n\n') || `The package contains no license text. See ${source ?? name}.`
    // Texts that only differ in line breaks are identical.
    const key = text.replace(/\s+/g, ' ')
    const known = found.get(key)
    if (known) known.titles.push(title)
    else found.set(key, { titles: [title], text })
  }
  const parts = [...found.values()].map(({ titles, text }) => `${titles.join('\n')}\n\n${text}\n`)
  return [`${heading}\n`, ...parts].join(`\n${'-'.repeat(80)}\n\n`)
}

/** @param {string} text */
function tidy(text) {
  return text
    .replaceAll('\r\n', '\n')
    .replace(/[ \t\f]+$/gm, '')
    .replace(/\n{3,}/g, '\n\n')
    .trim()
}

/**
 * Returns the texts of licenses and notices in the folder of a package.
 * @param {string} folder
 * @returns {string[]}
 */
export function texts(folder) {
  return readdirSync(folder)
    .filter((name) => /^(licen[cs]e|copying|notice|unlicense)/i.test(name) && !/\.(js|ts|json)$/.test(name))
    .sort()
    .map((name) => readFileSync(join(folder, name), 'utf8'))
}
