import { expect, test } from 'vitest';
import type { DrilledVm } from '../../../src/schemas/types.ts';
import { problemsOf } from '../../../src/steps/boot/boot-start.ts';

const drilled = (vm: string, state: DrilledVm['state'], problem: string | null): DrilledVm =>
  ({ vm, backup_id: null, state, sign: null, seconds: null, problem, screenshot: null }) as DrilledVm;

test('the VM that failed is named before those that waited for it', () => {
  const vms = [
    drilled('web1', 'skipped', 'app1 is not up'),
    drilled('app1', 'skipped', 'db1 is not up'),
    drilled('dns1', 'up', null),
    drilled('db1', 'failed', 'nothing on the serial port'),
  ];
  expect(problemsOf(vms)).toEqual([
    'db1 did not come up: nothing on the serial port',
    'web1 was not started: app1 is not up',
    'app1 was not started: db1 is not up',
  ]);
});
