/** The form of every answer: structured, the same as text, and the resource that programs parse. */

import type { CallToolResult, ContentBlock } from '@modelcontextprotocol/server'

/** What came out, what speaks against it, what to do next, then the rest. */
export interface Told {
  headline: string
  caveats: string[]
  next_step: string
  [name: string]: unknown
}

/** Gives the answer of a tool. The first resource is what the existing backend parses. */
export function answer(told: Told, uri: string, resource: unknown, more: ContentBlock[] = []): CallToolResult {
  return {
    structuredContent: told,
    content: [{ type: 'text', text: textOf(told) }, embedded(uri, resource), ...more],
  }
}

/** Embeds a resource. It is for programs: a model has been told the same in the text. */
export function embedded(uri: string, resource: unknown): ContentBlock {
  return {
    type: 'resource',
    resource: { uri, mimeType: 'application/json', text: JSON.stringify(resource) },
    annotations: { audience: ['user'], priority: 0 },
  }
}

/** Says in text what the structured content says. */
export function textOf({ headline, caveats, next_step, ...rest }: Told): string {
  return [
    headline,
    ...(caveats.length > 0 ? ['Caveats:', ...caveats.map((caveat) => `- ${caveat}`)] : []),
    `Next: ${next_step}`,
    ...(Object.keys(rest).length > 0 ? [JSON.stringify(rest)] : []),
  ].join('\n')
}
