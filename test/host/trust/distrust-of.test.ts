import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  linkSync,
  mkdirSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { loadNodeSettings } from '../../../src/node/node-settings.ts';
import { distrustOf } from '../../../src/host/trust/distrust-of.ts';
import { exposedSecrets, exposureOf } from '../../../src/plan/yaml/exposed-secrets.ts';
import { loadSettings } from '../../../src/plan/load-settings.ts';
import type { StatusOutput } from '../../../src/schemas/types.ts';
import { validateFiles } from '../../../src/plan/validate-files.ts';
import { callResident } from '../../e2e/resident.ts';
import { backup, folderWith, settings } from '../../plan/support.ts';
import { letSomebodyWrite } from '../../support/acl.ts';

const stranger = 65_534;
/** Only root gives files away; what needs that says nothing for others. */
const isRoot = process.geteuid?.() === 0;

/** A folder of our own in one that is sticky, as /tmp is. */
function inSticky(): { sticky: string; own: string; file: string } {
  const sticky = folderWith({ 'own/sendense.yaml': settings, 'own/plan.yaml': backup });
  chmodSync(sticky, 0o1777);
  chmodSync(join(sticky, 'own'), 0o755);
  return { sticky, own: join(sticky, 'own'), file: join(sticky, 'own/sendense.yaml') };
}

describe('what was found counts only where nobody else could have written it', () => {
  test('a file of ours, also below a sticky folder', () => {
    expect(distrustOf(inSticky().file)).toBeNull();
  });

  test('what is not there is not distrusted', () => {
    expect(distrustOf('/nowhere/at/all')).toBeNull();
  });

  test('not in a sticky folder itself, for others can make there what relative paths name', () => {
    const { sticky } = inSticky();
    writeFileSync(join(sticky, 'sendense.yaml'), settings);
    expect(distrustOf(join(sticky, 'sendense.yaml'))).toMatchObject({
      message: `others can write to the folder ${sticky}`,
      remedy: expect.stringContaining('Move it'),
    });
  });

  test.each([
    ['the file', 'sendense.yaml', 0o646, 'everybody can write to'],
    ['its folder', '.', 0o757, 'everybody can write to the folder'],
  ])('not where everybody can write to %s', (_what, name, mode, message) => {
    const { own } = inSticky();
    chmodSync(join(own, name), mode);
    const found = distrustOf(join(own, 'sendense.yaml'));
    expect(found?.message).toBe(`${message} ${join(own, name)}`);
    expect(found?.remedy).toContain(`chmod o-w ${join(own, name)}`);
  });

  test('not where a group with others in it can write', () => {
    if (!isRoot) return;
    const { own, file } = inSticky();
    chmodSync(file, 0o664);
    // Nobody knows who is in a group that /etc/group does not have.
    chownSync(file, 0, 54_321);
    expect(distrustOf(file)?.message).toBe(`group 54321 can write to ${file}`);
    chownSync(file, 0, 0);
    chmodSync(own, 0o775);
    chownSync(own, 0, 65_534);
    expect(distrustOf(file)?.message).toMatch(/^group nogroup \(65534\) can write to the folder /);
  });

  test('but where only root is in it, as with the group that Debian gives each user', () => {
    if (!isRoot) return;
    const { own, file } = inSticky();
    chmodSync(file, 0o664);
    chmodSync(own, 0o775);
    expect(distrustOf(file)).toBeNull();
  });

  test('not where an access control list lets somebody else write, whatever the group', () => {
    const { file } = inSticky();
    chmodSync(file, 0o664);
    letSomebodyWrite(file);
    expect(distrustOf(file)).toMatchObject({
      message: `the access control list of ${file} may let others write`,
      remedy: expect.stringContaining(`setfacl -b ${file}`),
    });
    chmodSync(file, 0o644);
    expect(distrustOf(file)).toBeNull();
  });

  test('not where it belongs to somebody else, nor a folder on the way', () => {
    if (!isRoot) return;
    const { sticky, own, file } = inSticky();
    chownSync(file, stranger, stranger);
    expect(distrustOf(file)).toMatchObject({
      message: `${file} belongs to user nobody (65534), neither to you nor to root`,
      remedy: `If it is yours: chown 0 ${file}`,
    });
    chownSync(file, 0, 0);
    chownSync(own, stranger, stranger);
    expect(distrustOf(file)?.message).toContain(`the folder ${own} belongs to user nobody`);
    chownSync(own, 0, 0);
    chownSync(sticky, stranger, stranger);
    expect(distrustOf(file)?.message).toContain(`the folder ${sticky} belongs to user nobody`);
  });

  test('under sudo it may belong to who called it, as for git', () => {
    if (!isRoot) return;
    const { file } = inSticky();
    chownSync(file, stranger, stranger);
    process.env['SUDO_UID'] = String(stranger);
    expect(distrustOf(file)).toBeNull();
    process.env['SUDO_UID'] = '1000';
    expect(distrustOf(file)).not.toBeNull();
  });
  afterEach(() => void delete process.env['SUDO_UID']);

  test("not through somebody else's link, wherever that leads", () => {
    if (!isRoot) return;
    const { sticky, file } = inSticky();
    const link = join(sticky, 'link');
    symlinkSync(join(sticky, 'own'), link);
    expect(distrustOf(join(link, 'sendense.yaml'))).toBeNull();
    renameSync(link, join(sticky, 'theirs'));
    symlinkSync(join(sticky, 'own'), link);
    lchownSync(link, stranger, stranger);
    expect(distrustOf(join(link, 'sendense.yaml'))?.message).toContain(`the link ${link} belongs to user nobody`);
    expect(distrustOf(file)).toBeNull();
  });

  test('not through a link of ours in a sticky folder, nor as a second name of a file there', () => {
    const { sticky, file } = inSticky();
    symlinkSync(file, join(sticky, 'sendense.yaml'));
    expect(distrustOf(join(sticky, 'sendense.yaml'))?.message).toContain(`the folder ${sticky}`);
    mkdirSync(join(sticky, 'other'), { mode: 0o777 });
    chmodSync(join(sticky, 'other'), 0o1777);
    linkSync(file, join(sticky, 'other/sendense.yaml'));
    expect(distrustOf(join(sticky, 'other/sendense.yaml'))?.message).toContain(`the folder ${sticky}/other`);
  });

  test('a link without an end is no reason to wait', () => {
    const { own } = inSticky();
    symlinkSync('sendense.yml', join(own, 'a'));
    symlinkSync('loop', join(own, 'loop'));
    expect(distrustOf(join(own, 'loop'))?.message).toContain('a link without an end');
    expect(distrustOf(join(own, 'a'))).toBeNull();
  });
});

describe('settings that others could have written', () => {
  function planted(): { above: string; plan: string; file: string } {
    const above = folderWith({ 'sendense.yaml': 'surprise: yes\n', 'own/plan.yaml': backup });
    chmodSync(above, 0o1777);
    return { above, plan: join(above, 'own/plan.yaml'), file: join(above, 'sendense.yaml') };
  }

  test('are not even read where a search finds them', () => {
    const { above, file } = planted();
    const loaded = loadSettings(undefined, join(above, 'own'));
    expect(loaded).toMatchObject({ file, document: undefined, settings: undefined });
    expect(loaded.diagnostics.map(({ rule }) => rule)).toEqual(['settings/untrusted']);
    expect(loaded.diagnostics[0]?.remedy).toContain(`--config ${file}`);
  });

  test('count where they are named', () => {
    const { above, file } = planted();
    writeFileSync(file, settings);
    expect(loadSettings(file, above).settings).toBeDefined();
  });

  test('are an error of validate where a search finds them, and a warning where they are named', () => {
    const { above, plan, file } = planted();
    writeFileSync(file, settings);
    const rulesOf = (paths: string[], config?: string): string[] =>
      validateFiles(paths, { config }).diagnostics.map(({ rule, severity }) => `${severity} ${rule}`);
    expect(rulesOf([plan])).toEqual(['error settings/untrusted']);
    expect(rulesOf([above])).toEqual(['warning settings/untrusted']);
    expect(rulesOf([plan], file)).toEqual(['warning settings/untrusted']);
  });

  test('decide nothing, whatever the command, and completion says nothing', async () => {
    const { above, file } = planted();
    const folder = join(above, 'own');
    const proof = join(above, 'proof');
    const key = `{ secret: { command: [touch, ${proof}] } }`;
    writeFileSync(file, `repositories: { primary: { path: ./repository, encryption: { key: ${key} } } }\n`);
    const call = (...args: string[]): ReturnType<typeof callResident> =>
      callResident({ args, cwd: folder, env: { ...(process.env as Record<string, string>), NO_COLOR: '1' } }, 60_000);
    const commands = [
      'restore pgtest1 --to x --dry-run',
      'plan plan.yaml',
      'run plan.yaml',
      'status',
      'list',
      'recover',
      'daemon',
    ];
    for (const command of commands) {
      const { exitCode, stderr } = await call(...command.split(' '));
      expect({ command, exitCode }).toEqual({ command, exitCode: 12 });
      expect(stderr).toContain(`others can write to the folder ${above}`);
    }
    expect((await call('validate', 'plan.yaml')).exitCode).toBe(10);
    for (const what of ['vms', 'known-vms', 'repositories', 'sources', 'credentials'])
      expect(await call('completion', what)).toMatchObject({ exitCode: 0, stdout: '', stderr: '' });
    expect(existsSync(proof)).toBe(false);
    expect(existsSync(join(above, 'state'))).toBe(false);
    // By name they count, and that is told.
    const named = await call('--config', file, 'plan', 'plan.yaml');
    expect(named.stderr).toContain(`warning: ${file} counts, for you named it, but others could have written it`);
    expect(existsSync(proof)).toBe(true);
  });

  test('a plan that others could have written is shown as failing by `status --plans`', async () => {
    const folder = folderWith({ 'sendense.yaml': settings, 'plans/a.yaml': backup, 'plans/b.yaml': backup });
    chmodSync(join(folder, 'plans/b.yaml'), 0o666);
    const env = { ...(process.env as Record<string, string>) };
    const { stdout } = await callResident({ args: ['--json', 'status', '--plans', 'plans'], cwd: folder, env }, 60_000);
    const { plans } = JSON.parse(stdout) as StatusOutput;
    expect(plans.map(({ plan, error }) => [plan, error?.code])).toEqual([
      ['nightly', undefined],
      ['b', 'plan.untrusted'],
    ]);
  });

  test('of a node count where they are named only', () => {
    const file = join(folderWith({ 'node.yaml': 'logLevel: debug\n' }), 'node.yaml');
    expect(loadNodeSettings({}, file).logLevel).toBe('debug');
    chmodSync(file, 0o666);
    expect(() => loadNodeSettings({}, file)).toThrow(expect.objectContaining({ code: 'settings.untrusted' }));
    expect(loadNodeSettings({ config: file }, '/nonexistent').logLevel).toBe('debug');
  });

  test('name no database that validate opens', () => {
    const { above, file } = planted();
    writeFileSync(file, settings);
    const asked: string[] = [];
    validateFiles([above], { enrolledNodes: ({ file: of }) => (asked.push(of ?? ''), []) });
    expect(asked).toEqual([]);
  });
});

describe('a secret file that others can read', () => {
  const modes = [
    [0o644, 0o755, 'everybody can read the secret in FILE (mode 0644)'],
    [0o604, 0o755, 'everybody can read the secret in FILE (mode 0604)'],
    [0o600, 0o755, null],
    // Nobody else gets to it.
    [0o644, 0o700, null],
  ] as const;

  test.each(modes)('mode %o in a folder of mode %o', (mode, folderMode, message) => {
    const folder = folderWith({ 'secrets/token': 'secret' });
    const file = join(folder, 'secrets/token');
    chmodSync(folder, 0o755);
    chmodSync(join(folder, 'secrets'), folderMode);
    chmodSync(file, mode);
    const value = { nodes: { far: { token: { secret: { file: 'secrets/token' } } } } };
    const found = exposedSecrets(value, folder).map((finding) => finding.message);
    expect(found).toEqual(message === null ? [] : [message.replace('FILE', file)]);
  });

  test('its group counts where others are in it', () => {
    if (!isRoot) return;
    const folder = folderWith({ token: 'secret' });
    const file = join(folder, 'token');
    chmodSync(folder, 0o755);
    chmodSync(file, 0o640);
    expect(exposureOf(file)).toBeNull();
    chownSync(file, 0, 54_321);
    expect(exposureOf(file)?.message).toBe(`group 54321 can read the secret in ${file} (mode 0640)`);
  });

  test('an access control list counts as others', () => {
    const folder = folderWith({ token: 'secret' });
    const file = join(folder, 'token');
    chmodSync(folder, 0o755);
    letSomebodyWrite(file);
    expect(exposureOf(file)?.message).toBe(
      `whoever its access control list names can read the secret in ${file} (mode 0660)`,
    );
    chmodSync(file, 0o600);
    expect(exposureOf(file)).toBeNull();
  });

  test('is told by every command that opens the settings, on standard error', async () => {
    const folder = folderWith({
      'sendense.yaml': `${settings}nodes: { far: { mode: direct, url: "http://127.0.0.1:1", token: { secret: { file: token } } } }\n`,
      'token': '0123456789abcdef0123456789abcdef',
    });
    chmodSync(folder, 0o755);
    chmodSync(join(folder, 'token'), 0o644);
    const asked = (): Promise<{ stdout: string; stderr: string; exitCode: number }> =>
      callResident(
        { args: ['--json', 'status'], cwd: folder, env: { ...(process.env as Record<string, string>) } },
        300_000,
      );
    const told = await asked();
    expect(told.exitCode).toBe(0);
    expect(JSON.parse(told.stdout)).toMatchObject({ version: 1 });
    expect(told.stderr).toContain(`everybody can read the secret in ${join(folder, 'token')} (mode 0644): chmod 600`);
    chmodSync(join(folder, 'token'), 0o600);
    expect((await asked()).stderr).toBe('');
  });
});
