import { availableParallelism } from 'node:os';

export default {
  rootDir: '.',
  roots: ['<rootDir>/test', '<rootDir>/examples/readme/src'],
  testMatch: ['**/*.spec.ts', '**/*.e2e-spec.ts', '<rootDir>/examples/readme/src/*.test.ts'],
  // Chromium takes minutes: `npm run test:browsers`.
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/board/browser/'],
  testEnvironment: 'node',
  setupFilesAfterEnv: ['<rootDir>/test/support/printed-secrets.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: {
    '^(\\.{1,2}/.*)\\.js$': '$1',
    '^nestjs-diffsync$': '<rootDir>/src/index.ts',
    '^nestjs-diffsync/bullmq$': '<rootDir>/src/bullmq/index.ts',
    '^nestjs-diffsync/otel$': '<rootDir>/src/otel/index.ts',
    '^nestjs-diffsync/board$': '<rootDir>/src/board/index.ts',
    '^nestjs-diffsync/testing$': '<rootDir>/src/testing/index.ts',
    '^nestjs-diffsync/redis$': '<rootDir>/src/store/redis/index.ts',
    '^nestjs-diffsync/sqlite$': '<rootDir>/src/store/sqlite/index.ts',
  },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          parser: {
            syntax: 'typescript',
            decorators: true,
          },
          transform: {
            legacyDecorator: true,
            decoratorMetadata: true,
          },
          target: 'es2022',
          keepClassNames: true,
        },
        module: {
          type: 'es6',
        },
        sourceMaps: 'inline',
      },
    ],
  },
  testTimeout: 120000,
  // One more than there are cores: many tests wait for a failover, an fsync, a server that starts.
  maxWorkers: availableParallelism() + 1,
  testSequencer: '<rootDir>/test/support/longest-first.mjs',
};
