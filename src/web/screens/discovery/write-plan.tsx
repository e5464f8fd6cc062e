import './write-plan.css';
import type { JSX } from 'preact';
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type {
  HubDiscoveredVm,
  HubPlanFile,
  HubPlanFiles,
  HubPlanProposal,
  HubSourcePlanRequest,
  PlanFileNew,
} from '../../../schemas/types.ts';
import { ask, type Trouble } from '../../client/ask.ts';
import { useLive } from '../../client/live.ts';
import { may } from '../../client/session.ts';
import { ActDialog } from '../../design/act-dialog.tsx';
import { Dialog } from '../../design/dialog.tsx';
import { ErrorNotice } from '../../design/notice.tsx';
import { plain } from '../../design/text.tsx';
import { go } from '../../shell/router.ts';

/** The source is asked for the VM again. */
const patienceMs = 180_000;

/** A word that a shell reads as it stands. */
const quoted = (word: string): string =>
  /^[\w./:@%+=-]+$/.test(word) ? word : `'${plain(word).replaceAll("'", `'\\''`)}'`;

export interface WritePlanProps {
  readonly source: string;
  /** Node that asked the source. */
  readonly node: string | null;
  readonly vm: HubDiscoveredVm;
}

/** Makes a plan for a VM: the hub writes its text, and saves it where the settings let plans be edited. */
export function WritePlan(props: WritePlanProps): JSX.Element {
  const open = useSignal(false);
  return (
    <>
      <button
        type="button"
        class="button small"
        aria-label={`Write a plan for ${plain(props.vm.name)}`}
        onClick={() => (open.value = true)}
      >
        Write a plan
      </button>
      {open.value ? <Proposal {...props} onClose={() => (open.value = false)} /> : null}
    </>
  );
}

function Proposal({ source, node, vm, onClose }: WritePlanProps & { onClose(): void }): JSX.Element {
  const proposal = useSignal<HubPlanProposal | undefined>(undefined);
  const trouble = useSignal<Trouble | undefined>(undefined);
  const files = useLive<HubPlanFiles>(may('plan') ? '/api/v1/plan-files' : null, { everyMs: 60_000 }).data.value;
  const which = vm.path ?? vm.name;
  const propose = async (): Promise<void> => {
    const body: HubSourcePlanRequest = { vm: which, ...(node === null ? {} : { node }) };
    const at = `/api/v1/sources/${encodeURIComponent(source)}/plan`;
    const answer = await ask<HubPlanProposal>(at, { method: 'POST', body, patienceMs });
    if (answer.ok === true) proposal.value = answer.body;
    trouble.value = answer.ok === false ? answer.trouble : undefined;
  };
  useEffect(() => {
    if (may('operate')) void propose();
  }, []);
  const title = `A plan for ${plain(vm.name)}`;
  const made = proposal.value;
  if (made && files?.editable) return <Save title={title} made={made} folder={files.folder} onClose={onClose} />;
  const command = `sendense-run discover ${quoted(source)} --vm=${quoted(which)} --write-plan`;
  return (
    <Dialog title={title} onClose={onClose} wide>
      <div class="act-form">
        {trouble.value ? <ErrorNotice error={trouble.value} alert /> : null}
        {made ? (
          <>
            <p>
              Save this as <code>{plain(made.file)}</code> in the folder of your plans. The hub’s settings do not let
              you save it here: <code>hub: editPlans</code>, and the right <code>plan</code>.
            </p>
            <ProposedText of={made} />
          </>
        ) : may('operate') && !trouble.value ? (
          <p role="status">The hub asks the source for the VM, and writes the plan…</p>
        ) : null}
        <p class="soft">On the hub, in the folder of your plans, this command writes it:</p>
        <pre class="mono proposed">{command}</pre>
        <div class="act-buttons">
          {made ? <Copy text={made.text} word="Copy the plan" /> : null}
          <Copy text={command} word="Copy the command" />
          <button type="button" class="button" onClick={onClose}>
            Close
          </button>
        </div>
      </div>
    </Dialog>
  );
}

interface SaveProps {
  readonly title: string;
  readonly made: HubPlanProposal;
  readonly folder: string;
  onClose(): void;
}

const Save = ({ title, made, folder, onClose }: SaveProps): JSX.Element => (
  <ActDialog<HubPlanFile>
    title={title}
    act="Save"
    wide
    onClose={onClose}
    onAct={(form) =>
      ask('/api/v1/plan-files', {
        method: 'POST',
        body: { file: String(form.get('file')).trim(), text: made.text } satisfies PlanFileNew,
      })
    }
    onDone={({ file }) => go(`/plan-files/${encodeURIComponent(file)}`)}
  >
    <label class="field">
      <span>File in {plain(folder)}</span>
      <input class="input mono" name="file" defaultValue={made.file} required spellcheck={false} autocomplete="off" />
    </label>
    <ProposedText of={made} />
    <p class="soft">Nothing is overwritten. The hub takes the plan up by itself; you can change it afterwards.</p>
  </ActDialog>
);

const ProposedText = ({ of }: { readonly of: HubPlanProposal }): JSX.Element => (
  <pre class="mono proposed" role="region" aria-label="Text of the plan" tabIndex={0}>
    {of.text.split('\n').map(plain).join('\n')}
  </pre>
);

/** A browser gives the clipboard to pages with TLS, and on the same machine. */
function Copy({ text, word }: { readonly text: string; readonly word: string }): JSX.Element | null {
  const done = useSignal(false);
  if (!('clipboard' in navigator)) return null;
  return (
    <button
      type="button"
      class="button"
      onClick={() => void navigator.clipboard.writeText(text).then(() => (done.value = true))}
    >
      {done.value ? 'Copied' : word}
    </button>
  );
}
