import type { CommandDefinition } from '../command.ts';

export const metrics: CommandDefinition = {
  name: 'metrics',
  summary: 'Print the metrics for Prometheus',
  description: [
    'Prints metrics of plans, VMs, repositories, ports and notices in the text format of Prometheus. docs/monitoring.md lists them. The hub serves the same at /metrics of its API. With `metrics: { textfile: FILE }` in sendense.yaml each run writes them to that file.',
  ],
  arguments: [],
  options: [{ flags: '-w, --write', description: 'write the file that the settings name instead' }],
  examples: [
    { command: 'sendense-run metrics | grep rpo_breached', description: 'Is a plan late?' },
    { command: 'sendense-run metrics --write', description: 'From cron, if runs are rare' },
  ],
  exitCodes: [0, 1, 2, 3, 10],
  seeAlso: ['status', 'history', 'hub'],
  load: () => import('../actions/metrics.ts'),
};
