import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { loadPlanText } from '../../src/plan/load-plan.ts';
import { loadSettingsText } from '../../src/plan/load-settings.ts';
import { planKinds } from '../../src/plan/diagnostics/schema-node.ts';
import { packageRoot } from '../../src/schemas/validator.ts';
import { brief, expand } from '../plan/support.ts';
import { generatePlanDocs } from '../tools/generate-plan-docs.ts';
import { coverage, pages } from '../tools/plan-docs/pages.ts';

const read = (file: string): string => readFileSync(join(packageRoot, file), 'utf8');

test('docs/plans/ and docs/settings.md are current (npm run docs)', async () => {
  for (const [file, text] of await generatePlanDocs()) expect(read(file), file).toBe(text);
});

describe('every key of the schemas', () => {
  test('is on exactly one page', () => {
    const wrong = [...coverage()].filter(([, found]) => found.length !== 1);
    expect(wrong.map(([key, found]) => `${key}: ${found.join(', ') || 'on no page'}`)).toEqual([]);
  });

  test('is in an example', () => {
    const examples = pages.flatMap(({ file }) => examplesOf(file)).join('\n');
    const names = new Set([...coverage().keys()].map((key) => /(\w+)(?:\[\]|\.<name>)*$/.exec(key)?.[1] ?? key));
    expect([...names].filter((name) => !new RegExp(`\\b${name}:`).test(examples))).toEqual([]);
  });

  test.each(planKinds())('of kind %s is on its page, or its page leads to it', (kind) => {
    const page = `docs/plans/${kind}.md`;
    const elsewhere = [...coverage()].filter(
      ([key, [found]]) => key.startsWith(`${kind} `) && !/[.[]/.test(key) && found !== page,
    );
    for (const [key, [found = '']] of elsewhere) {
      const name = key.split(' ')[1] ?? '';
      const links = [...read(page).matchAll(/\[([^\]]*)\]\(([\w-]+\.md)/g)];
      const leading = links.filter(
        ([, text = '', target]) => text.includes(`\`${name}\``) && found.endsWith(`/${target}`),
      );
      expect(leading, `${page}: no link from ${name} to ${found}`).not.toEqual([]);
    }
  });
});

describe.each(pages.map(({ file }) => file))('%s', (file) => {
  test('has no table wider than 100 columns', () => {
    const tables = read(file)
      .split('\n')
      .filter((line) => line.startsWith('|'));
    expect(tables.filter((line) => [...line].length > 100)).toEqual([]);
  });

  test('leads to headings that are there', () => {
    const links = [...read(file).matchAll(/\]\((?!https?:)([^)#]*)#([^)]+)\)/g)];
    const broken = links.filter(([, target = '', anchor = '']) => {
      const page = target === '' ? file : join('docs', file.startsWith('docs/plans/') ? 'plans' : '', target);
      return !anchorsOf(read(page)).includes(anchor);
    });
    expect(broken.map(([link]) => link)).toEqual([]);
  });

  test('has only examples that are valid', () => {
    for (const text of examplesOf(file)) expect(mistakesOf(text), text).toEqual([]);
  });
});

const examplesOf = (file: string): string[] =>
  [...read(file).matchAll(/```yaml\n([\s\S]*?)```/g)].map((match) => match[1] ?? '');

/** The headings of a page as GitHub names them in links. */
const anchorsOf = (text: string): string[] =>
  [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );

/** A whole plan is checked as it is; a part of one, or of the settings, within the shortest file that it fits into. */
function mistakesOf(text: string): readonly string[] {
  if (/^kind: /m.test(text)) return mistakesOfPlan(text);
  const part = (parse(text) ?? {}) as Record<string, unknown>;
  const found = [
    ...shortestPlans.map((plan) => mistakesOfPlan(stringify({ ...plan, ...part }))),
    mistakesOfSettings(stringify({ repositories: { primary: { path: './repository' } }, ...part })),
  ];
  return found.find((mistakes) => mistakes.length === 0) ?? found.flat();
}

const shortestPlans = [
  { kind: 'backup', name: 'x', vm: { name: 'y' }, repository: 'primary' },
  { kind: 'verify', name: 'x', repository: 'primary' },
];

function mistakesOfPlan(text: string): readonly string[] {
  const { plan, diagnostics } = loadPlanText({ file: '/plans/plan.yaml', text });
  return brief(plan ? expand(text).diagnostics : diagnostics);
}

const mistakesOfSettings = (text: string): readonly string[] =>
  brief(loadSettingsText({ file: '/plans/sendense.yaml', text }).diagnostics);
