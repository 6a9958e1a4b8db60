import config from './jest.config.mjs';

export default {
  ...config,
  roots: ['<rootDir>/test/board/browser'],
  testPathIgnorePatterns: ['/node_modules/'],
  maxWorkers: 1,
};
