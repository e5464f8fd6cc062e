import type { TextOptions } from '../plan/diagnostics/format-text.ts';
import type { Style } from '../view/style.ts';
import { columnsOf, type OutputStream } from '../view/terminal.ts';
import { labelled, widthOf } from '../view/text.ts';

/** How the diagnostics of files look where they are written to. */
export const textOptions = (stream: OutputStream, { colour }: Style): TextOptions => ({
  color: colour,
  columns: columnsOf(stream),
  labelled,
  widthOf,
});
