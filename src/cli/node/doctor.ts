import { checkLines, doctorSummary } from '../../view/reports/doctor-report.ts';
import { columnsOf, exactly } from '../../view/terminal.ts';
import type { NodeCommand, NodeContext } from './node-command.ts';
import { listenOption, socketOption, tokenFileOption } from './options.ts';

export const doctor: NodeCommand = {
  name: 'doctor',
  summary: 'Check node and hub, and say what is wrong',
  description: [
    'Checks what a node needs, from its own machine to the hub: programs, state folder, token, API, enrolment, name and SSH server of the hub, large packets, link, host key, key, the answer of the hub, clocks, ports. If something is wrong, it says what to do. It changes nothing, and also works before the enrolment.',
    'While the link is up, it skips checks that would cut it. What the link proves by itself counts as checked.',
    'Exit status: 0 if all is well, 3 with warnings, 1 if something does not work.',
  ],
  options: [
    listenOption,
    socketOption,
    tokenFileOption,
    { flags: '--hub <host[:port]>', description: 'look for the hub there, instead of at the address of the enrolment' },
  ],
  examples: [
    { command: 'sendense-node doctor', description: 'All checks' },
    {
      command: 'sendense-node doctor --hub hub.example.com',
      description: 'Try to reach the hub, before the enrolment',
    },
    {
      command: 'sendense-node doctor --json | jq \'.checks[] | select(.result == "fail")\'',
      description: 'Only the failures, for a script',
    },
  ],
  exitCodes: [0, 1, 2, 3, 10],
  tokenOption: 'tokenFile',
  run,
};

async function run(context: NodeContext): Promise<number> {
  const [{ runDoctor }, { hubAddress }] = await Promise.all([
    import('../../node/doctor/run-doctor.ts'),
    import('../../node/node-settings.ts'),
  ]);
  const { stdout, style } = context.terminal;
  const named = context.options['hub'];
  const given = context.settings();
  const settings = typeof named === 'string' ? { ...given, hub: hubAddress(named) } : given;
  const options = { style, columns: columnsOf(stdout) };
  const output = await runDoctor({
    settings,
    signal: context.stop,
    onCheck: (check) => {
      if (!context.json) stdout.write(`${checkLines(check, options).join('\n')}\n`);
    },
  });
  (context.json ? exactly(stdout) : stdout).write(
    context.json ? `${JSON.stringify(output)}\n` : `${doctorSummary(output, options).join('\n')}\n`,
  );
  return { ok: 0, warn: 3, fail: 1 }[output.result];
}
