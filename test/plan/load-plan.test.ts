import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { positionOf } from '../../src/plan/yaml/document.ts';
import { loadPlanFile, loadPlanText } from '../../src/plan/load-plan.ts';
import { backup, brief, folderWith } from './support.ts';

const load = (text: string) => loadPlanText({ file: 'plan.yaml', text });

describe('a plan', () => {
  test('of name, kind, vm and repository is enough, and gets its defaults', () => {
    const { plan, diagnostics } = load('kind: backup\nname: a\nvm: { name: b }\nrepository: c\n');
    expect(diagnostics).toEqual([]);
    expect(plan).toEqual({
      version: 1,
      kind: 'backup',
      name: 'a',
      mode: 'auto',
      vm: { name: 'b' },
      repository: 'c',
      node: 'local',
      verify: 'changed',
      limits: {},
      transfer: {},
      timeout: '24h',
      stallTimeout: '10m',
    });
  });

  test('may use anchors, aliases, merge keys and keys of its own', () => {
    const { plan, diagnostics } = load(`
x-limits: &limits { timeout: 2h, stallTimeout: 5m }
x-place: &place { repository: primary }
kind: backup
name: nightly
vm: { name: pgtest1, x-owner: me }
<<: [*limits, *place]
stallTimeout: 1m
`);
    expect(brief(diagnostics)).toEqual([]);
    expect(plan).toMatchObject({ timeout: '2h', stallTimeout: '1m', repository: 'primary' });
  });

  test('reads values as YAML 1.2 does: yes is text, 012 is twelve', () => {
    const { document } = load('kind: backup\nx-a: yes\nx-b: 012\nx-c: 1e3\n');
    expect(document.value).toMatchObject({ 'x-a': 'yes', 'x-b': 12, 'x-c': 1000 });
  });

  test('may begin with a byte order mark and have Windows line ends', () => {
    const folder = folderWith({ 'plan.yaml': `\ufeff${backup.replaceAll('\n', '\r\n')}` });
    expect(loadPlanFile(join(folder, 'plan.yaml')).diagnostics).toEqual([]);
  });

  test('may use a nickname for its schedule and six fields', () => {
    for (const cron of ['@daily', '0 30 1 * * *', '30 1 * * MON-FRI', '0 0 29 2 *', '0 3 * * 0#1']) {
      expect(brief(load(`${backup}schedule: { cron: "${cron}", timezone: Europe/London }\n`).diagnostics)).toEqual([]);
    }
  });

  test('keeps a text with an escaped expression', () => {
    expect(load(`${backup}description: "costs $\${{ 5 }}"\n`).diagnostics).toEqual([]);
  });
});

describe('mistakes', () => {
  test('are told all at once: form, schedule, disks and references', async () => {
    const { completePlan } = await import('../../src/plan/expand/prepare-plan.ts');
    const { loadSettingsText } = await import('../../src/plan/load-settings.ts');
    const loaded = load(`kind: backup
name: every night
vm: { name: pgtest1, source: { type: image, disks: [{ path: a.raw }, { path: a.raw }] } }
repository: primry
mode: ful
schedule: { cron: "61 * * * *", timezone: Mars/Base }
after:
  - run: [echo, "\${{ steps.comit.backup_id }}"]
`);
    const settings = loadSettingsText({ file: 'sendense.yaml', text: 'repositories: { primary: { path: r } }\n' });
    expect(completePlan(loaded, settings).diagnostics.map((item) => item.rule)).toEqual([
      'schema/pattern',
      'disks/duplicate',
      'settings/unknown-repository',
      'schema/enum',
      'schedule/cron',
      'schedule/timezone',
      'ref/unknown-step',
    ]);
  });

  test('in YAML do not hide those of form where the structure is clear', () => {
    expect(
      load('kind: backup\nname: a\nname: b\nvm: !x { name: c }\nmode: ful\n').diagnostics.map((item) => item.rule),
    ).toEqual(['schema/required', 'yaml/duplicate-key', 'yaml/unknown-tag', 'schema/enum']);
  });

  test('that come in through an alias are told once, where they stand', () => {
    const { diagnostics } = load(
      'x-d: &d { path: a.raw, formt: raw }\nkind: backup\nname: a\nrepository: c\nvm: { name: b, source: { type: image, disks: [*d] } }\n',
    );
    expect(brief(diagnostics)).toEqual(['schema/unknown-key 1:24 unknown key "formt" in vm.source.disks[0]']);
  });

  test('a misspelt key is one mistake, not also a missing one', () => {
    expect(load('kind: backup\nname: a\nvm: { nam: b }\nrepositry: c\n').diagnostics).toHaveLength(2);
  });

  test('a value of the form of one branch is told only what is wrong in it', () => {
    const verify = (points: string) =>
      brief(load(`kind: verify\nname: a\nrepository: c\npoints: ${points}\n`).diagnostics).map(
        (text) => text.split(' ')[0],
      );
    expect(verify('{ share: 0% }')).toEqual(['schema/pattern']);
    expect(verify('{ notVerifiedFor: 5x }')).toHaveLength(1);
    expect(verify('newest')).toEqual(['schema/enum']);
  });

  test('keys like __proto__ and constructor are unknown keys and nothing more', () => {
    const { diagnostics } = load(`${backup}__proto__: { kind: restore }\nconstructor: 1\n`);
    expect(diagnostics.map((item) => item.rule)).toEqual(['schema/unknown-key', 'schema/unknown-key']);
    expect(({} as { kind?: string }).kind).toBeUndefined();
  });

  test('deep nesting and random bytes never throw', () => {
    for (const text of [
      '['.repeat(5_000),
      '{a: '.repeat(1_000),
      '- '.repeat(1_000),
      '&a '.repeat(100),
      '? '.repeat(1000),
      'a: *a',
      '\u0000',
      '!<',
      '%',
      '"\\u',
    ]) {
      expect(load(text).diagnostics.length, text.slice(0, 20)).toBeGreaterThan(0);
    }
  });
});

test('positionOf finds keys, list entries, merged and aliased values', () => {
  const { document } = load(`x-base: &base
  repository: primary
kind: backup
vm:
  name: pgtest1
  source: { type: image, disks: [ { path: a }, { path: b } ] }
<<: *base
`);
  expect(positionOf(document, '/kind')).toEqual({ file: 'plan.yaml', line: 3, column: 1 });
  expect(positionOf(document, '/vm/source/disks/1/path')).toMatchObject({ line: 6, column: 50 });
  expect(positionOf(document, '/repository')).toMatchObject({ line: 2, column: 3 });
  expect(positionOf(document, '/vm/nothing/here')).toMatchObject({ line: 4 });
});
