// Everything that needs no root: `npm test`. The lab has its own configuration beside this one.
import { defineConfig } from 'vitest/config';
import { SkippedReporter } from './test/helpers/skipped-reporter.js';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/lab/**', 'node_modules/**'],
    reporters: ['default', new SkippedReporter()],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // Real servers run beside the tests; more workers than this starve them on a small machine.
    maxWorkers: 2,
  },
});
