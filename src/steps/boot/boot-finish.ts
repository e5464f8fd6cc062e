import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeFileDurably } from '../../host/files/files.ts';
import type { BootFinishInput, BootFinishOutput, DrillOutput } from '../../schemas/types.ts';
import { defineStep } from '../define-step.ts';
import { endBoots } from './end-boots.ts';

export const bootFinish = defineStep<BootFinishInput, null, BootFinishOutput>({
  uses: 'boot.finish',
  title: 'Report, and end the VMs',
  claim: () => null,

  plan: async (_context, { keepRunning = false }) => ({
    effects: [],
    notes: [
      keepRunning
        ? 'the VMs that came up go on after the run'
        : 'all VMs are ended, and what their guests wrote is thrown away',
    ],
  }),

  async run({ services, runId, planName, startedAt, remember }, { vms, keepRunning = false }) {
    const report = join(
      dirname(services.state.path),
      'logs',
      `${runId.slice(0, 4)}-${runId.slice(4, 6)}`,
      `${runId}-drill.json`,
    );
    const content: DrillOutput = {
      version: 1,
      run_id: runId,
      plan: planName,
      started: startedAt,
      finished: Date.now(),
      ok: vms.every(({ state }) => state === 'up'),
      vms,
    };
    await mkdir(dirname(report), { recursive: true, mode: 0o700 });
    await writeFileDurably(report, `${JSON.stringify(content, null, 2)}\n`);
    const boots = vms.flatMap(({ boot, state }) => (boot === null ? [] : [{ boot, state }]));
    const running = keepRunning ? boots.filter(({ state }) => state === 'up').map(({ boot }) => boot) : [];
    await endBoots(
      services,
      boots.map(({ boot }) => boot).filter((boot) => !running.includes(boot)),
    );
    remember('finished', true);
    return { report, running };
  },

  published: async ({ remembered }) => remembered['finished'] === true,
});
