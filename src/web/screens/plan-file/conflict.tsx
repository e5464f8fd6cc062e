import type { JSX } from 'preact';
import { Diff } from '../../design/diff.tsx';
import { Dialog } from '../../design/dialog.tsx';
import { plain } from '../../design/text.tsx';
import type { Version } from './plan-draft.ts';

export interface ConflictProps {
  readonly name: string;
  readonly mine: string;
  readonly base: Version;
  readonly theirs: Version;
  onClose(): void;
  /** The editor goes on with theirs. */
  onTheirs(): void;
  /** Mine is to take the place of theirs. */
  onMine(): void;
}

/** Two have changed one file: both texts, and the choice. */
export const Conflict = ({ name, mine, base, theirs, onClose, onTheirs, onMine }: ConflictProps): JSX.Element => (
  <Dialog title={`Somebody else has saved ${plain(name)}`} onClose={onClose} wide>
    <div class="act-form">
      <p>Nothing is lost: your text is in the editor, theirs is on the hub.</p>
      <h3>What they changed</h3>
      <Diff label="What they changed" before={base.text} after={theirs.text} />
      <h3>What you would change in theirs</h3>
      <Diff label="What you would change in theirs" before={theirs.text} after={mine} />
      <div class="act-buttons">
        <button type="button" class="button primary" onClick={onClose}>
          Go on editing mine
        </button>
        <button type="button" class="button" onClick={onMine}>
          Save mine over theirs…
        </button>
        <button type="button" class="button" onClick={onTheirs}>
          Take theirs, drop mine
        </button>
      </div>
    </div>
  </Dialog>
);
