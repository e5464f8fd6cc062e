import { chmodSync, chownSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { createPlanRegister } from '../../../src/hub/schedule/plan-register.ts';
import { loadSettings } from '../../../src/plan/load-settings.ts';
import { listSchedules } from '../../../src/state/schedules/schedules.ts';
import { temporaryState } from '../../state/temporary-state.ts';
import { defaultSettings } from '../../e2e/workspace.ts';

const plan = (cron: string, name = 'nightly'): string => `kind: backup
name: ${name}
vm: { name: pgtest1, source: { type: image, disks: [{ path: disk0.raw }] } }
repository: primary
schedule: { cron: "${cron}" }
`;

/** A folder of plans and what a daemon makes of it. */
function openFolder() {
  const temporary = temporaryState();
  const { state } = temporary;
  const folder = join(temporary.folder, 'plans');
  const path = (name: string): string => join(folder, name);
  mkdirSync(folder);
  writeFileSync(path('sendense.yaml'), defaultSettings);
  const settings = loadSettings(path('sendense.yaml'), folder);
  let clock = 1000;
  return {
    path,
    write: (name: string, text: string): void => writeFileSync(path(name), text),
    remove: (name: string): void => rmSync(path(name)),
    rename: (from: string, to: string): void => renameSync(path(from), path(to)),
    /** Names and times that are in force, and what is told of files that are not. */
    inForce: () => listSchedules(state).filter(({ removed }) => removed === null),
    register(patienceMs: number) {
      const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
      const register = createPlanRegister({ state, folder, now: () => clock++, log, patienceMs });
      return async () => {
        const { put, drop, againMs } = await register.scan(settings, 'mark');
        return { put: put.map(({ plan: name, facts }) => `${name} ${facts.schedule.cron}`), drop, againMs };
      };
    },
    [Symbol.dispose]: () => temporary[Symbol.dispose](),
  };
}

type Folder = ReturnType<typeof openFolder>;
const hour = 3_600_000;

test('a file that is away for a moment is being replaced: its plan stays in force', async () => {
  using folder = openFolder();
  folder.write('a.yaml', plan('0 3 * * *'));
  const scan = folder.register(hour);
  expect(await scan()).toEqual({ put: ['nightly 0 3 * * *'], drop: [], againMs: null });
  const [before] = folder.inForce();

  folder.remove('a.yaml');
  expect(await scan()).toEqual({ put: [], drop: [], againMs: hour });
  folder.write('a.yaml', plan('0 3 * * *'));
  expect(await scan()).toEqual({ put: ['nightly 0 3 * * *'], drop: [], againMs: null });
  // Slots since then count: nothing has ended.
  expect(folder.inForce()[0]?.since).toBe(before?.since);
});

describe('a file that is being written', () => {
  test.for([
    ['is empty', ''],
    ['is cut off where it is no plan yet', 'kind: backup\nname: nightly\n'],
    ['is cut off where it is a plan without a schedule', plan('0 3 * * *').replace(/schedule.*\n/, '')],
    ['is cut off in the name', 'kind: backup\nname: night\n'],
  ] as const)('%s for a moment: nothing is told, and its plan stays in force', async ([, text]) => {
    using folder = openFolder();
    folder.write('a.yaml', plan('0 3 * * *'));
    const scan = folder.register(hour);
    await scan();
    folder.write('a.yaml', text);
    expect(await scan()).toEqual({ put: [], drop: [], againMs: hour });
    expect(folder.inForce()).toMatchObject([{ plan: 'nightly', error: null }]);
    folder.write('a.yaml', plan('0 4 * * *'));
    expect(await scan()).toEqual({ put: ['nightly 0 4 * * *'], drop: [], againMs: null });
  });

  test('and stays cut off is told of, and leaves its plan in force', async () => {
    using folder = openFolder();
    folder.write('a.yaml', plan('0 3 * * *'));
    const scan = folder.register(50);
    await scan();
    folder.write('a.yaml', 'kind: backup\nname: nightly\n');
    expect(await scan()).toEqual({ put: [], drop: [], againMs: 50 });
    await delay(60);
    expect(await scan()).toEqual({ put: [], drop: [], againMs: null });
    expect(folder.inForce()).toMatchObject([
      { plan: 'nightly', facts: { schedule: { cron: '0 3 * * *' } }, error: { code: 'plan.invalid' } },
    ]);
  });

  test('and goes before it was ever valid is not waited for', async () => {
    using folder = openFolder();
    const scan = folder.register(hour);
    folder.write('a.yaml', 'kind: backup\nname: nightly\nschedule: {}\n');
    expect(await scan()).toEqual({ put: [], drop: [], againMs: hour });
    folder.remove('a.yaml');
    expect(await scan()).toEqual({ put: [], drop: [], againMs: null });
    expect(folder.inForce()).toEqual([]);
  });
});

test('a file that stays away ends its plan; one that came back meanwhile has its time anew', async () => {
  using folder = openFolder();
  folder.write('a.yaml', plan('0 3 * * *'));
  const scan = folder.register(50);
  await scan();
  folder.remove('a.yaml');
  await scan();
  folder.write('a.yaml', plan('0 4 * * *'));
  await scan();
  await delay(60);
  folder.remove('a.yaml');
  expect(await scan()).toMatchObject({ drop: [], againMs: 50 });
  await delay(60);
  expect(await scan()).toEqual({ put: [], drop: ['nightly'], againMs: null });
  expect(folder.inForce()).toEqual([]);
  expect(await scan()).toEqual({ put: [], drop: [], againMs: null });
});

test('what was removed while no daemon looked is gone at once, and never begins', async () => {
  using folder = openFolder();
  folder.write('a.yaml', plan('0 3 * * *'));
  await folder.register(hour)();
  folder.remove('a.yaml');
  expect(await folder.register(hour)()).toEqual({ put: [], drop: ['nightly'], againMs: null });
  expect(folder.inForce()).toEqual([]);
});

test('a plan whose file has another name goes on', async () => {
  using folder = openFolder();
  folder.write('a.yaml', plan('0 3 * * *'));
  const scan = folder.register(20);
  await scan();
  const [before] = folder.inForce();
  folder.rename('a.yaml', 'b.yaml');
  expect(await scan()).toEqual({ put: ['nightly 0 3 * * *'], drop: [], againMs: 20 });
  await delay(30);
  expect(await scan()).toEqual({ put: [], drop: [], againMs: null });
  expect(folder.inForce()).toMatchObject([{ plan: 'nightly', file: folder.path('b.yaml'), error: null }]);
  expect(folder.inForce()[0]?.since).toBe(before?.since);
});

describe('a plan that was never valid is told of until', () => {
  const invalid = (name: string): string => `kind: backup\nname: ${name}\nschedule: { cron: "0 3 * * *" }\n`;
  const told = { facts: null, error: { code: 'plan.invalid' } };

  test.for([
    ['its file is gone', (folder: Folder) => folder.remove('a.yaml'), []],
    ['it has another name', (folder: Folder) => folder.write('a.yaml', invalid('weekly')), [['weekly', false]]],
    ['it is valid', (folder: Folder) => folder.write('a.yaml', plan('0 3 * * *')), [['nightly', true]]],
    ['it is another', (folder: Folder) => folder.write('a.yaml', plan('0 3 * * *', 'weekly')), [['weekly', true]]],
    ['it is none', (folder: Folder) => folder.write('a.yaml', 'kind: other\n'), []],
  ] as const)('%s', async ([, change, left]) => {
    for (const restarted of [false, true]) {
      using folder = openFolder();
      folder.write('a.yaml', invalid('nightly'));
      const scan = folder.register(0);
      await scan();
      expect(folder.inForce()).toMatchObject([{ plan: 'nightly', ...told }]);
      change(folder);
      await (restarted ? folder.register(0) : scan)();
      expect(folder.inForce().map(({ plan: name, facts }) => [name, facts !== null])).toEqual(left);
    }
  });
});

test.each([
  ['everybody can write to', (path: string) => chmodSync(path, 0o646), (path: string) => chmodSync(path, 0o644)],
  ['belongs to', (path: string) => chownSync(path, 65_534, 0), (path: string) => chownSync(path, 0, 0)],
] as const)('a file that %s others is not in force; its plan stays so with its last text', async (why, spoil, mend) => {
  if (process.geteuid?.() !== 0 && why === 'belongs to') return;
  using folder = openFolder();
  folder.write('a.yaml', plan('0 3 * * *'));
  const scan = folder.register(0);
  await scan();
  folder.write('a.yaml', plan('0 4 * * *'));
  folder.write('b.yaml', plan('0 5 * * *', 'planted'));
  for (const name of ['a.yaml', 'b.yaml']) spoil(folder.path(name));
  expect(await scan()).toMatchObject({ put: [], drop: [] });
  expect(folder.inForce()).toMatchObject([
    { plan: 'nightly', facts: { schedule: { cron: '0 3 * * *' } }, error: { code: 'plan.untrusted' } },
  ]);
  expect(folder.inForce()[0]?.error?.message).toContain(why);
  // A mode and an owner are not what tells that a file is another: it is looked at again all the same.
  for (const name of ['a.yaml', 'b.yaml']) mend(folder.path(name));
  expect((await scan()).put).toEqual(['nightly 0 4 * * *', 'planted 0 5 * * *']);
});
