import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { testProgram } from '../../programs.ts';

test('README.md lists every fault that there is', () => {
  const read = (name: string): string => readFileSync(join(import.meta.dirname, name), 'utf8');
  const known = /for _, name := range \[\]string\{([^}]*)\}/.exec(read('simulator/control.go'))?.[1] ?? '';
  const listed = [...(read('README.md').split('## Faults')[1] ?? '').matchAll(/^\| `([\w-]+)`/gm)].map(
    ([, name]) => name,
  );
  expect(listed.toSorted()).toEqual([...known.matchAll(/"([\w-]+)"/g)].map(([, name]) => name).toSorted());
  expect(listed.length).toBeGreaterThan(30);
});

test('ends with who started it, and takes its files along', async () => {
  const child = spawn(process.execPath, [testProgram('simulators/vcenter/vcenter-child')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface({ input: child.stdout }), 'line', {
    signal: AbortSignal.timeout(90_000),
  })) as [string];
  const { pid, folder } = JSON.parse(line) as { pid: number; folder: string };
  child.kill('SIGKILL');
  for (const deadline = Date.now() + 10_000; existsSync(`/proc/${pid}`) && Date.now() < deadline;) await delay(20);
  expect([existsSync(`/proc/${pid}`), existsSync(folder)]).toEqual([false, false]);
});
