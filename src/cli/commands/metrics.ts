import type { CommandDefinition } from '../command.ts';

export const metrics: CommandDefinition = {
  name: 'metrics',
  summary: 'Print the figures for Prometheus',
  description: [
    'Plans, VMs, repositories, ports, notices: as docs/monitoring.md lists them, in the text form of Prometheus. The hub has the same at /metrics of its API, and with `metrics: { textfile: FILE }` in sendense.yaml each run writes them to that file.',
  ],
  arguments: [],
  options: [{ flags: '-w, --write', description: 'write the file of the settings instead' }],
  examples: [
    { command: 'sendense-run metrics | grep rpo_breached', description: 'Is a plan late?' },
    { command: 'sendense-run metrics --write', description: 'From cron, where runs are rare' },
  ],
  exitCodes: [0, 1, 2, 3, 10],
  seeAlso: ['status', 'history', 'hub'],
  load: () => import('../actions/metrics.ts'),
};
