import { positionOf } from '../../../src/engine/pipeline.ts';
import { describe, expect, test } from 'vitest';
import { applyMode } from '../../../src/plan/expand/apply-mode.ts';
import { loadPlanText } from '../../../src/plan/load-plan.ts';
import { backup, brief, expand } from '../support.ts';

describe('the pipeline of a plan', () => {
  test('is that of its runner, with durations in milliseconds', () => {
    const { pipeline } = expand(`${backup}timeout: 2h\n`);
    expect(pipeline).toMatchObject({
      name: 'nightly',
      kind: 'backup',
      vm: 'pgtest1',
      folder: '/plans',
      file: '/plans/plan.yaml',
    });
    expect(pipeline?.steps.map((step) => step.id)).toEqual(
      'preflight inspect decide ports create serve transfer stop seal commit release'.split(' '),
    );
    expect(pipeline?.steps.find((step) => step.id === 'transfer')).toMatchObject({
      timeout: 7_200_000,
      stallTimeout: 600_000,
      retry: { attempts: 1 },
    });
    expect(pipeline?.steps.find((step) => step.id === 'inspect')?.retry).toEqual({
      attempts: 3,
      delay: 1000,
      maxDelay: 10_000,
    });
    expect(Object.keys(pipeline?.result ?? {})).toEqual(['backup_id', 'disks']);
  });

  test('has the commands of the plan around it', () => {
    const { pipeline } = expand(`${backup}before:
  - run: [freeze]
    cwd: scripts
after:
  - run: [thaw, "\${{ default(steps.commit.backup_id, '') }}"]
    env: { LEVEL: 3 }
    if: \${{ always() }}
  - id: tell
    run: [tell]
    timeout: 90s
`);
    expect(pipeline?.steps.at(0)).toMatchObject({
      id: 'before-1',
      uses: 'command.run',
      with: { argv: ['freeze'], env: {}, cwd: '/plans/scripts' },
    });
    expect(pipeline?.steps.at(-2)).toMatchObject({
      id: 'after-1',
      with: { argv: ['thaw', "${{ default(steps.commit.backup_id, '') }}"], env: { LEVEL: 3 }, cwd: '/plans' },
      if: 'always()',
    });
    expect(pipeline?.steps.at(-1)).toMatchObject({ id: 'tell', timeout: 90_000 });
    expect(pipeline?.steps.at(-1)?.if).toBeUndefined();
  });

  test('points each step at the plan: its own line, else the key that its inputs come from, else the kind', () => {
    const { pipeline } = expand(`${backup}before:\n  - run: [freeze]\n`);
    const lines = Object.fromEntries((pipeline?.steps ?? []).map((step) => [step.id, step.position.line]));
    expect(lines).toMatchObject({
      'before-1': 12,
      'preflight': 10,
      'inspect': 4,
      'decide': 10,
      'ports': 2,
      'transfer': 4,
    });
  });

  test('points at the node where an error is one of the node', () => {
    const { pipeline } = expand(`${backup}node: local\n`);
    const preflight = pipeline?.steps.find(({ id }) => id === 'preflight');
    if (!preflight) throw new Error('no preflight');
    expect(positionOf(preflight, 'node.unreachable').line).toBe(11);
    expect(positionOf(preflight, 'repository.unusable').line).toBe(10);
  });

  test('may be the plan’s own, with as much of the runner’s result as fits', () => {
    const { pipeline, diagnostics } = expand(`${backup}steps:
  - id: inspect
    uses: node.inspect
    with: { vm: "\${{ plan.vm }}" }
  - id: decide
    uses: chain.decide
    with: { repository: primary, vm: { name: "\${{ plan.vm.name }}" }, disks: "\${{ steps.inspect.disks }}" }
  - run: [echo, "\${{ steps.decide.backup_id }}"]
`);
    expect(brief(diagnostics)).toEqual([]);
    expect(pipeline?.steps.map((step) => step.id)).toEqual(['inspect', 'decide', 'step-3']);
    expect(pipeline?.result).toEqual({});
  });

  test('takes a result of the plan’s own', () => {
    const { pipeline } = expand(`${backup}result: { note: "\${{ steps.commit.manifest }}" }\n`);
    expect(pipeline?.result).toEqual({ note: '${{ steps.commit.manifest }}' });
    expect(brief(expand(`${backup}result: { note: "\${{ steps.commit.manifst }}" }\n`).diagnostics)).toEqual([
      'ref/unknown-output 11:35 steps.commit has no "manifst"',
    ]);
  });

  test('does not mistake a reference inside a multi-line text', () => {
    const { diagnostics } = expand(
      `${backup}after:\n  - run:\n      - logger\n      - |\n        saved \${{ steps.commit.backup_id }}\n        as \${{ steps.comit.manifest }}\n`,
    );
    expect(brief(diagnostics)).toEqual(['ref/unknown-step 16:22 there is no step "comit"']);
  });

  test('lets a secret through as it is', () => {
    const { pipeline, diagnostics } = expand(
      `${backup}after:\n  - run: [notify]\n    env: { TOKEN: { secret: { file: /run/token } }, ID: "\${{ steps.commit.backup_id }}" }\n`,
    );
    expect(brief(diagnostics)).toEqual([]);
    expect(pipeline?.steps.at(-1)?.with['env']).toEqual({
      TOKEN: { secret: { file: '/run/token' } },
      ID: '${{ steps.commit.backup_id }}',
    });
  });
});

describe('--mode', () => {
  const load = (text: string) => {
    const { plan } = loadPlanText({ file: 'plan.yaml', text });
    if (!plan) throw new Error('invalid');
    return plan;
  };

  test('incremental turns a backup into an incremental that refuses', () => {
    const plan = load(backup);
    expect(applyMode(plan, 'incremental')).toMatchObject({ kind: 'incremental', onNoParent: 'refuse' });
    expect(applyMode(plan, 'incremental')).not.toHaveProperty('mode');
    expect(plan).toMatchObject({ kind: 'backup', mode: 'auto' });
  });

  test('auto and full turn an incremental into a backup', () => {
    const plan = load(backup.replace('kind: backup', 'kind: incremental'));
    expect(applyMode(plan, 'full')).toMatchObject({ kind: 'backup', mode: 'full' });
    expect(applyMode(plan, 'auto')).toMatchObject({ kind: 'backup', mode: 'auto' });
    expect(applyMode(plan, 'full')).not.toHaveProperty('onNoParent');
  });

  test('has no meaning for a restore', () => {
    const plan = load('kind: restore\nname: r\nvm: { name: a }\nrepository: p\nto: { directory: d }\n');
    expect(() => applyMode(plan, 'full')).toThrow(expect.objectContaining({ code: 'usage' }));
  });
});
