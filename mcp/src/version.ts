/** Package version, reported to clients in the server info and by the health endpoint. */
export const VERSION = '0.1.0'
