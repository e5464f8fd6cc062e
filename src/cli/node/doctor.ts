import { checkLines, doctorSummary } from '../../view/reports/doctor-report.ts';
import { columnsOf, exactly } from '../../view/terminal.ts';
import type { NodeCommand, NodeContext } from './node-command.ts';
import { listenOption, socketOption, tokenFileOption } from './options.ts';

export const doctor: NodeCommand = {
  name: 'doctor',
  summary: 'Find out what is wrong',
  description: [
    'Checks what a node needs, from its own machine to the hub, in the order in which one thing needs the other: programs, state folder, token, API, enrolment, name, TCP, host key, key, the answer of the hub, clocks, each kind of forward, ports. For what is wrong it says what can be done. It changes nothing, and works before the enrolment too.',
    'While the link is up, nothing is tried that would cut it; what it proves by itself counts as checked.',
    'Exit status: 0 all is well, 3 with warnings, 1 where something does not work.',
  ],
  options: [
    listenOption,
    socketOption,
    tokenFileOption,
    { flags: '--hub <host[:port]>', description: 'look for the hub there, not where the enrolment says' },
  ],
  examples: [
    { command: 'sendense-node doctor', description: 'All checks' },
    {
      command: 'sendense-node doctor --hub hub.example.com',
      description: 'Before the enrolment: can the hub be reached?',
    },
    {
      command: 'sendense-node doctor --json | jq \'.checks[] | select(.result == "fail")\'',
      description: 'For a script',
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
