import type { JSX } from 'preact';
import type { HubRestore } from '../../../schemas/types.ts';
import { formatBytes } from '../../../view/format.ts';
import { useLive } from '../../client/live.ts';
import { plain, Text } from '../../design/text.tsx';
import { Time } from '../../design/time.tsx';

/** What a restore has made, and what to do next. */
export function Restored({ id }: { readonly id: string }): JSX.Element | null {
  const live = useLive<HubRestore>(`/api/v1/restores/${encodeURIComponent(id)}`, { topics: [`run:${id}`] });
  const data = live.data.value;
  if (data?.status !== 'complete') return null;
  const { machine, files, disks, created, directory } = data;
  return (
    <section class="block" aria-labelledby="restored">
      <h2 id="restored">What was restored</h2>
      <dl class="facts">
        <div>
          <dt>As it was</dt>
          <dd>
            <Time at={created} />
          </dd>
        </div>
        {machine ? (
          <div>
            <dt>VM</dt>
            <dd>
              <Text of={machine.name} /> <span class="soft">{plain(machine.place)}</span>
            </dd>
          </div>
        ) : null}
        {files ? (
          <div>
            <dt>Files</dt>
            <dd>
              {files.files}, {formatBytes(files.bytes)}, in <code>{plain(files.directory)}</code>
            </dd>
          </div>
        ) : null}
        {disks.map((disk) => (
          <div key={disk.disk}>
            <dt>{plain(disk.disk)}</dt>
            <dd>
              {disk.path === null ? null : <code>{plain(disk.path)}</code>}{' '}
              <span class="soft">
                {formatBytes(disk.bytes_total)}, {formatBytes(disk.bytes_written)} written
              </span>
            </dd>
          </div>
        ))}
      </dl>
      {machine?.notes.map((note) => (
        <p key={note}>{plain(note)}</p>
      ))}
      <p>
        <strong>Next:</strong> <Next restore={data} at={directory} />
      </p>
    </section>
  );
}

function Next({ restore, at }: { readonly restore: HubRestore; readonly at: string | null }): JSX.Element {
  const { machine, files } = restore;
  if (machine?.started === true) return <>it is started. Log in, and see whether all is there.</>;
  if (machine && machine.start !== null)
    return (
      <>
        start it on the hub: <code>{plain(machine.start)}</code>
      </>
    );
  if (machine) return <>look at its network cards in vSphere, then start it there.</>;
  if (files) return <>take the files to where they belong.</>;
  return at === null ? (
    <>use the disks where they are.</>
  ) : (
    <>
      look at the disks with <code>qemu-img info</code>, or give them to a VM.
    </>
  );
}
