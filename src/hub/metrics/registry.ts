import { Gauge, Registry } from 'prom-client';
import { families, type FamilyName, type Sample } from './families.ts';

/** Puts figures into a registry, instead of those that were there before. A family that says nothing is not in it. */
export function setFigures(registry: Registry, samples: readonly Sample[]): void {
  const byName = Map.groupBy(samples, ({ name }) => name);
  for (const [name, { help, labels }] of Object.entries(families)) {
    registry.removeSingleMetric(name);
    const own = byName.get(name as FamilyName);
    if (own === undefined) continue;
    // A gauge without labels would be 0 until it is set.
    const gauge = new Gauge({ name, help, labelNames: labels, registers: [registry] });
    for (const sample of own) gauge.set(sample.labels, sample.value);
  }
}

/** Figures in Prometheus' text form, version 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats). */
export async function renderFigures(samples: readonly Sample[]): Promise<string> {
  const registry = new Registry();
  setFigures(registry, samples);
  return registry.metrics();
}
