/** MCP servers over a backtesting engine, for a backend to mount. */

export type { Engine } from './engine.js'
export { createBacktestingHttpHandler, type HttpHandler, type HttpOptions } from './http.js'
export { type BacktestingHttpServer, createBacktestingHttpServer, type HttpServerOptions } from './serve.js'
export { createBacktestingServer } from './server.js'
export type { ServerOptions } from './settings.js'
