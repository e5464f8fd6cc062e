import { expect, test } from 'vitest';
import { exactly, openTerminal, type OutputStream } from '../../src/view/terminal.ts';
import { openView } from '../../src/view/run/open-view.ts';
import { printable } from '../../src/view/text.ts';
import { print } from '../../src/cli/print.ts';
import type { CommandContext } from '../../src/cli/command.ts';

/** Sets the title and the clipboard, clears the screen, hides text, turns it around, ends a line unseen. */
const hostile =
  'a\u001b]0;title\u0007b\u001b]52;c;cm0=\u001b\\c\u001b[2J\u001b[8md\u009b2Ke\u202ef\u2066g\u2028h\r\u0000i';
// eslint-disable-next-line no-control-regex
const steering = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/;

function kept(isTTY: boolean): OutputStream & { text: string } {
  const stream = { text: '', isTTY, columns: 80, write: (text: string) => void (stream.text += text) };
  return stream;
}

const terminalOf = (stdout: OutputStream, stderr: OutputStream, noColour = true) =>
  openTerminal({ stdout, stderr, env: { LANG: 'C.UTF-8', TERM: 'xterm' }, noColour });

test('nothing that is written for people steers the terminal, wherever it comes from', () => {
  const [out, err] = [kept(true), kept(true)];
  const { stdout, stderr } = terminalOf(out, err);
  stdout.write(`label ${hostile}\n`);
  stderr.write(`warning: ${hostile}\n`);
  for (const { text } of [out, err]) expect(text).not.toMatch(steering);
  expect(out.text).toBe(`label ${printable(hostile)}\n`);
});

test('our own colours stay', () => {
  const out = kept(true);
  const { stdout, style } = terminalOf(out, kept(true), false);
  const text = style.alarm(' x ') + style.dim('y') + style.red(style.bold('z'));
  stdout.write(`${text}${hostile}`);
  expect(out.text).toBe(text + printable(hostile));
});

test('what programs read is exact', () => {
  const out = kept(true);
  const terminal = terminalOf(out, kept(true));
  const value = { label: hostile };
  print({ terminal, global: { json: true } } as CommandContext, value, () => []);
  openView(terminal, { json: true, quiet: false }).event({ type: 'x', ...value } as never);
  expect(
    out.text
      .split('\n')
      .slice(0, 2)
      .map((line) => (JSON.parse(line) as typeof value).label),
  ).toEqual([hostile, hostile]);
  exactly(terminal.stdout).write(hostile);
  expect(out.text.endsWith(hostile)).toBe(true);
});

test.each([true, false])(
  'a live view shows names of plans, disks and messages harmlessly; on a terminal: %s',
  async (isTTY) => {
    const err = kept(isTTY);
    const view = openView(terminalOf(kept(isTTY), err), { json: false, quiet: false });
    const base = { version: 1, time: 0, run_id: 'r' };
    view.event({
      ...base,
      type: 'run.started',
      plan: hostile,
      kind: 'backup',
      vm: hostile,
      mode: 'auto',
      steps: [],
    } as never);
    view.event({
      ...base,
      type: 'run.finished',
      result: 'succeeded',
      plan: hostile,
      vm: hostile,
      kind: 'backup',
      duration_ms: 1,
      disks: [],
      warnings: [hostile],
      undo_errors: [],
    } as never);
    await view.close();
    // Of the view itself: moving, erasing, hiding the cursor.
    // eslint-disable-next-line no-control-regex
    expect(err.text.replace(/\u001b\[(?:[0-9;]*[mABGKJ]|\?25[lh]|\?2026[lh])/g, '').replaceAll('\r', '')).not.toMatch(
      steering,
    );
    expect(err.text).not.toContain('\u001b[8m');
    expect(err.text).not.toContain('\u001b[2J');
  },
);
