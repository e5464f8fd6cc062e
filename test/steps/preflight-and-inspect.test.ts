import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { SendenseError } from '../../src/errors/sendense-error.ts';
import type { NodeClient } from '../../src/host/node-api/node-client.ts';
import type { HubPreflightOutput, NodeHealth, NodeInspectOutput, Settings } from '../../src/schemas/types.ts';
import { hubPreflight } from '../../src/steps/at-hub/hub-preflight.ts';
import { nodeInspect } from '../../src/steps/at-node/node-inspect.ts';
import { sourceSpecOf } from '../../src/steps/at-node/source-spec.ts';
import { makeRaw, MiB } from '../host/disk-images.ts';
import { someDiskInfo } from './some-decision.ts';
import { stepBench, type StepBench } from './step-bench.ts';

const health = (more: Partial<NodeHealth> = {}): NodeHealth => ({
  status: 'ok',
  version: '0.1.0',
  time: Date.now(),
  tools: [{ name: 'nbdcopy', version: '1.14' }],
  jobs_running: 0,
  ...more,
});

const withNode = (client: Partial<NodeClient>) => ({ services: { node: async () => client as NodeClient } });
const preflight = (bench: StepBench, input: object, options: Parameters<StepBench['run']>[2] = {}) =>
  bench.run<HubPreflightOutput>(hubPreflight, { for: 'backup', repository: 'primary', ...input }, options);

describe('hub.preflight', () => {
  test('asks tools, repository and node, and makes the repository', async () => {
    await using bench = await stepBench();
    const { output, warnings } = await preflight(bench, { node: 'local' }, withNode({ health: async () => health() }));
    expect(output).toMatchObject({
      repository_path: bench.folder.file('repository'),
      tools: [{ name: 'qemu-img' }, { name: 'qemu-nbd' }],
      node: { version: '0.1.0' },
    });
    expect(output.free_bytes).toBeGreaterThan(0);
    expect(warnings).toEqual([]);
  });

  test('the real embedded node passes it', async () => {
    await using bench = await stepBench();
    expect((await preflight(bench, { node: 'local' })).output.node?.clock_skew_ms).toBeLessThan(60_000);
  });

  test('too little space stops a backup, and not a restore', async () => {
    await using bench = await stepBench({
      repositories: { primary: { path: './repository', minFree: Number.MAX_SAFE_INTEGER } },
    } as Partial<Settings>);
    await expect(preflight(bench, {})).rejects.toMatchObject({
      code: 'disk.full',
      message: expect.stringMatching(/repository primary has .+ free at .*must stay free/) as string,
    });
    expect((await preflight(bench, { for: 'restore' })).output.node).toBeNull();
  });

  test('a node without a tool, out of reach, or with another clock is told', async () => {
    await using bench = await stepBench();
    const lacking = withNode({
      health: async () =>
        health({
          tools: [
            { name: 'nbdcopy', version: null },
            { name: 'nbdkit', version: null },
          ],
        }),
    });
    await expect(preflight(bench, { node: 'local' }, lacking)).rejects.toMatchObject({
      code: 'tool.missing',
      message: 'node local lacks nbdcopy, nbdkit',
    });
    const away = withNode({ health: () => Promise.reject(new SendenseError('node.unreachable', 'no answer')) });
    await expect(preflight(bench, { node: 'local' }, away)).rejects.toMatchObject({ code: 'node.unreachable' });
    const late = await preflight(
      bench,
      { node: 'local' },
      withNode({ health: async () => health({ time: Date.now() - 600_000 }) }),
    );
    const newer = await preflight(
      bench,
      { node: 'local' },
      withNode({ health: async () => health({ version: '9.7.3' }) }),
    );
    expect(newer.warnings).toEqual([
      expect.stringMatching(/^node local: hub .* and node 9\.7\.3 do not belong together: upgrade the hub$/),
    ]);
    expect(late.warnings).toEqual([expect.stringMatching(/clock of node local differs by -600 s/)]);
  });

  test('a target folder must be writable, or the nearest one that exists', async () => {
    await using bench = await stepBench();
    await bench.services.openRepository('primary');
    expect((await preflight(bench, { for: 'restore', directory: './a/b/c' })).output.node).toBeNull();
    if (process.getuid?.() === 0) return;
    await mkdir(bench.folder.file('plans', 'shut'));
    await chmod(bench.folder.file('plans', 'shut'), 0o555);
    await expect(preflight(bench, { for: 'restore', directory: './shut/x' })).rejects.toMatchObject({
      code: 'file.unreadable',
    });
  });

  test('a repository with foreign files is refused, and one that is not in the settings too', async () => {
    await using bench = await stepBench();
    await mkdir(bench.folder.file('repository'));
    await writeFile(bench.folder.file('repository', 'foreign'), '');
    await expect(preflight(bench, {})).rejects.toMatchObject({ code: 'repository.unusable' });
    await expect(preflight(bench, { repository: 'none' })).rejects.toMatchObject({
      code: 'repository.unusable',
      message: 'sendense.yaml has no repository none; it has primary',
    });
  });
});

describe('node.inspect', () => {
  const vm = { name: 'pgtest1', source: { type: 'image', disks: [{ path: '../a.raw' }] } };
  const inspect = (bench: StepBench, input: object, options: Parameters<StepBench['run']>[2] = {}) =>
    bench.run<NodeInspectOutput>(nodeInspect, { node: 'local', ...input }, options);

  test('asks the node for the disks, with absolute paths', async () => {
    await using bench = await stepBench();
    await makeRaw(bench.folder.file('a.raw'), MiB, [0, 10]);
    const { output } = await inspect(bench, { vm });
    expect(output).toMatchObject({
      node: 'local',
      vm_name: 'pgtest1',
      source: {
        type: 'image',
        disks: [{ path: bench.folder.file('a.raw'), format: null, uuid: null, allow_in_use: false, changes: null }],
      },
    });
    expect(output.disks).toEqual([expect.objectContaining({ format: 'raw', capacity_bytes: MiB, label: 'a.raw' })]);
  });

  test('a missing disk is an error that names it', async () => {
    await using bench = await stepBench();
    await expect(inspect(bench, { vm })).rejects.toMatchObject({
      code: 'source.missing',
      message: expect.stringContaining('a.raw') as string,
    });
  });

  test.each([
    ['no disks', [], 'source.missing', /VM pgtest1 has no disks/],
    [
      'two with one uuid',
      [someDiskInfo(), someDiskInfo({ key: '2001', path: '/disks/other.raw' })],
      'source.unsupported',
      /disk0\.raw and .*other\.raw have the same uuid uuid-0/,
    ],
    [
      'two with one key',
      [someDiskInfo(), someDiskInfo({ uuid: 'u2', path: '/disks/other.raw' })],
      'source.unsupported',
      /have the same key 2000/,
    ],
  ])('%s is refused', async (_name, disks, code, message) => {
    await using bench = await stepBench();
    const node = withNode({ discover: async () => ({ vm_name: 'pgtest1', disks, warnings: [] }) as never });
    await expect(inspect(bench, { vm }, node)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message) as string,
    });
  });

  test('warnings of the source and of each disk reach the user', async () => {
    await using bench = await stepBench();
    const node = withNode({
      discover: async () =>
        ({
          vm_name: 'pgtest1',
          disks: [someDiskInfo({ warnings: ['is in use'] })],
          warnings: ['of the source'],
        }) as never,
    });
    const { warnings, output } = await inspect(bench, { vm }, node);
    expect(warnings).toEqual(['of the source', 'disk0.raw: is in use']);
    expect(output.warnings).toEqual(warnings);
  });
});

describe('the source of a VM', () => {
  const folders = { plan: '/plans', settings: '/etc/sendense' };
  const disk = (path: string) => ({ path, allowInUse: false });
  const settings = (sources: object): Settings => ({ sources }) as Settings;
  const lab = {
    type: 'image',
    vms: {
      pgtest1: { disks: [{ ...disk('a.raw'), format: 'raw', uuid: 'u', changes: 'a.json' }] },
      other: { disks: [disk('/abs.raw')] },
    },
  };

  test('in the plan counts from the plan, in the settings from there', () => {
    expect(
      sourceSpecOf({ name: 'x', source: { type: 'image', disks: [disk('a.raw')] } }, settings({}), folders),
    ).toMatchObject({ disks: [{ path: '/plans/a.raw' }] });
    expect(sourceSpecOf({ name: 'pgtest1', source: 'lab' }, settings({ lab }), folders)).toEqual({
      type: 'image',
      disks: [
        { path: '/etc/sendense/a.raw', format: 'raw', uuid: 'u', allow_in_use: false, changes: '/etc/sendense/a.json' },
      ],
    });
    expect(sourceSpecOf({ name: 'other' }, settings({ lab }), folders)).toMatchObject({
      disks: [{ path: '/abs.raw' }],
    });
  });

  test.each([
    ['an unknown source', { name: 'pgtest1', source: 'none' }, { lab }, /no source none/],
    ['an unknown VM', { name: 'nobody', source: 'lab' }, { lab }, /source lab has no VM nobody; it has pgtest1, other/],
    ['none at all', { name: 'pgtest1' }, {}, /the plan names no source and sendense\.yaml has none/],
    ['one of several', { name: 'pgtest1' }, { lab, second: lab }, /has 2: lab, second/],
  ])('%s is an error that says what there is', (_name, vm, sources, message) => {
    expect(() => sourceSpecOf(vm, settings(sources), folders)).toThrow(message);
  });
});
