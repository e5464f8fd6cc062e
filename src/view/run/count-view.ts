import { columnsOf, exactly, type Terminal } from '../terminal.ts';
import { cut, printable } from '../text.ts';

export interface CountView {
  readonly progress: (text: string, done: number, total: number) => void;
  close(): void;
}

/** How far a count has come: one line that changes on a terminal, nothing elsewhere. */
export function countView(terminal: Terminal, options: { json: boolean; quiet: boolean }): CountView {
  const { errorStyle: style, interactive } = terminal;
  const stderr = exactly(terminal.stderr);
  if (!interactive || options.json || options.quiet) return { progress: () => {}, close: () => {} };
  const clear = '\r\u001b[2K';
  let drawn = 0;
  return {
    progress: (text, done, total) => {
      if (Date.now() - drawn < 100) return;
      drawn = Date.now();
      const share = total > 0 ? `${Math.min(100, Math.floor((done / total) * 100))} %`.padStart(5) : '';
      stderr.write(`${clear}${style.dim(cut(`${share} ${printable(text)}`, columnsOf(stderr) - 1))}`);
    },
    close: () => void (drawn > 0 && stderr.write(clear)),
  };
}
