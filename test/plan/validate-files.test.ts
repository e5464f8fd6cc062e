import { chmodSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { formatDiagnostics } from '../../src/plan/diagnostics/format-diagnostics.ts';
import { maskLine } from '../../src/plan/yaml/mask-line.ts';
import { keysOf, schemaNode } from '../../src/plan/diagnostics/schema-node.ts';
import { validateFiles } from '../../src/plan/validate-files.ts';
import { orList } from '../../src/errors/findings/words.ts';
import { backup, folderWith, settings } from './support.ts';

/** Of another name, for another VM. */
const another = (name: string): string => backup.replace('nightly', name).replace('pgtest1', name);

describe('validateFiles', () => {
  test('looks into folders, at *.yaml and *.yml, but not into hidden ones', () => {
    const folder = folderWith({
      'sendense.yaml': settings,
      'a/one.yaml': backup,
      'a/b/two.yml': another('second'),
      '.git/three.yaml': 'x',
      'note.txt': 'x',
      'node_modules/x/y.yaml': 'x',
    });
    symlinkSync(folder, join(folder, 'a/loop'));
    const result = validateFiles([folder]);
    expect(result.valid).toBe(true);
    expect(result.files.map((file) => [file.file.slice(folder.length + 1), file.kind, file.name])).toEqual(
      [
        [expect.stringContaining('sendense.yaml'), 'settings', null],
        ['a/b/two.yml', 'backup', 'second'],
        ['a/one.yaml', 'backup', 'nightly'],
      ].sort((a, b) => (a[1] === 'settings' ? -1 : b[1] === 'settings' ? 1 : 0)),
    );
  });

  test('says which settings were used by listing them; none listed means none found', () => {
    const folder = folderWith({ 'plan.yaml': backup });
    expect(validateFiles([join(folder, 'plan.yaml')]).files.map((file) => file.kind)).toEqual(['backup']);
  });

  test('a wrong key of `vm` hides no source that the settings do not have', () => {
    const plan =
      'version: 1\nkind: backup\nname: nightly\nvm: { name: pgtest1, source: lab, cbt: maybe }\nrepository: primary\n';
    const folder = folderWith({ 'sendense.yaml': settings, 'plan.yaml': plan });
    const rules = validateFiles([folder]).diagnostics.map(({ rule }) => rule);
    expect(rules.toSorted()).toEqual(['schema/enum', 'settings/unknown-source']);
  });

  describe('several settings', () => {
    const tree = () =>
      folderWith({
        'sendense.yaml': settings,
        'c.yaml': another('weekly'),
        'a/nightly.yaml': backup,
        'b/sendense.yaml': settings.replace('primary:', 'second:'),
        'b/nightly.yaml': another('other'),
        'lab.yaml': settings,
      });
    const brief = (folder: string, options: { config?: string } = {}) =>
      validateFiles([folder], options).files.map(({ file, kind, settings: used }) => [
        file.slice(folder.length + 1),
        kind,
        used?.slice(folder.length + 1),
      ]);

    test('each plan is checked against the nearest, and the output says which', () => {
      const folder = tree();
      expect(brief(folder)).toEqual([
        ['sendense.yaml', 'settings', undefined],
        ['a/nightly.yaml', 'backup', 'sendense.yaml'],
        ['b/sendense.yaml', 'settings', undefined],
        ['b/nightly.yaml', 'backup', 'b/sendense.yaml'],
        ['c.yaml', 'backup', 'sendense.yaml'],
        ['lab.yaml', 'settings', undefined],
      ]);
      const result = validateFiles([folder]);
      expect(result.diagnostics.map(({ rule, file }) => [rule, file])).toEqual([
        ['settings/unknown-repository', join(folder, 'b/nightly.yaml')],
      ]);
      const text = formatDiagnostics(result, 'text').replaceAll(`${folder}/`, '');
      expect(text).toContain('   = settings: b/sendense.yaml\n');
      expect(text).toMatch(
        /6 files checked\n {2}with sendense.yaml: a\/nightly.yaml, c.yaml\n {2}with b\/sendense.yaml: b\/nightly.yaml\n {2}for no plan here: lab.yaml\n$/,
      );
    });

    test('all plans are checked against the named one, whatever its name', () => {
      const folder = tree();
      const config = join(folder, 'lab.yaml');
      const result = validateFiles([folder], { config });
      expect(result.valid).toBe(true);
      expect(new Set(result.files.flatMap(({ settings: used }) => used ?? []))).toEqual(new Set([config]));
    });

    test('settings of another name are checked as settings, not as a plan', () => {
      const folder = folderWith({ 'lab.yaml': `${settings}ports: { from: 2000, to: 1999 }\n` });
      expect(validateFiles([folder]).diagnostics.map((item) => item.rule)).toEqual(['settings/ports']);
    });

    test('plans are not compared with settings that are wrong themselves, and the output says so', () => {
      const folder = folderWith({ 'sendense.yaml': `${settings}ports: { from: 2000, to: 1999 }\n`, 'a.yaml': backup });
      expect(formatDiagnostics(validateFiles([folder]), 'text')).toContain(
        'sendense.yaml, not compared because of its errors: ',
      );
    });
  });

  test('tells the mistakes of the settings once, however many plans use them', () => {
    const folder = folderWith({
      'sendense.yaml': `${settings}ports: { from: 2000, to: 1999 }\n`,
      'a.yaml': backup,
      'b.yaml': another('weekly'),
    });
    expect(validateFiles([folder, join(folder, 'a.yaml')]).diagnostics.map((item) => item.rule)).toEqual([
      'settings/ports',
    ]);
  });

  test('a YAML file without kind in a folder is a mistake', () => {
    const folder = folderWith({ 'values.yaml': 'colour: red\n' });
    expect(validateFiles([folder]).diagnostics.map((item) => item.rule)).toEqual(['schema/required']);
  });

  test('reads - from what it is given', () => {
    const result = validateFiles(['-'], { stdin: backup.replace('backup', 'bakup') });
    expect(result.diagnostics).toMatchObject([
      { file: '<stdin>', rule: 'schema/enum', line: 2, column: 7, suggestion: 'backup' },
    ]);
  });

  test('validates every path even when one cannot be read', () => {
    const folder = folderWith({ 'a.yaml': backup });
    mkdirSync(join(folder, 'empty'));
    const result = validateFiles([join(folder, 'nothing.yaml'), join(folder, 'empty'), join(folder, 'a.yaml')]);
    expect(result.diagnostics.map((item) => item.rule)).toEqual(['file/unreadable', 'file/no-plans']);
    expect(result.files.map((file) => file.valid)).toEqual([false, false, true]);
  });

  test('does 500 plans with little processor time', () => {
    const files = Object.fromEntries(
      Array.from({ length: 500 }, (_, index) => [
        `plan-${index}.yaml`,
        `${backup.replace('nightly', `plan-${index}`)}schedule: { cron: "${index % 60} 1 * * *", timezone: Europe/London }\n`,
      ]),
    );
    const folder = folderWith({ 'sendense.yaml': settings, ...files });
    const before = process.cpuUsage();
    expect(validateFiles([folder]).valid).toBe(true);
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1e6).toBeLessThan(15);
  });
});

describe('formatDiagnostics', () => {
  const folder = 'plans, 100%:x';
  const result = () => {
    const root = folderWith({ [`${folder}/a b.yaml`]: `${backup}moe: full\n` });
    const found = validateFiles([join(root, folder, 'a b.yaml')]);
    const short = (text: string): string => text.replace(`${root}/`, '');
    return {
      ...found,
      files: found.files.map((item) => ({ ...item, file: short(item.file) })),
      diagnostics: found.diagnostics.map((item) => ({ ...item, file: short(item.file) })),
      texts: new Map([...found.texts].map(([file, text]) => [short(file), text])),
    };
  };

  test('as text shows the place, the line, what is wrong in it, and the way out', () => {
    expect(formatDiagnostics(result(), 'text')).toBe(
      `plans, 100%:x/a b.yaml:11:1: error: unknown key "moe" [schema/unknown-key]
    |
 11 | moe: full
    | ^^^
    = did you mean: mode
    = allowed: ${orList(keysOf(schemaNode('plans/backup.json')))}
    = help: Correct the key. For a key of your own, begin its name with x-.

1 error in 1 file; 1 file checked
  without settings: plans, 100%:x/a b.yaml (no sendense.yaml beside them or above)
`,
    );
  });

  test('as text has colours only where they are wanted', () => {
    expect(formatDiagnostics(result(), 'text', { color: false })).not.toContain('\u001b');
    expect(formatDiagnostics(result(), 'text', { color: true })).toContain('\u001b[31m^^^\u001b[39m');
  });

  test('as text lets nothing from the file steer the terminal', () => {
    const text = formatDiagnostics(validateFiles(['-'], { stdin: `${backup}"\\e[2Jx": 1\n` }), 'text');
    expect(text).not.toContain('\u001b');
    expect(text).toContain('schema/unknown-key');
  });

  test('as workflow commands escapes what has a meaning there', () => {
    expect(formatDiagnostics(result(), 'github')).toBe(
      '::error file=plans%2C 100%25%3Ax/a b.yaml,line=11,endLine=11,col=1,endColumn=4,title=schema/unknown-key::unknown key "moe". Did you mean mode? Correct the key. For a key of your own, begin its name with x-.\n',
    );
  });

  test('as SARIF 2.1.0 names the rule, the file as a URI and the region', () => {
    const log = JSON.parse(formatDiagnostics(result(), 'sarif')) as {
      version: string;
      runs: {
        tool: { driver: { rules: { id: string }[] } };
        results: { ruleId: string; ruleIndex: number; locations: unknown[] }[];
      }[];
    };
    const [run] = log.runs;
    const [found] = run?.results ?? [];
    expect(log.version).toBe('2.1.0');
    expect(run?.tool.driver.rules[found?.ruleIndex ?? -1]?.id).toBe('schema/unknown-key');
    expect(found?.locations).toMatchObject([
      {
        physicalLocation: {
          artifactLocation: { uri: 'plans%2C%20100%25%3Ax/a%20b.yaml' },
          region: { startLine: 11, startColumn: 1, endLine: 11, endColumn: 4 },
        },
      },
    ]);
  });

  test('says nothing to GitHub where nothing is wrong', () => {
    expect(formatDiagnostics(validateFiles(['-'], { stdin: backup }), 'github')).toBe('');
  });
});

describe('secrets', () => {
  test.each([
    ['    token: correct-horse', '/nodes/a/token', '    token: *************'],
    ['a: { token: "correct horse", url: foo }', '/nodes/a/url', 'a: { token: ***************, url: foo }'],
    ['token: { secret: { value: hunter2 } }', '/nodes/a/token/secret/value', 'token: { secret: { value: ******* } }'],
    ['      value: hunter2', '/nodes/a/token/secret/value', '      value: *******'],
    ['token: { secret: { file: /run/token } }', '/nodes/a/token', 'token: { secret: { file: /run/token } }'],
    ['password: "unclosed', '', 'password: *********'],
    ['name: nightly', '/name', 'name: nightly'],
    ['{ secret: hunter2, foo: bar }', '/foo', '{ secret: *******, foo: bar }'],
    ['a: { token: hunter2, modus: direct }', '/nodes/a/token', 'a: { token: *******, modus: direct }'],
    ['a: { token: { secret: { file: x } }, modus: y }', '/nodes/a', 'a: { token: { secret: { file: x } }, modus: y }'],
    ['token: { secret: { fil: hunter2 } }, modus: y', '/nodes/a', 'token: { secret: { fil: ******* } }, modus: y'],
    ['{"token":"hunter2","modus":"x"}', '', '{"token":*********,"modus":"x"}'],
    ['{token:hunter2, modus: x}', '', '{token:*******, modus: x}'],
    ['password: my, pass: word, url: x', '', 'password: **, ****: ****, ***: *'],
    ['{ password: a b: c, d e, f: g }', '', '{ password: * *: *, * *, f: g }'],
    ['password: pa{file: hunter2}, url: x', '', 'password: **{****: *******}, ***: *'],
    ['password: {a}hunter2, b', '', 'password: {*}*******, *'],
    ['password: x} hunter2, url: y', '', 'password: *} *******, ***: *'],
    ['password: -hunter2 $ecret #1', '', 'password: ******** ****** **'],
    ['  hunter2 file: x, url: y', '/nodes/a/token', '  ******* ****: *, ***: *'],
    ['- token: hunter2', '/x/0/token', '- token: *******'],
  ])('%s is not shown', (line, pointer, expected) => {
    expect(maskLine(line, pointer)).toBe(expected);
  });

  test('do not get into any output', () => {
    for (const wrong of [
      'hunter2',
      '[hunter2]',
      '{ value: hunter2 }',
      '{ secret: hunter2 }',
      '{ secret: { value: hunter2 } }',
      '"hunter2',
      '!x hunter2',
      '*hunter2',
    ]) {
      const folder = folderWith({
        'sendense.yaml': `${settings}nodes:\n  a: { mode: direct, url: "http://x:1", token: ${wrong} }\n`,
      });
      const result = validateFiles([join(folder, 'sendense.yaml')]);
      expect(result.valid, wrong).toBe(false);
      for (const format of ['text', 'json', 'github', 'sarif'] as const)
        expect(formatDiagnostics(result, format), `${wrong} as ${format}`).not.toContain('hunter2');
    }
  });
});

test('plans of one VM are no conflict where they name the same disks, another repository or other settings', () => {
  const plan = (name: string, disk: string, more = 'repository: primary'): string =>
    `kind: backup\nname: ${name}\nvm: { name: web, source: { type: image, disks: [{ path: ${disk} }] } }\n${more}\n`;
  const folder = folderWith({
    'sendense.yaml': 'repositories: { primary: { path: ./one }, second: { path: ./two } }\n',
    'a.yaml': plan('a', 'web.raw'),
    'b.yaml': plan('b', './web.raw'),
    'c/c.yaml': plan('c', '../web.raw'),
    'd.yaml': plan('d', 'other.raw', 'repository: second'),
    'e/sendense.yaml': settings,
    'e/e.yaml': plan('a', 'web.raw'),
    'f.yaml': plan('f', 'web.raw', 'repository: primary\nnode: far'),
  });
  const found = validateFiles([folder]).diagnostics.filter(({ rule }) => rule.startsWith('plan/'));
  expect(found.map(({ file, rule }) => [basename(file), rule])).toEqual([['f.yaml', 'plan/same-vm']]);
});

describe('a folder with more in it than plans', () => {
  test('node.yaml beside sendense.yaml, as the packages have it, is checked as settings of a node', () => {
    const shipped = readFileSync(join(import.meta.dirname, '../../packaging/etc/node.yaml'), 'utf8');
    const folder = folderWith({ 'sendense.yaml': settings, 'node.yaml': shipped, 'empty/node.yaml': '# nothing\n' });
    const result = validateFiles([folder]);
    expect(result.diagnostics).toEqual([]);
    expect(result.files.map(({ file, kind }) => [basename(file), kind])).toContainEqual(['node.yaml', 'node settings']);
    const wrong = folderWith({
      'node.yaml': 'listen: 8081\nhubb: x\n',
      'b/node.yaml': 'a: [\n',
      'c/node.yaml': backup,
    });
    expect(
      validateFiles([wrong])
        .diagnostics.map(({ rule }) => rule)
        .toSorted(),
    ).toEqual(['schema/type', 'schema/unknown-key', 'yaml/syntax']);
    expect(validateFiles([join(wrong, 'c')]).files[0]?.kind).toBe('backup');
  });

  test('a closed folder among the plans is named, and the others are checked', () => {
    if (process.geteuid?.() !== 0) return;
    const folder = folderWith({ 'a.yaml': backup, 'state/x.yaml': backup, 'z.yaml': 'kind: backup\n' });
    chmodSync(folder, 0o755);
    chmodSync(join(folder, 'state'), 0o700);
    process.seteuid?.(65_534);
    try {
      const result = validateFiles([folder]);
      expect(result.diagnostics.find(({ rule }) => rule === 'file/unreadable')).toMatchObject({
        severity: 'warning',
        file: join(folder, 'state'),
        message: `${join(folder, 'state')} was not looked into: permission denied`,
      });
      expect(result.files.map(({ file }) => basename(file))).toEqual(['a.yaml', 'state', 'z.yaml']);
      expect(result.valid).toBe(false);
    } finally {
      process.seteuid?.(0);
    }
  });
});
