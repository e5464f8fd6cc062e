import './plan-file.css';
import type { JSX } from 'preact';
import { useSignal, type Signal } from '@preact/signals';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { HubPlanFile } from '../../../schemas/types.ts';
import { ask } from '../../client/ask.ts';
import { useLive } from '../../client/live.ts';
import { ActDialog } from '../../design/act-dialog.tsx';
import { Crumbs } from '../../design/crumbs.tsx';
import { absolute, now } from '../../design/moment.ts';
import { Notice } from '../../design/notice.tsx';
import { plain } from '../../design/text.tsx';
import { TroubleNotice } from '../../design/trouble.tsx';
import type { PlanEditor } from '../../editor/plan-editor.ts';
import { go, place, setQuery } from '../../shell/router.ts';
import type { ScreenProps } from '../../shell/screens.ts';
import { useTitle } from '../../shell/titled.ts';
import { RunNow } from '../plans/run-now.tsx';
import { Ahead } from './ahead.tsx';
import { Conflict } from './conflict.tsx';
import { Leaving } from './leaving.tsx';
import { newPlan } from './new-plan.ts';
import { createPlanDraft, type PlanDraft } from './plan-draft.ts';
import { PlanText } from './plan-text.tsx';
import { Problems } from './problems.tsx';
import { planInText } from './plan-in-text.ts';
import { SavePlan } from './save-plan.tsx';

/** An editor of a plan file, or of one that is to be made. */
export function PlanFileScreen({ params }: ScreenProps): JSX.Element {
  const file = params['file'] ?? null;
  return <PlanFile key={file ?? ''} file={file} />;
}

type Open = 'save' | 'conflict' | 'remove' | 'run' | null;

function PlanFile({ file }: { readonly file: string | null }): JSX.Element {
  const draft = useMemo(() => createPlanDraft(file ?? ''), [file]);
  const name = useSignal(file ?? place.peek().query.get('name') ?? 'new.yaml');
  const open = useSignal<Open>(null);
  const saved = useSignal<number | null>(null);
  const editor = useRef<PlanEditor | null>(null);
  const at = file === null ? null : `/api/v1/plan-files/${encodeURIComponent(file)}`;
  const live = useLive<HubPlanFile>(at, { topics: ['status'] });
  const there = file === null ? newPlan : live.data.value;
  useTitle(file === null ? 'New plan' : plain(file));
  useEffect(() => {
    const shown = there && draft.saw(there);
    if (shown !== undefined) editor.current?.setText(shown);
  }, [there]);
  const plan = planInText(draft.text.value);
  const show = (text: string): void => {
    editor.current?.setText(text);
    draft.type(text);
  };
  return (
    <>
      <Head file={file} draft={draft} name={name} saved={saved} onOpen={(what) => (open.value = what)} />
      <TroubleNotice of={live.trouble.value} />
      <Notices
        draft={draft}
        onCompare={() => (open.value = 'conflict')}
        onDrop={() => show(draft.base.peek()?.text ?? '')}
      />
      {draft.base.value ? (
        <div class="plan-file">
          <div>
            <PlanText
              draft={draft}
              label={file === null ? 'Text of the new plan' : `Text of ${plain(file)}`}
              fileName={() => name.peek()}
              onSave={() => draft.dirty.peek() && (open.value = firstOf(draft))}
              onEditor={(one) => (editor.current = one)}
            />
            <p class="plan-file-foot">
              <kbd>Tab</kbd> indents; <kbd>Esc</kbd>, then <kbd>Tab</kbd> leaves the editor. <kbd>Ctrl</kbd>+
              <kbd>Space</kbd> completes, <kbd>Ctrl</kbd>+<kbd>F</kbd> searches, <kbd>Ctrl</kbd>+<kbd>S</kbd> saves.
            </p>
          </div>
          <div>
            <Problems
              of={file === null && !draft.dirty.value ? [] : draft.problems.value}
              onGo={(line, column) => editor.current?.goTo(line, column)}
            />
            <Ahead text={draft.text.value} fileName={() => name.peek()} />
          </div>
        </div>
      ) : null}
      <Leaving dirty={draft.dirty} />
      {open.value === 'save' ? (
        <SavePlan
          draft={draft}
          file={file}
          name={name.value}
          onClose={() => (open.value = null)}
          onConflict={() => {
            live.again();
            open.value = 'conflict';
          }}
          onSaved={(version) => {
            draft.startFrom(version);
            saved.value = Date.now();
            if (file === null) go(`/plan-files/${encodeURIComponent(version.file)}`, { replace: true });
            else live.again();
          }}
        />
      ) : null}
      {open.value === 'conflict' && draft.theirs.value && draft.base.value ? (
        <Conflict
          name={name.value}
          mine={draft.text.value}
          base={draft.base.value}
          theirs={draft.theirs.value}
          onClose={() => (open.value = null)}
          onTheirs={() => {
            const theirs = draft.theirs.peek();
            if (theirs) draft.startFrom(theirs);
            show(theirs?.text ?? '');
            open.value = null;
          }}
          onMine={() => {
            const theirs = draft.theirs.peek();
            if (theirs) draft.startFrom(theirs);
            open.value = 'save';
          }}
        />
      ) : null}
      {open.value === 'run' && plan ? <RunNow plan={plan} onClose={() => (open.value = null)} /> : null}
      {open.value === 'remove' && at !== null ? (
        <ActDialog
          title={`Remove ${plain(name.value)}?`}
          act="Remove"
          destroys
          onClose={() => (open.value = null)}
          onAct={() => ask(at, { method: 'DELETE', ifMatch: draft.base.peek()?.etag })}
          onDone={() => {
            draft.type(draft.base.peek()?.text ?? '');
            go('/plans', { leave: true });
          }}
        >
          <p class="soft">Its plan is scheduled no more. Its restore points stay.</p>
        </ActDialog>
      ) : null}
    </>
  );
}

/** What somebody else is known to have saved is compared before one's own text is saved. */
const firstOf = (draft: PlanDraft): Open => (draft.theirs.peek() ? 'conflict' : 'save');

interface HeadProps {
  readonly file: string | null;
  readonly draft: PlanDraft;
  readonly name: Signal<string>;
  readonly saved: Signal<number | null>;
  onOpen(what: Open): void;
}

function Head({ file, draft, name, saved, onOpen }: HeadProps): JSX.Element {
  const dirty = draft.dirty.value;
  return (
    <header>
      <Crumbs of={[{ title: 'Plans', to: '/plans' }]} />
      <div class="page-head">
        <h1>{file === null ? 'New plan' : plain(file)}</h1>
        <span class="plan-acts">
          <span class="soft" role="status">
            {dirty ? 'Not saved' : saved.value === null ? '' : `Saved ${absolute(saved.value, now.value)}`}
          </span>
          {file === null ? null : (
            <>
              <button type="button" class="button" onClick={() => onOpen('remove')}>
                Remove…
              </button>
              {!dirty && planInText(draft.text.value) ? (
                <button type="button" class="button" onClick={() => onOpen('run')}>
                  Run now…
                </button>
              ) : null}
            </>
          )}
          <button
            type="button"
            class="button primary"
            disabled={!dirty}
            title={dirty ? undefined : 'Nothing was typed that is not saved.'}
            onClick={() => onOpen(firstOf(draft))}
          >
            Save…
          </button>
        </span>
      </div>
      {file === null ? (
        <label class="field">
          <span>File, below the folder of the plans</span>
          <input
            class="input"
            value={name.value}
            spellcheck={false}
            onInput={(event) => {
              name.value = event.currentTarget.value.trim();
              setQuery({ name: name.value });
            }}
          />
        </label>
      ) : null}
    </header>
  );
}

interface NoticesProps {
  readonly draft: PlanDraft;
  onCompare(): void;
  onDrop(): void;
}

const Notices = ({ draft, onCompare, onDrop }: NoticesProps): JSX.Element | null => {
  if (draft.theirs.value)
    return (
      <Notice tone="warn" alert>
        <strong>Somebody else has saved this file since you read it.</strong>
        <span>
          <button type="button" class="button small" onClick={onCompare}>
            Compare
          </button>
        </span>
      </Notice>
    );
  if (draft.cameBack.value !== null && draft.dirty.value)
    return (
      <Notice tone="idle">
        <strong>Your text of {absolute(draft.cameBack.value, now.value)} is here, and is not saved.</strong>
        <span>
          <button type="button" class="button small" onClick={onDrop}>
            Go back to the saved text
          </button>
        </span>
      </Notice>
    );
  return null;
};
