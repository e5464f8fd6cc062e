import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { collectFigures } from '../../src/hub/metrics/collect.ts';
import { families } from '../../src/hub/metrics/families.ts';
import { renderFigures } from '../../src/hub/metrics/registry.ts';
import { createServiceFigures } from '../../src/hub/metrics/service-figures.ts';
import { loadSettingsText } from '../../src/plan/load-settings.ts';
import { packageRoot } from '../../src/schemas/package.ts';
import type { Settings } from '../../src/schemas/types.ts';
import { openRepository } from '../../src/repository/open-repository.ts';
import { fillState } from '../bench/many-points.ts';
import { temporaryState, type TemporaryState } from '../state/temporary-state.ts';
import { parseExposition } from '../support/exposition.ts';

function settingsFor(temporary: TemporaryState, more = ''): Settings {
  const text = `state: ./sendense.db\nrepositories:\n  primary: { path: ./repository, minFree: 1GiB${more} }\n`;
  const { settings, diagnostics } = loadSettingsText({ file: join(temporary.folder, 'sendense.yaml'), text });
  if (!settings) throw new Error(JSON.stringify(diagnostics));
  return settings;
}

async function figuresOf(temporary: TemporaryState, more = ''): Promise<ReturnType<typeof parseExposition>> {
  const settings = settingsFor(temporary, more);
  const repositoryPath = (name: string): string => join(temporary.folder, settings.repositories[name]?.path ?? name);
  return parseExposition(
    await renderFigures(await collectFigures({ state: temporary.state, settings, repositoryPath })),
  );
}

const valueOf = (
  figures: ReturnType<typeof parseExposition>,
  name: keyof typeof families,
  labels: Readonly<Record<string, string>> = {},
): number | undefined =>
  figures
    .get(name)
    ?.samples.find((sample) => Object.entries(labels).every(([key, value]) => sample.labels[key] === value))?.value;

describe('figures', () => {
  test('tell of each plan and VM, as Prometheus reads them', async () => {
    using temporary = temporaryState();
    const until = Date.now() - 60_000;
    fillState(temporary.state, { vms: 3, points: 35, runs: 40, until });
    await openRepository('primary', join(temporary.folder, 'repository'), false);
    const figures = await figuresOf(temporary, ', quota: 2TiB');
    const vm = { repository: 'primary', vm: 'vm0001' };
    expect(valueOf(figures, 'sendense_vm_points', vm)).toBe(35);
    expect(valueOf(figures, 'sendense_vm_chain_length', vm)).toBe(5);
    expect(valueOf(figures, 'sendense_vm_unverified_points', vm)).toBe(35);
    expect(valueOf(figures, 'sendense_vm_stored_bytes', vm)).toBe(2 * (2 * 40 + 33 * 2) * 1024 ** 3);
    expect(figures.get('sendense_plan_last_run_timestamp_seconds')?.samples).toHaveLength(3);
    const plan = { plan: 'vm0001-nightly', vm: 'vm0001', kind: 'backup' };
    const last = valueOf(figures, 'sendense_plan_last_run_timestamp_seconds', plan) ?? 0;
    expect(last).toBe((until - 86_400_000 + 60_000 + 600_000) / 1000);
    expect(valueOf(figures, 'sendense_plan_last_run_transferred_bytes', plan)).toBe(4 * 1024 ** 3);
    expect(valueOf(figures, 'sendense_plan_last_run_duration_seconds', plan)).toBe(600);
    expect(valueOf(figures, 'sendense_repository_quota_bytes')).toBe(2 * 1024 ** 4);
    expect(valueOf(figures, 'sendense_repository_min_free_bytes')).toBe(1024 ** 3);
    expect(valueOf(figures, 'sendense_repository_up')).toBe(1);
    expect(valueOf(figures, 'sendense_repository_free_bytes')).toBeGreaterThan(0);
    expect(valueOf(figures, 'sendense_series_left_out')).toBe(0);
  });

  test('of a failed run keep the time of the last success', async () => {
    using temporary = temporaryState();
    // Of VM 2 the last of 16 runs failed (number + vm is a multiple of 17), the one before did not.
    fillState(temporary.state, { vms: 3, points: 1, runs: 16, until: Date.now() });
    const figures = await figuresOf(temporary);
    const plan = { plan: 'vm0002-nightly' };
    expect(valueOf(figures, 'sendense_plan_last_run_success', plan)).toBe(0);
    expect(valueOf(figures, 'sendense_plan_last_run_exit_code', plan)).toBe(75);
    const last = valueOf(figures, 'sendense_plan_last_run_timestamp_seconds', plan) ?? 0;
    expect(valueOf(figures, 'sendense_plan_last_success_timestamp_seconds', plan)).toBe(last - 86_400);
  });

  test('of a repository that is not there say so, and of an empty hub nothing is missing that must be there', async () => {
    using temporary = temporaryState();
    const figures = await figuresOf(temporary);
    expect(valueOf(figures, 'sendense_repository_up')).toBe(0);
    expect(figures.has('sendense_repository_free_bytes')).toBe(false);
    expect(valueOf(figures, 'sendense_runs_active', { status: 'running' })).toBe(0);
    expect(valueOf(figures, 'sendense_ports')).toBe(101);
  });

  test('labels may hold any text', async () => {
    const labels = { plan: 'a"b\\c\nd' };
    const figures = parseExposition(await renderFigures([{ name: 'sendense_plan_failures', labels, value: 2 }]));
    expect(figures.get('sendense_plan_failures')?.samples[0]?.labels).toEqual(labels);
  });

  test('have names as Prometheus wants them', () => {
    for (const [name, { help, labels }] of Object.entries(families)) {
      expect(name).toMatch(/^sendense(_[a-z]+)+$/);
      expect(help).toMatch(/^[^\n]+\.$/);
      expect(name).not.toMatch(/_(total|count|sum|bucket)$/);
      for (const label of labels) expect(label).toMatch(/^[a-z]+$/);
      if (/time|age|duration/.test(name)) expect(name).toMatch(/_seconds$/);
    }
  });
});

describe('what is shipped for Prometheus and Grafana', () => {
  const folder = join(packageRoot, 'packaging');
  const names = (text: string): string[] => [...new Set(text.match(/\bsendense(_[a-z]+)+\b/g))];

  test.each(readdirSync(join(folder, 'grafana')))(
    'the dashboard %s is one, and names only figures that there are',
    async (file) => {
      const ofTunnels = await createServiceFigures('1.0.0').text({
        nodes: [],
        runs: new Map(),
        leases: 0,
        figures: [],
      });
      const known = [...Object.keys(families), ...names(ofTunnels)];
      const text = readFileSync(join(folder, 'grafana', file), 'utf8');
      const dashboard = JSON.parse(text) as {
        uid: string;
        title: string;
        panels: { id: number; title: string; type: string; targets?: { expr: string }[] }[];
      };
      expect(dashboard.title).toBe('Sendense');
      const shown = dashboard.panels.filter(({ type }) => type !== 'row');
      for (const panel of shown) expect(panel.targets?.length, panel.title).toBeGreaterThan(0);
      expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
      const named = shown.flatMap(({ targets = [] }) => targets.flatMap(({ expr }) => names(expr)));
      expect(named.filter((name) => !known.includes(name))).toEqual([]);
      expect(named.length).toBeGreaterThan(10);
    },
  );

  test('the alert rules name only figures that there are', () => {
    const text = readFileSync(join(folder, 'prometheus', 'sendense-alerts.yml'), 'utf8');
    const { groups } = parse(text) as {
      groups: { name: string; rules: { alert: string; expr: string; labels: object; annotations: object }[] }[];
    };
    const rules = groups.flatMap((group) => group.rules);
    expect(rules.length).toBeGreaterThan(5);
    for (const rule of rules) {
      expect(names(rule.expr).length, rule.alert).toBeGreaterThan(0);
      expect(names(rule.expr).filter((name) => !(name in families))).toEqual([]);
      expect(rule.annotations).toHaveProperty('summary');
      expect(rule.labels).toHaveProperty('severity');
    }
  });

  test('docs/monitoring.md lists every figure with its labels', () => {
    const text = readFileSync(join(packageRoot, 'docs', 'monitoring.md'), 'utf8');
    for (const [name, { labels }] of Object.entries(families)) {
      const row = text.split('\n').find((line) => line.includes(`\`${name}\``));
      expect(row, name).toBeDefined();
      for (const label of labels) expect(row).toContain(label);
    }
  });
});
