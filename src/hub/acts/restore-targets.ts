import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { HubRestoreTargets } from '../../schemas/types.ts';
import { vsphereNames } from '../../sources/vsphere/as-vsphere.ts';
import { formatNames } from '../../targets/directory/formats.ts';
import type { RestorePlaces } from './restore-plan.ts';

/** Where restores over HTTP can go, as far as the settings say. */
export async function restoreTargets({
  settings,
  settingsFolder,
}: Pick<RestorePlaces, 'settings' | 'settingsFolder'>): Promise<HubRestoreTargets> {
  const places = settings.hub.restoreTo.map((place) => resolve(settingsFolder, place));
  const areDevices = await Promise.all(places.map(isDevice));
  return {
    version: 1,
    folders: places.filter((_, index) => areDevices[index] === false),
    devices: places.filter((_, index) => areDevices[index] === true),
    formats: [...formatNames],
    vspheres: vsphereNames(settings),
    nodes: Object.keys(settings.nodes),
  };
}

/** A device that is not plugged in is one, too. */
const isDevice = (place: string): Promise<boolean> =>
  stat(place).then(
    (found) => found.isBlockDevice(),
    () => place.startsWith('/dev/'),
  );
