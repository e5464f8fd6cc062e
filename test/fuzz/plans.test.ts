import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { afterAll, expect } from 'vitest';
import { nextSlot } from '../../src/hub/schedule/slots.ts';
import { diagnosticFormats, formatDiagnostics, validateOutput } from '../../src/plan/diagnostics/format-diagnostics.ts';
import { loadPlanText } from '../../src/plan/load-plan.ts';
import { loadSettings, loadSettingsText } from '../../src/plan/load-settings.ts';
import { completePlan } from '../../src/plan/expand/prepare-plan.ts';
import { textOf } from '../../src/plan/yaml/read-document.ts';
import { rules } from '../../src/errors/findings/rules.ts';
import { validateFiles, type ValidationResult } from '../../src/plan/validate-files.ts';
import { packageRoot } from '../../src/schemas/package.ts';
import { describeErrors, validatorOf } from '../../src/schemas/validator.ts';
import { loadNodeSettings } from '../../src/node/node-settings.ts';
import { fuzz, judge } from './harness.ts';
import { hostileYaml } from './hostile-yaml.ts';
import { yamlFiles } from './sound-files.ts';
import { assertInside, touched } from './touched.ts';

const config = join(packageRoot, 'examples/vsphere/sendense.yaml');
const settings = loadSettings(config, packageRoot);
const plans = yamlFiles(['plans', 'examples', 'test/plan/corpus'], false).map(({ text }) => text);
const settingsFiles = yamlFiles(['plans', 'examples', 'test/plan/corpus'], true).map(({ text }) => text);

/** Whatever is wrong is said in the form that is documented, in every form in which it is printed. */
function assertSaid(result: ValidationResult): void {
  const check = validatorOf('output/validate.json');
  const output = validateOutput(result);
  if (!check(structuredClone(output))) throw new Error(describeErrors(check.errors));
  for (const { rule, line, column } of result.diagnostics) {
    expect(Object.hasOwn(rules, rule)).toBe(true);
    expect(line).toBeGreaterThan(0);
    expect(column).toBeGreaterThan(0);
  }
  for (const format of diagnosticFormats) formatDiagnostics(result, format);
}

fuzz('plans', {
  input: hostileYaml(plans),
  few: 120,
  attempt: async (bytes) => {
    const { result, paths } = await touched(async () => validateFiles(['-'], { stdin: bytes, config }));
    assertInside(packageRoot, paths);
    assertSaid(result);
    const read = textOf(bytes, 'plan.yaml');
    if (!('text' in read)) return;
    const loaded = loadPlanText({ file: 'plan.yaml', folder: packageRoot, text: read.text });
    const prepared = completePlan(loaded, settings);
    expect(prepared.pipeline === undefined).toBe(prepared.diagnostics.length > 0);
    if (!prepared.plan || !prepared.pipeline) return;
    const { plan } = prepared;
    // What is taken is of the form of its schema, and names are such as may stand in a path.
    expect(validatorOf(`plans/${plan.kind}.json`)(structuredClone(plan))).toBe(true);
    expect(plan.name).toMatch(/^[A-Za-z0-9][A-Za-z0-9._-]*$/);
    const schedule = (plan as { schedule?: { cron: string; timezone: string } }).schedule;
    if (schedule) expect(nextSlot(schedule, 1.8e12)).toBeGreaterThan(1.8e12);
  },
});

fuzz('settings', {
  input: hostileYaml(settingsFiles),
  few: 120,
  attempt: async (bytes) => {
    const read = textOf(bytes, 'sendense.yaml');
    if (!('text' in read)) return;
    const { result, paths } = await touched(async () =>
      loadSettingsText({ file: 'sendense.yaml', folder: packageRoot, text: read.text }),
    );
    assertInside(packageRoot, paths);
    expect(result.settings === undefined).toBe(result.diagnostics.length > 0);
    if (!result.settings) return;
    expect(validatorOf('settings.json')(structuredClone(result.settings))).toBe(true);
    const plan = loadPlanText({ file: 'plan.yaml', folder: packageRoot, text: plans[0]?.toString('utf8') ?? '' });
    completePlan(plan, result);
  },
});

const folder = mkdtempSync(join(tmpdir(), 'sendense-fuzz-'));
afterAll(() => rmSync(folder, { recursive: true }));

fuzz('settings of a node', {
  input: hostileYaml(
    [
      'stateDir: /var/lib/sendense-node\nlisten: 127.0.0.1:8081\nlogLevel: info\nhub: hub.example.com:443\n',
      'tokenFile: token\nlisten: unix:/run/x.sock\ntunnel:\n  program: ssh2\nlimits:\n  connections: 5\n',
    ].map((text) => Buffer.from(text)),
  ),
  attempt: async (bytes) => {
    const file = join(folder, 'node.yaml');
    writeFileSync(file, bytes);
    const { result, paths } = await touched(() => judge(() => loadNodeSettings({ config: file })));
    assertInside(folder, paths);
    const { accepted, refused } = result;
    if (refused) expect(['settings.invalid', 'usage']).toContain(refused.code);
    else expect(isAbsolute(accepted.stateDir) && isAbsolute(accepted.tokenFile)).toBe(true);
  },
});
