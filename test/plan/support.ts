import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { loadPlanText } from '../../src/plan/load-plan.ts';
import { expandPlan, type ExpandedPlan } from '../../src/plan/expand/expand-plan.ts';
import { loadRunner } from '../../src/plan/expand/load-runner.ts';

/** A fresh folder with these files, gone when the test ends. */
export function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'plan-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

export const backup = `version: 1
kind: backup
name: nightly
vm:
  name: pgtest1
  source:
    type: image
    disks:
      - path: disk0.raw
repository: primary
`;

export const settings = `version: 1
repositories:
  primary: { path: ./repository }
`;

/** A plan's text -> its pipeline; fails the test where the plan by itself is wrong. */
export function expand(text: string): ExpandedPlan {
  const { document, plan, diagnostics } = loadPlanText({ file: '/plans/plan.yaml', text });
  if (!plan) throw new Error(diagnostics.map((item) => `${item.line}: ${item.message}`).join('\n'));
  return expandPlan(document, plan, loadRunner(plan.kind));
}

/** `rule line:column message` of each diagnostic. */
export const brief = (
  diagnostics: readonly { rule: string; line: number; column: number; message: string }[],
): string[] => diagnostics.map((item) => `${item.rule} ${item.line}:${item.column} ${item.message}`);
