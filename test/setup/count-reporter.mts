// Ends a test run with what was skipped, by name, and one line of counts.
import type { Reporter, TestModule } from 'vitest/node';

export default class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const count = { passed: 0, failed: 0, skipped: 0, pending: 0 };
    const skipped = new Map<string, number>();
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        count[state]++;
        // Named, so that a test which fails now and then is not forgotten.
        if (test.diagnostic()?.flaky) console.log(`passed on a second try: ${test.fullName}`);
        if (state === 'skipped') {
          const name = test.parent.type === 'suite' ? test.parent.fullName : test.fullName;
          skipped.set(name, (skipped.get(name) ?? 0) + 1);
        }
      }
    }
    const broken = modules.filter((m) => m.state() === 'failed' && m.errors().length > 0).length;
    for (const [name, n] of skipped) console.log(`skipped: ${name} (${n} tests)`);
    console.log(`${count.passed} passed, ${count.failed + broken} failed, ${count.skipped} skipped`);
  }
}
