import {
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  completionKeymap,
  type CompletionSource,
} from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { yaml } from '@codemirror/lang-yaml';
import { bracketMatching, indentUnit, syntaxHighlighting } from '@codemirror/language';
import { linter, lintGutter, lintKeymap, type Diagnostic } from '@codemirror/lint';
import { highlightSelectionMatches, search, searchKeymap } from '@codemirror/search';
import { EditorState, type Extension, type Text } from '@codemirror/state';
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  hoverTooltip,
  keymap,
  lineNumbers,
} from '@codemirror/view';
import type { DiagnosticOutput } from '../../schemas/types.ts';
import { plain } from '../design/text.tsx';
import { editorTheme, highlighting } from './editor-theme.ts';
import { meaningAt, offersAt, type SchemaPart } from './schema-help.ts';

export interface PlanEditorOptions {
  /** Its styles go into this root, as style sheets that no policy for content refuses. */
  readonly root: ShadowRoot;
  readonly text: string;
  /** What it is called for who listens. */
  readonly label: string;
  onChange(text: string): void;
  onSave(): void;
  /** What is wrong with a text; null: that is not known now. */
  check(text: string): Promise<readonly DiagnosticOutput[] | null>;
  /** Null until it is known. */
  schema(): SchemaPart | null;
}

export interface PlanEditor {
  setText(text: string): void;
  /** Puts the cursor there, and the keyboard. Both count from 1. */
  goTo(line: number, column: number): void;
  destroy(): void;
}

/** How long nobody types before the text is checked, ms. */
const checkAfterMs = 400;

/** Line ends as the text has them: all of one kind, or else each as it is. */
const separatorOf = (text: string): string => (text.includes('\r\n') && !/(?:^|[^\r])\n/.test(text) ? '\r\n' : '\n');

/** An editor of plans: colours, the hub's own errors at their places, completion and meanings from the schema. */
export function createPlanEditor(options: PlanEditorOptions): PlanEditor {
  const { root, onChange } = options;
  let separator = '';
  const stateOf = (text: string): EditorState => {
    separator = separatorOf(text);
    return EditorState.create({
      doc: text,
      extensions: [EditorState.lineSeparator.of(separator), extensionsFor(options)],
    });
  };
  const view = new EditorView({ parent: root, root, state: stateOf(options.text) });
  return {
    setText(text) {
      if (separatorOf(text) !== separator) {
        view.setState(stateOf(text));
        onChange(text);
      } else view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: view.state.toText(text) } });
    },
    goTo(line, column) {
      const at = offsetOf(view.state.doc, line, column);
      view.dispatch({ selection: { anchor: at }, effects: EditorView.scrollIntoView(at, { y: 'center' }) });
      view.focus();
    },
    destroy: () => view.destroy(),
  };
}

/** Words of the panel for searching, as those of other buttons are written. */
const phrases = {
  'next': 'Next',
  'previous': 'Previous',
  'all': 'All',
  'match case': 'Match case',
  'regexp': 'Regular expression',
  'by word': 'Whole words',
  'replace': 'Replace',
  'replace all': 'Replace all',
  'close': 'Close',
} as const;

const extensionsFor = (options: PlanEditorOptions): Extension => [
  lineNumbers(),
  lintGutter(),
  highlightActiveLine(),
  highlightActiveLineGutter(),
  highlightSpecialChars(),
  highlightSelectionMatches(),
  history(),
  drawSelection(),
  bracketMatching(),
  closeBrackets(),
  search({ top: true }),
  EditorState.phrases.of(phrases),
  indentUnit.of('  '),
  EditorState.tabSize.of(2),
  yaml(),
  syntaxHighlighting(highlighting),
  editorTheme,
  EditorView.lineWrapping,
  EditorView.contentAttributes.of({
    'aria-label': options.label,
    'aria-description': 'Tab indents. To leave the editor with the keyboard, press Escape, then Tab.',
    'spellcheck': 'false',
    'autocapitalize': 'off',
  }),
  EditorView.updateListener.of((update) => {
    if (update.docChanged) options.onChange(update.state.sliceDoc());
  }),
  linter((view) => findingsOf(view, options), { delay: checkAfterMs }),
  autocompletion({ override: [completing(options)], icons: false }),
  meanings(options),
  keymap.of([
    { key: 'Mod-s', preventDefault: true, run: () => (options.onSave(), true) },
    ...closeBracketsKeymap,
    ...defaultKeymap,
    ...searchKeymap,
    ...historyKeymap,
    ...completionKeymap,
    ...lintKeymap,
    indentWithTab,
  ]),
];

/** Of a place that may be past the end of a text that goes on changing. */
function offsetOf(doc: Text, line: number, column: number): number {
  const found = doc.line(Math.min(Math.max(1, line), doc.lines));
  return Math.min(found.from + Math.max(0, column - 1), found.to);
}

async function findingsOf({ state }: EditorView, { check }: PlanEditorOptions): Promise<readonly Diagnostic[]> {
  const found = (await check(state.sliceDoc())) ?? [];
  return found.map((one) => {
    const from = offsetOf(state.doc, one.line, one.column);
    const to = offsetOf(state.doc, one.end_line, one.end_column);
    return {
      from,
      to: Math.max(from, to),
      severity: one.severity,
      source: one.rule,
      message: wordsOf(one),
    };
  });
}

/** What a finding says, with what may have been meant. */
const wordsOf = ({ message, suggestion, remedy }: DiagnosticOutput): string =>
  plain(`${message}.${suggestion === null ? '' : ` Did you mean ${suggestion}?`} ${remedy}`);

const linesOf = (state: EditorState): string[] => state.doc.toJSON();

const completing =
  ({ schema }: PlanEditorOptions): CompletionSource =>
  ({ state, pos, explicit }) => {
    const root = schema();
    if (!root) return null;
    const line = state.doc.lineAt(pos);
    const { word, offers } = offersAt(root, linesOf(state), line.number - 1, pos - line.from);
    if (offers.length === 0 || (word === '' && !explicit)) return null;
    return {
      from: pos - word.length,
      options: offers.map(({ label, detail, info, insert, kind }) => ({
        label,
        detail,
        ...(info === '' ? {} : { info }),
        apply: insert,
        type: kind,
      })),
      validFor: /^[\w.-]*$/,
    };
  };

const meanings = ({ schema }: PlanEditorOptions): Extension =>
  hoverTooltip((view, pos) => {
    const root = schema();
    const line = view.state.doc.lineAt(pos);
    const found = root && meaningAt(root, linesOf(view.state), line.number - 1, pos - line.from);
    if (!found || found.text === '') return null;
    return {
      pos: line.from + found.from,
      end: line.from + found.to,
      create: () => {
        const dom = document.createElement('div');
        dom.textContent = `${found.key}${found.type === '' ? '' : ` (${found.type})`}\n${found.text}`;
        return { dom };
      },
    };
  });
