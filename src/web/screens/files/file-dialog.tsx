import type { JSX } from 'preact';
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { FilesStatOutput, RestorePointOutput } from '../../../schemas/types.ts';
import { formatBytes } from '../../../view/format.ts';
import type { Trouble } from '../../client/ask.ts';
import { downloadFile } from '../../client/downloads.ts';
import type { OpenPoint } from '../../client/open-point.ts';
import { Dialog } from '../../design/dialog.tsx';
import { Notice } from '../../design/notice.tsx';
import { plain, Text } from '../../design/text.tsx';
import { TroubleNotice } from '../../design/trouble.tsx';
import { Command } from './command.tsx';
import { timeOf } from './file-line.tsx';
import { wordOf } from './icons.tsx';
import { shownPath, stepsOf } from './path-bytes.ts';
import { Preview } from './preview.tsx';
import { rowOf } from './read-folder.ts';
import { Versions } from './versions.tsx';
import type { Where } from '../../shell/files-place.ts';

export interface FileDialogProps {
  readonly point: OpenPoint;
  readonly points: readonly RestorePointOutput[];
  readonly where: Where;
  onClose(): void;
}

type Shown = 'preview' | 'versions' | 'command' | null;

/** All that is known of a file, and what can be done with it. */
export function FileDialog({ point, points, where, onClose }: FileDialogProps): JSX.Element {
  const stat = useSignal<FilesStatOutput | undefined>(undefined);
  const trouble = useSignal<Trouble | undefined>(undefined);
  const shown = useSignal<Shown>(null);
  const { volume, file } = where;
  const place = { volume, path: file };
  useEffect(() => {
    const read = async (): Promise<void> => {
      const answer = await point.ask<FilesStatOutput>(`stat?${new URLSearchParams(place).toString()}`);
      if (answer.ok === true) stat.value = answer.body;
      else if (answer.ok === false) trouble.value = answer.trouble;
    };
    void read();
  }, [point, volume, file]);
  const name = stepsOf(file).at(-1)?.name ?? '';
  const entry = stat.value?.entry;
  const isFile = entry?.type === 'file';
  const tab = (value: Exclude<Shown, null>, word: string): JSX.Element => (
    <button
      type="button"
      class="button"
      aria-pressed={shown.value === value}
      onClick={() => (shown.value = shown.value === value ? null : value)}
    >
      {word}
    </button>
  );
  return (
    <Dialog title={plain(name)} wide onClose={onClose}>
      <div class="act-form">
        <TroubleNotice of={trouble.value} />
        {stat.value ? <Facts of={stat.value} /> : trouble.value ? null : <p class="soft">Asking…</p>}
        {stat.value?.warnings.map((warning) => (
          <Notice key={warning} tone="warn">
            <span>{plain(warning)}</span>
          </Notice>
        ))}
        <div class="act-buttons">
          {isFile ? (
            <>
              <button type="button" class="button primary" onClick={() => void downloadFile(point, name, place)}>
                Download
              </button>
              {tab('preview', 'Preview')}
            </>
          ) : null}
          {tab('versions', 'Versions')}
          {tab('command', 'The command for this')}
          <button type="button" class="button" onClick={onClose}>
            Close
          </button>
        </div>
        {shown.value === 'preview' && entry ? <Preview point={point} volume={volume} entry={entry} /> : null}
        {shown.value === 'versions' ? <Versions points={points} where={where} /> : null}
        {shown.value === 'command' ? (
          <Command where={where} paths={[file]} onClose={() => (shown.value = null)} />
        ) : null}
      </div>
    </Dialog>
  );
}

function Facts({ of: { entry, xattrs } }: { readonly of: FilesStatOutput }): JSX.Element {
  const facts: readonly (readonly [name: string, value: JSX.Element | string])[] = [
    ['Path', <Text of={`/${shownPath(entry.id)}`} />],
    ['Type', wordOf(entry.type)],
    ...(entry.type === 'file' ? [['Size', `${formatBytes(entry.size)} (${entry.size} B)`] as const] : []),
    ...(entry.target === null ? [] : [['Leads to', <Text of={entry.target} />] as const]),
    ['Changed', timeOf(rowOf(entry))],
    ['Mode', <code>{entry.mode}</code>],
    ['Owner', `${entry.uid}:${entry.gid}`],
    ...(entry.links > 1 && entry.type !== 'folder' ? [['Names of it', String(entry.links)] as const] : []),
    ...(xattrs.length === 0 ? [] : [['Attributes', <Text of={xattrs.map(({ name }) => name).join(', ')} />] as const]),
  ];
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
