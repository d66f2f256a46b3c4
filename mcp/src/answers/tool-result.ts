/** The common form of tool results: structured content, the same content as text, and an embedded resource. */

import type { CallToolResult, ContentBlock } from '@modelcontextprotocol/server'

/** Structured content of a tool: the result in one sentence, its caveats, the next step, then the data. */
export interface ToolOutput {
  headline: string
  caveats: string[]
  next_step: string
  [name: string]: unknown
}

/** What a result has besides its content and its resource. */
export interface Extras {
  /** The sentence that begins the text, which existing backends parse. */
  opening?: string
  /** Further blocks: pictures, links. */
  more?: ContentBlock[]
}

/** Builds the result of a tool. The embedded resource must come before all others: existing backends parse the first one. */
export function toolResult(
  output: ToolOutput,
  uri: string,
  resource: unknown,
  { opening, more = [] }: Extras = {},
): CallToolResult {
  const text = renderText(output)
  return {
    structuredContent: output,
    content: [
      { type: 'text', text: opening === undefined ? text : `${opening}\n${text}` },
      embeddedResource(uri, resource),
      ...more,
    ],
  }
}

/** Embeds a resource for programs. Models read the same data in the text, so the resource has the lowest priority. */
export function embeddedResource(uri: string, resource: unknown): ContentBlock {
  return {
    type: 'resource',
    resource: { uri, mimeType: 'application/json', text: JSON.stringify(resource) },
    annotations: { audience: ['user'], priority: 0 },
  }
}

/** Links a resource that a client can read, instead of embedding it. */
export function resourceLink(uri: string, name: string, description: string, mimeType: string): ContentBlock {
  return { type: 'resource_link', uri, name, description, mimeType }
}

/** Renders structured content as text. */
export function renderText({ headline, caveats, next_step, ...rest }: ToolOutput): string {
  return [
    headline,
    ...(caveats.length > 0 ? ['Caveats:', ...caveats.map((caveat) => `- ${caveat}`)] : []),
    `Next: ${next_step}`,
    ...(Object.keys(rest).length > 0 ? [JSON.stringify(rest)] : []),
  ].join('\n')
}
