import { jsonView } from './json-view.ts';
import { plainView } from './plain-view.ts';
import { quietView } from './quiet-view.ts';
import type { RunView } from './run-view.ts';
import type { Terminal } from '../terminal.ts';
import { printableIn } from '../text.ts';
import { ttyView } from './tty-view.ts';

/** The view that fits: JSON lines where asked for, bars on a terminal, plain lines elsewhere. */
export function openView(terminal: Terminal, options: { readonly json: boolean; readonly quiet: boolean }): RunView {
  if (options.json) return jsonView(terminal.stdout);
  if (options.quiet) return quietView();
  const view = terminal.interactive ? ttyView(terminal) : plainView(terminal);
  return { ...view, event: (event) => view.event(printableIn(event)) };
}
