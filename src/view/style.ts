/** How text may look where it goes: with or without colour, with or without characters beyond ASCII. */
export interface Style {
  readonly unicode: boolean;
  readonly colour: boolean;
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  cyan(text: string): string;
  /** White on red: only for the word that says that a run failed. */
  alarm(text: string): string;
  readonly symbols: Symbols;
}

export interface Symbols {
  readonly done: string;
  readonly failed: string;
  readonly warning: string;
  readonly waiting: string;
  readonly skipped: string;
  readonly undone: string;
  readonly dot: string;
  readonly dash: string;
  readonly branch: string;
  readonly lastBranch: string;
  readonly trunk: string;
  readonly full: string;
  readonly empty: string;
  readonly spinner: readonly string[];
}

const unicodeSymbols: Symbols = {
  done: '✔',
  failed: '✘',
  warning: '⚠',
  waiting: '·',
  skipped: '○',
  undone: '↩',
  dot: '·',
  dash: '–',
  branch: '├─ ',
  lastBranch: '└─ ',
  trunk: '│  ',
  full: '█',
  empty: '░',
  spinner: ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'],
};

const asciiSymbols: Symbols = {
  done: '+',
  failed: 'x',
  warning: '!',
  waiting: '.',
  skipped: 'o',
  undone: '<',
  dot: '-',
  dash: '-',
  branch: '|- ',
  lastBranch: '`- ',
  trunk: '|  ',
  full: '#',
  empty: '.',
  spinner: ['-', '\\', '|', '/'],
};

const paint = (enabled: boolean, open: string, close: string) =>
  enabled ? (text: string) => `\u001b[${open}m${text}\u001b[${close}m` : (text: string) => text;

export const makeStyle = ({ colour, unicode }: { colour: boolean; unicode: boolean }): Style => ({
  colour,
  unicode,
  bold: paint(colour, '1', '22'),
  dim: paint(colour, '2', '22'),
  red: paint(colour, '31', '39'),
  green: paint(colour, '32', '39'),
  yellow: paint(colour, '33', '39'),
  cyan: paint(colour, '36', '39'),
  alarm: paint(colour, '1;97;41', '22;39;49'),
  symbols: unicode ? unicodeSymbols : asciiSymbols,
});
