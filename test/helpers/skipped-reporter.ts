// Names at the end of a run what was skipped, so that a program that is not installed never goes unnoticed.
import type { Reporter, TestCase, TestModule } from 'vitest/node';

export class SkippedReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const counts = new Map<string, number>();
    for (const module of modules) {
      for (const test of module.children.allTests('skipped')) {
        const name = `${module.relativeModuleId}: ${groupOf(test)}`;
        counts.set(name, (counts.get(name) ?? 0) + 1);
      }
    }
    if (counts.size === 0) return;
    console.log('Skipped:');
    for (const [name, count] of counts) console.log(`  ${name}${count === 1 ? '' : ` (${count} tests)`}`);
  }
}

/** The group that was skipped as a whole, or the test where only it was. */
function groupOf(test: TestCase): string {
  const { parent } = test;
  if (parent.type !== 'suite' || [...parent.children.allTests()].some(isNotSkipped)) return test.fullName;
  return parent.fullName;
}

function isNotSkipped(test: TestCase): boolean {
  return test.result().state !== 'skipped';
}
