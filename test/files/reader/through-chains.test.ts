import { mkdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { OpenFiles } from '../../../src/hub/files/open-files.ts';
import { openHub } from '../../../src/hub/open-hub.ts';
import { backupPlan, disksOf, workspace, type Workspace } from '../../e2e/workspace.ts';
import { hurryKdf } from '../../support/hurried-kdf.ts';
import { numbersOf, seed } from '../../support/random.ts';
import { all } from '../../support/rounds.ts';
import { fixtures } from '../fixtures/fixtures.ts';
import { prepare, type Prepared } from '../fixtures/prepared.ts';
import { growingDisk, type GrowingDisk } from './grown-disk.ts';
import { hasAllFiles, hasVolumes } from './same-as-manifest.ts';
import { together } from './together.ts';

hurryKdf();

/** A full and three incrementals. */
const nights = 4;
const making = 1_800_000;

const compressed = ', compress: zstd';
const encrypted = ', encryption: { key: { secret: { file: ./repo.key } } }';

/** What the settings of the repository say on each night. With encryption nothing is compressed. */
const forms = {
  'plain': ['', '', '', ''],
  'compressed': [compressed, compressed, compressed, compressed],
  'compressed at times': ['', compressed, '', compressed],
  'encrypted': [encrypted, encrypted, encrypted, encrypted],
} as const;
type Form = keyof typeof forms;

/** At full length each disk is encrypted once, and once in one of the other forms. */
function cases(): { form: Form; names: readonly string[] }[] {
  if (!all)
    return [
      { form: 'encrypted', names: ['ext4-dirty', 'raid-1.2'] },
      { form: 'compressed at times', names: ['ntfs-dirty', 'luks2'] },
    ];
  const others: readonly Form[] = ['plain', 'compressed', 'compressed at times'];
  const again = others.flatMap((form, index) =>
    together(fixtures.filter((one, at) => !one.long && at % others.length === index)).map((names) => ({ form, names })),
  );
  return [...together().map((names) => ({ form: 'encrypted' as const, names })), ...again];
}

const settings = (more: string): string =>
  `version: 1\nstate: ./state/sendense.db\nrepositories:\n  primary: { path: ./repository${more} }\n`;

interface Shown {
  readonly prepared: Prepared;
  readonly first: number;
}

/** A VM with all disks of these fixtures, backed up on each night. */
async function backUp(work: Workspace, form: Form, prepared: readonly Prepared[]): Promise<Shown[]> {
  const random = numbersOf([seed, 'nights']);
  const shown: Shown[] = [];
  const grown: GrowingDisk[] = [];
  const paths: string[] = [];
  for (const one of prepared) {
    shown.push({ prepared: one, first: paths.length });
    for (const disk of one.disks.values()) {
      const path = `disk${paths.length}.raw`;
      grown.push(await growingDisk(disk, work.path(path), nights, random));
      paths.push(path);
    }
  }
  await work.write('nightly.yaml', backupPlan(paths));
  for (let night = 0; night < nights; night++) {
    for (const disk of grown) await disk.grow(night);
    await work.write('sendense.yaml', settings(forms[form][night] ?? ''));
    const outcome = await work.run('nightly.yaml');
    expect(outcome.finished.status, outcome.stderr).toBe('succeeded');
    expect(disksOf(outcome).map(({ mode }) => mode)).toEqual(paths.map(() => (night === 0 ? 'full' : 'incremental')));
  }
  return shown;
}

async function openPoint(work: Workspace, stack: AsyncDisposableStack): Promise<OpenFiles> {
  const hub = stack.use(
    await openHub({ startFolder: work.folder, embeddedNode: () => Promise.reject(new Error('no node')) }),
  );
  const folder = work.path('sessions');
  mkdirSync(folder, { mode: 0o711 });
  const sessions = stack
    .use(await hub.files(folder))
    .of({ who: 'root', identity: '', address: null, mayCloseAll: true });
  return await sessions.open({ vm: 'pgtest1', repository: undefined, choice: 'latest', identity: undefined });
}

describe.each(cases().map((one) => ({ ...one, title: `${one.form}: ${one.names.join(', ')}` })))(
  'three incrementals deep, $title',
  ({ form, names }) => {
    const stack = new AsyncDisposableStack();
    let files: OpenFiles;
    let shown: Shown[];
    beforeAll(async () => {
      const prepared = await prepare(names);
      const work = stack.use(await workspace());
      await work.call(['repo', 'new-key', 'repo.key']);
      shown = await backUp(work, form, prepared);
      files = await openPoint(work, stack);
    }, making);
    afterAll(() => stack.disposeAsync());

    test.each(names)('%s', { timeout: making }, async (name) => {
      const one = shown.find(({ prepared }) => prepared.fixture.name === name)!;
      await hasVolumes(files, files.info().volumes, one);
      await hasAllFiles(files, one);
    });
  },
);
