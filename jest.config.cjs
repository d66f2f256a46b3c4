/** Jest sees CommonJS files only: it shows that the package works there, vitest tests what it does. */
module.exports = {
  roots: ['<rootDir>/__test__/jest'],
  testMatch: ['**/*.test.cjs'],
  testEnvironment: 'node',
  transform: {},
}
