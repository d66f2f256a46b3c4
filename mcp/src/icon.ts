/** The icon of the server: a curve of equity with its drawdown. */

const SVG =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="6" fill="#1b3a57"/>' +
  '<path d="M5 22l6-6 5 4 11-12" fill="none" stroke="#6cc5a1" stroke-width="3" stroke-linecap="round"/>' +
  '<path d="M5 27h22" stroke="#e0975c" stroke-width="2"/></svg>'

export const ICON = {
  src: `data:image/svg+xml;base64,${Buffer.from(SVG).toString('base64')}`,
  mimeType: 'image/svg+xml',
  sizes: ['any'],
}
