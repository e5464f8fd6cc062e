import { installSignals } from '../../engine/install-signals.ts';
import { checkReport } from '../../view/reports/check-report.ts';
import { countView } from '../../view/run/count-view.ts';
import type { CommandContext } from '../command.ts';
import { findPoint } from '../find-point.ts';
import { findTarget } from '../find-target.ts';
import { warnOfUnlisted } from '../warn-of-unlisted.ts';
import { print } from '../print.ts';

export async function action(context: CommandContext): Promise<number> {
  await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: true });
  warnOfUnlisted(context, hub);
  const { repository, point: words } = context.options as Readonly<Record<string, string | undefined>>;
  const [name] = context.args;
  const { rescued } = context;
  const target =
    words === undefined
      ? await findTarget(hub, name, repository, rescued)
      : await findPoint(hub, { name, words, repository, rescued });
  using signals = installSignals();
  const view = countView(context.terminal, context.global);
  const deep = context.options['quick'] !== true;
  let output;
  try {
    output = await hub.check({ ...target, deep, signal: signals.gently, onProgress: view.progress });
  } finally {
    view.close();
  }
  const { findings, ok } = output;
  const shown = { ...output, repository: context.rescued ?? output.repository };
  print(context, output, (options) => checkReport(shown, { ...options, deep, quiet: context.global.quiet }));
  if (!ok) return 1;
  return findings.length > 0 ? 3 : 0;
}
