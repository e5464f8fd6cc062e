import { SendenseError } from '../../../errors/sendense-error.ts';
import { downloadDatastoreFile } from '../download-datastore-file.ts';
import { putDatastoreFile } from '../put-datastore-file.ts';
import type { TransportContext } from '../transports/transport.ts';
import type { Vsphere } from '../vsphere.ts';
import { list, optionalText, text, type Moref } from '../xml.ts';

/**
 * Puts the memory of the firmware into the folder of a VM that was never started, and reads it again. An EFI guest may not boot
 * without it.
 * @param datacenter inventory path without the first slash
 * @throws SendenseError `vsphere.*`, `source.missing`, `transport.unsafe` where something else is there afterwards
 */
export async function putNvram(
  vsphere: Vsphere,
  context: TransportContext,
  { object, datacenter, content }: { readonly object: Moref; readonly datacenter: string; readonly content: Buffer },
): Promise<void> {
  const { signal } = context;
  const paths = ['config.files.vmPathName', 'config.extraConfig'];
  const [shown] = await vsphere.properties([object], paths, signal ? { signal } : {});
  const vmx = text(shown?.values.get('config.files.vmPathName'));
  const named = list(shown?.values.get('config.extraConfig'), 'OptionValue').find(
    (one) => optionalText(one, 'key') === 'nvram',
  );
  const file = fileOf(vmx, named && optionalText(named, 'value'));
  await putDatastoreFile(context, datacenter, file, content, signal);
  const there = await downloadDatastoreFile(context, datacenter, file, content.length, signal);
  if (!there.equals(content))
    throw new SendenseError('transport.unsafe', `${file} does not hold the NVRAM that was written`);
  if (named === undefined) await nameNvram(vsphere, object, file.slice(file.lastIndexOf('/') + 1), signal);
}

/** Beside the .vmx file, under the name that the VM has for it. */
function fileOf(vmx: string, name: string | undefined): string {
  const folder = vmx.slice(0, vmx.lastIndexOf('/') + 1);
  const isPlain = name !== undefined && name !== '' && !/[/\\[\]]/.test(name);
  return isPlain ? folder + name : vmx.replace(/\.vmx$/, '.nvram');
}

async function nameNvram(
  vsphere: Vsphere,
  object: Moref,
  name: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const extraConfig = {
    xsiType: 'OptionValue',
    fields: [
      ['key', 'nvram'],
      ['value', { string: name }],
    ],
  } as const;
  await vsphere.task(
    'ReconfigVM_Task',
    object,
    [['spec', { fields: [['extraConfig', extraConfig]] }]],
    signal ? { signal } : {},
  );
}
