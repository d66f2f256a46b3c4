/** The version of the package, which servers tell their clients. */
export const VERSION = '0.1.0'
