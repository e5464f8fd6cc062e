import type { JSX } from 'preact';
import { formatBytes } from '../../../view/format.ts';
import { dismiss, downloads, type Download } from '../../client/downloads.ts';
import { ErrorNotice, Notice } from '../../design/notice.tsx';
import { plain } from '../../design/text.tsx';

/** What the browser saves, and what became of it: a download that breaks off cannot say why by itself. */
export function Downloads(): JSX.Element | null {
  if (downloads.value.length === 0) return null;
  return (
    <ul class="downloads" aria-label="Downloads" aria-live="polite">
      {downloads.value.map((one) => (
        <li key={one.key}>
          <OneDownload of={one} />
          <button
            type="button"
            class="button quiet small"
            aria-label={`Dismiss ${one.name}`}
            onClick={() => dismiss(one.key)}
          >
            Dismiss
          </button>
        </li>
      ))}
    </ul>
  );
}

function OneDownload({ of: { name, transfer, trouble } }: { readonly of: Download }): JSX.Element {
  const shown = plain(name);
  const error = transfer?.error ?? (transfer ? undefined : trouble);
  if (error)
    return (
      <div>
        <strong>
          {transfer ? `${shown} broke off after ${formatBytes(transfer.bytes)}` : `${shown} did not begin`}
        </strong>
        <ErrorNotice error={error} />
      </div>
    );
  const left = transfer?.left_out ?? [];
  if (left.length > 0)
    return (
      <Notice tone="warn">
        <strong>{shown}: not in the archive, or not whole</strong>
        <ul class="left-out">
          {left.map((line, index) => (
            <li key={index}>{plain(line)}</li>
          ))}
        </ul>
      </Notice>
    );
  if (!transfer) return <span>{shown}: asking the hub…</span>;
  return (
    <span>
      {shown}: {transfer.ended === null ? 'downloading' : 'handed over'}, {formatBytes(transfer.bytes)}
    </span>
  );
}
