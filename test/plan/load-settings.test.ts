import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadSettings, loadSettingsText } from '../../src/plan/load-settings.ts';
import { preparePlan } from '../../src/plan/expand/prepare-plan.ts';
import { backup, brief, folderWith, settings } from './support.ts';

describe('sendense.yaml', () => {
  test('is found in the folder of the plan and in those above it', () => {
    const folder = folderWith({ 'sendense.yaml': settings, 'a/b/plan.yaml': backup, 'a/c/sendense.yaml': settings });
    expect(loadSettings(undefined, join(folder, 'a/b')).file).toBe(join(folder, 'sendense.yaml'));
    expect(loadSettings(undefined, join(folder, 'a/c'))).toMatchObject({
      file: join(folder, 'a/c/sendense.yaml'),
      folder: join(folder, 'a/c'),
    });
  });

  test('that is named wins, and must be there', () => {
    const folder = folderWith({ 'sendense.yaml': settings, 'other.yaml': settings.replace('primary', 'other') });
    expect(Object.keys(loadSettings(join(folder, 'other.yaml'), folder).settings?.repositories ?? {})).toEqual([
      'other',
    ]);
    expect(loadSettings(join(folder, 'missing.yaml'), folder).diagnostics.map((item) => item.rule)).toEqual([
      'file/unreadable',
    ]);
  });

  test('that is nowhere is no mistake of the plan', () => {
    const folder = folderWith({ 'plan.yaml': backup });
    const prepared = preparePlan(join(folder, 'plan.yaml'));
    expect(prepared.settings).toMatchObject({ file: undefined, settings: undefined, diagnostics: [] });
    expect(prepared.pipeline).toBeDefined();
  });

  test('has no entries that nobody has written', () => {
    const { settings: loaded } = loadSettingsText({
      file: 'sendense.yaml',
      text: 'repositories: { a: { path: ./a } }\n',
    });
    for (const name of ['constructor', 'toString', '__proto__'])
      expect([loaded?.repositories[name], loaded?.nodes[name], loaded?.sources[name]]).toEqual(
        Array(3).fill(undefined),
      );
  });

  test('gets its defaults', () => {
    expect(loadSettingsText({ file: 'sendense.yaml', text: 'repositories: { a: { path: ./a } }\n' }).settings).toEqual({
      version: 1,
      state: './state/sendense.db',
      repositories: { a: { path: './a', minFree: 0 } },
      nodes: {},
      sources: {},
      ports: { from: 10100, to: 10200, wait: '1h' },
      transfer: {},
      limits: {},
      files: { reader: 'auto', idle: '1h', sessions: 20, sessionsPerUser: 10, downloads: 8, searches: 4 },
      history: { keepAudit: '1y', keepLogs: '30d', keepRuns: '90d', maxLogBytes: '1GiB', stateCopies: 7 },
      metrics: {},
      notify: { channels: {}, default: [] },
      hub: {
        ssh: 'builtin',
        listen: '127.0.0.1:2222',
        restoreTo: [],
        data: 'auto',
        user: 'sendense',
        api: '127.0.0.1:8082',
        tls: false,
        hosts: [],
        editPlans: false,
        nodePorts: { from: 9081, to: 9180 },
      },
    });
  });

  test.each([
    ['{ listen: 192.0.2.10, host: hub.example.com, tls: psk }', []],
    ['{ listen: "::", host: "2001:db8::1", tls: none }', []],
    // Beyond the loopback nothing is in the clear unless it is said.
    ['{ listen: 192.0.2.10, host: hub.example.com }', ['schema/required /nodes/esx/data']],
    ['{ listen: hub.example.com, host: hub.example.com, tls: psk }', ['schema/pattern /nodes/esx/data/listen']],
    ['{ listen: 192.0.2.10, host: hub.example.com, tls: yes }', ['schema/enum /nodes/esx/data/tls']],
  ])('data of a direct node: %s', (data, rules) => {
    const node = `{ mode: direct, url: "http://127.0.0.1:8081", token: { secret: { file: ./t } }, data: ${data} }`;
    const { diagnostics } = loadSettingsText({
      file: 'sendense.yaml',
      text: `${settings}nodes:\n  esx: ${node}\ntransfer: { reconnect: 5m }\n`,
    });
    expect(diagnostics.map((item) => `${item.rule} ${item.path}`)).toEqual(rules);
  });

  test('tells of disks that are listed twice in a source', () => {
    const { diagnostics } = loadSettingsText({
      file: 'sendense.yaml',
      text: `${settings}sources:\n  lab: { type: image, vms: { a: { disks: [{ path: x }, { path: ./x }] } } }\n`,
    });
    expect(diagnostics.map((item) => item.rule)).toEqual(['disks/duplicate']);
  });
});

describe('a vSphere source', () => {
  const rulesOf = (more: string): string[] =>
    loadSettingsText({
      file: 'sendense.yaml',
      text: `${settings}sources:\n  vc: { type: vsphere, host: vcenter.example.com, credential: vc1${more} }\n`,
    }).diagnostics.map((item) => `${item.rule} ${item.path}`);

  test('that names transports needs their sections', () => {
    expect(rulesOf(', transports: [https, vddk, ssh], ssh: { identity: /k, knownHosts: /h }')).toEqual([
      'settings/vsphere-transport /sources/vc/transports/1',
    ]);
    expect(rulesOf(', transports: [vddk], vddk: { libdir: /opt/vddk }')).toEqual([]);
  });

  test('that names none uses those that are configured', () => {
    expect(rulesOf('')).toEqual([]);
  });

  test.each(['192.0.2.1:8443', "'[2001:db8::1]:443'", 'vcenter'])('may be at %s', (host) => {
    const text = `${settings}sources:\n  vc: { type: vsphere, host: ${host}, credential: vc1 }\n`;
    expect(loadSettingsText({ file: 'sendense.yaml', text }).diagnostics).toEqual([]);
  });
});

describe('a plan against settings', () => {
  const check = (plan: string, more: string): string[] => {
    const folder = folderWith({ 'sendense.yaml': settings + more, 'plan.yaml': plan });
    return brief(preparePlan(join(folder, 'plan.yaml')).diagnostics);
  };
  const noSource = 'kind: backup\nname: a\nvm: { name: pgtest1 }\nrepository: primary\n';
  const lab = 'lab: { type: image, vms: { pgtest1: { disks: [{ path: /x }] } } }';

  test('takes the only source where it names none', () => {
    expect(check(noSource, `sources:\n  ${lab}\n`)).toEqual([]);
    expect(check(noSource, `sources:\n  ${lab}\n  ${lab.replace('lab', 'attic')}\n`)).toEqual([
      'settings/no-source 3:1 the settings have several sources, and the plan names none',
    ]);
  });

  test('may use the node local without it being in the settings', () => {
    expect(check(backup, '')).toEqual([]);
    expect(check(`${backup}node: remote\n`, '')).toEqual([
      'settings/unknown-node 11:7 the settings have no node "remote"',
    ]);
  });

  test('may have relative paths on an embedded node, and only there', () => {
    expect(check(`${backup}node: here\n`, 'nodes: { here: { mode: embedded } }\n')).toEqual([]);
    expect(
      check(
        `${backup}node: esx\n`,
        'nodes: { esx: { mode: direct, url: "http://127.0.0.1:1", token: { secret: { env: T } } } }\n',
      ),
    ).toEqual(['settings/relative-path 9:15 the path is relative, and the node "esx" is not embedded']);
  });
});
