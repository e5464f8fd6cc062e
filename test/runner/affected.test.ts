import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../host/temporary-folder.ts';
import { affectedTests, testsOfChange } from './affected.ts';
import { importGraph } from './import-graph.ts';

const files: Readonly<Record<string, string>> = {
  'src/errors/catalogue.ts': 'export {};',
  'src/state/runs.ts': "import { x } from '../errors/catalogue.ts';",
  'src/cli/sendense-run.ts': "const { main } = await import('../hub/hub.ts');",
  'src/hub/hub.ts': "import type { Y } from '../state/runs.ts';",
  'src/blocks/digest-worker.ts': '',
  'schemas/plan.json': '{}',
  'src/schemas/package.ts': 'export {};',
  'src/plan/load.ts': "import { packageRoot } from '../schemas/package.ts';",
  'plans/nightly.yaml': '',
  'docs/errors.md': '',
  'test/programs.ts': 'export {};',
  'test/state/runs.test.ts': "import { x } from '../../src/state/runs.ts';",
  'test/plan/load.test.ts': "import { x } from '../../src/plan/load.ts';",
  'test/plan/shipped.test.ts': "const all = join(root, 'plans');",
  'test/project/docs.test.ts': "const pages = join(import.meta.dirname, '../../docs');",
  'test/e2e/run.test.ts': "import { programs } from '../programs.ts';",
  'src/transfer/client.ts': '',
  'src/node/jobs.ts': "spawn(startFile('transfer/client'));",
  'test/node/jobs.test.ts': "import { j } from '../../src/node/jobs.ts';",
  'test/state/state-child.ts': '',
  'test/state/leases.test.ts': "spawn(testProgram('state/state-child'));",
  'test/simulators/line.ts': '',
  'test/simulators/deep/line.c': '',
  'test/e2e/line.test.ts': "import { l } from '../simulators/line.ts';",
};

async function checkout() {
  const folder = await temporaryFolder();
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(folder.file(name)), { recursive: true });
    writeFileSync(folder.file(name), text);
  }
  return folder;
}

describe('the tests that a change can affect', () => {
  test.for([
    ['src/state/runs.ts', ['test/state/runs.test.ts']],
    ['src/errors/catalogue.ts', ['test/state/runs.test.ts']],
    // Started as programs, by whoever imports the list of them; a type changes nothing that runs.
    ['src/hub/hub.ts', ['test/e2e/run.test.ts']],
    ['src/blocks/digest-worker.ts', ['test/e2e/run.test.ts']],
    ['src/transfer/client.ts', ['test/node/jobs.test.ts']],
    ['test/state/state-child.ts', ['test/state/leases.test.ts']],
    ['schemas/plan.json', ['test/plan/load.test.ts']],
    ['plans/nightly.yaml', ['test/plan/shipped.test.ts']],
    ['docs/errors.md', ['test/project/docs.test.ts']],
    ['test/simulators/deep/line.c', ['test/e2e/line.test.ts']],
    ['test/plan/load.test.ts', ['test/plan/load.test.ts']],
    ['CHANGELOG.md', []],
    ['package-lock.json', 'all'],
    ['setup.sh', 'all'],
    ['vitest.config.ts', 'all'],
    ['test/global-setup.ts', 'all'],
    ['test/runner/measure.ts', 'all'],
  ] as const)('%s', async ([changed, tests]) => {
    await using folder = await checkout();
    expect(affectedTests(importGraph(folder.path), [changed])).toEqual(tests);
  });

  test('in this checkout: what everything is built on affects more than a leaf', () => {
    const root = new URL('../..', import.meta.url).pathname;
    const graph = importGraph(root);
    const affected = (path: string): number => affectedTests(graph, [path]).length;
    expect(affectedTests(graph, ['test/e2e/faults.test.ts'])).toEqual(['test/e2e/faults.test.ts']);
    expect(affected('src/view/format.ts')).toBeGreaterThan(0);
    expect(affected('src/hub/schedule/patience.ts')).toBeLessThan(affected('src/errors/sendense-error.ts'));
    expect(affectedTests(graph, ['src/host/images/qemu-img.ts'])).toContain('test/e2e/main-job.test.ts');
    expect(affectedTests(graph, ['test/simulators/vcenter/simulator/areas.go'])).toContain('test/e2e/vsphere.test.ts');
  });

  test('a commit that is not there is an error', () => {
    const root = new URL('../..', import.meta.url).pathname;
    expect(() => testsOfChange(root, 'no-such-commit')).toThrow(/no-such-commit/);
  });
});
