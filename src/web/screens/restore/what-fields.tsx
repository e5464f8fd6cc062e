import type { JSX } from 'preact';
import { useSignal } from '@preact/signals';
import type { RestorePointOutput } from '../../../schemas/types.ts';
import { formatBytes } from '../../../view/format.ts';
import { Text } from '../../design/text.tsx';
import { linkToFiles } from '../../shell/links.ts';

export interface WhatFieldsProps {
  readonly point: RestorePointOutput;
  /** Only the whole VM can be had. */
  readonly whole: boolean;
}

/** The whole VM, or some of its disks; files have a screen of their own. */
export function WhatFields({ point, whole }: WhatFieldsProps): JSX.Element {
  const some = useSignal(false);
  const files = linkToFiles(point.vm, point.backup_id);
  return (
    <fieldset class="part">
      <legend>What</legend>
      <div class="ways">
        <label>
          <input
            type="radio"
            name="what"
            value="all"
            checked={whole || !some.value}
            onChange={() => (some.value = false)}
          />{' '}
          The whole VM
        </label>
        <label>
          <input
            type="radio"
            name="what"
            value="disks"
            checked={!whole && some.value}
            disabled={whole}
            onChange={() => (some.value = true)}
          />{' '}
          Some of its disks
        </label>
        {files === null ? null : <a href={files}>Files of it</a>}
      </div>
      {!whole && some.value ? (
        <ul class="disk-choices">
          {point.disks.map(({ disk, capacity_bytes: bytes }) => (
            <li key={disk}>
              <label>
                <input type="checkbox" name="disk" value={disk.replace('disk-', '')} /> <Text of={disk} />{' '}
                <span class="soft">{formatBytes(bytes)}</span>
              </label>
            </li>
          ))}
        </ul>
      ) : null}
    </fieldset>
  );
}
