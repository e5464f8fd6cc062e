import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadSettingsText } from '../../src/plan/load-settings.ts';
import { validateFiles } from '../../src/plan/validate-files.ts';
import { backup, folderWith, settings } from './support.ts';

const hostKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIH7XOkXv6V8WJxkXjhyKjZrEHK4VnkzB7t4QS0aFZ3lB';

const entry = (changed: Readonly<Record<string, string>> = {}): string => {
  const values = {
    mode: 'dial-node',
    host: 'sna1.example.com',
    user: 'sendense',
    hostKey,
    key: '{ secret: { file: ./id_ed25519 } }',
    token: '{ secret: { file: ./token } }',
    ...changed,
  };
  return Object.entries(values)
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `    ${name}: ${value}\n`)
    .join('');
};

const load = (changed?: Readonly<Record<string, string>>): ReturnType<typeof loadSettingsText> =>
  loadSettingsText({ file: 'sendense.yaml', text: `${settings}nodes:\n  sna1:\n${entry(changed)}` });

describe('a node in mode dial-node', () => {
  test('has the port of sshd and the address of sendense-node by default', () => {
    const { diagnostics, settings: loaded } = load();
    expect(diagnostics).toEqual([]);
    expect(loaded?.nodes['sna1']).toMatchObject({ port: 22, api: '127.0.0.1:8081', hostKey });
    expect(load({ hostKey: `["${hostKey} root@sna1", "${hostKey}"]` }).diagnostics).toEqual([]);
    expect(load({ host: '"2001:db8::1"', port: '2222', api: '"[::1]:9000"' }).diagnostics).toEqual([]);
  });

  test.each([
    [{ hostKey: '' }, 'schema/required /nodes/sna1'],
    [{ hostKey: '[]' }, 'schema/range /nodes/sna1/hostKey'],
    [{ hostKey: 'SHA256:abc' }, 'schema/pattern /nodes/sna1/hostKey'],
    [{ host: '-oProxyCommand=true' }, 'schema/pattern /nodes/sna1/host'],
    [{ user: '-l' }, 'schema/pattern /nodes/sna1/user'],
    [{ key: './id_ed25519' }, 'secret/plain /nodes/sna1/key'],
    [{ api: '"127.0.0.1"' }, 'schema/pattern /nodes/sna1/api'],
    [{ port: '0' }, 'schema/range /nodes/sna1/port'],
  ])('%j is refused where it stands', (changed, found) => {
    expect(load(changed).diagnostics.map(({ rule, path }) => `${rule} ${path}`)).toEqual([found]);
  });

  test('reads disks of its own host: relative paths mean nothing', () => {
    const folder = folderWith({
      'sendense.yaml': `${settings}nodes:\n  sna1:\n${entry()}`,
      'plan.yaml': `${backup}node: sna1\n`,
    });
    expect(validateFiles([join(folder, 'plan.yaml')]).diagnostics.map(({ rule }) => rule)).toEqual([
      'settings/relative-path',
    ]);
  });
});
