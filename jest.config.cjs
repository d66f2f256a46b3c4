/** Jest only runs a smoke test in CommonJS, to show that the package works there; vitest runs all other tests. */
module.exports = {
  roots: ['<rootDir>/__test__/jest'],
  testMatch: ['**/*.test.cjs'],
  testEnvironment: 'node',
  transform: {},
}
