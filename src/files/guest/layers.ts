import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { Device } from './devices.ts';
import { GuestError } from './guest-error.ts';
import { KernelLog } from './kernel-log.ts';
import { cryptModules, loadModules } from './modules.ts';
import { run } from './programs.ts';

const lvmFolder = '/tmp/lvm';

/** What lies on devices of one type and makes devices of its own, or why it makes none. */
export interface Made {
  readonly devices: readonly Device[];
  /** By path of a device below: what is wrong. */
  readonly notes: ReadonlyMap<string, string>;
}

/** RAID arrays of md, also where members are missing. */
export async function assembleArrays(members: readonly string[]): Promise<Made> {
  await loadModules('md-mod', 'linear', 'raid0', 'raid1', 'raid10', 'raid456');
  writeFileSync('/tmp/mdadm.conf', `DEVICE ${members.join(' ')}\nHOMEHOST <ignore>\n`);
  const { status, said } = await run('mdadm', ['--assemble', '--scan', '--run', '--config=/tmp/mdadm.conf']);
  const names = readdirSync('/sys/class/block').filter((name) => /^md\d+$/.test(name));
  const devices: Device[] = [];
  for (const name of names) {
    const sectors = Number(readFileSync(`/sys/class/block/${name}/size`, 'utf8'));
    if (sectors === 0) continue;
    const degraded = Number(readOr('0', `/sys/class/block/${name}/md/degraded`));
    const note =
      degraded > 0 ? `${degraded} of the members of this array ${degraded === 1 ? 'is' : 'are'} missing` : null;
    devices.push({ id: await arrayName(name), path: `/dev/${name}`, bytes: sectors * 512, note });
  }
  const why = status === 127 ? 'mdadm is missing: apt install mdadm' : said;
  return { devices, notes: new Map(devices.length > 0 ? [] : members.map((path) => [path, why])) };
}

/** As the VM called it: `md/0` of `vm:0`, `md/data` of `vm:data`. Metadata 0.90 has no names: then the number that it got here. */
async function arrayName(name: string): Promise<string> {
  const { out } = await run('mdadm', ['--detail', '--export', `/dev/${name}`]);
  const own = /^MD_NAME=(?:.*:)?([\w.-]+)$/m.exec(out.toString())?.[1];
  return `md/${own ?? name.replace('md', '')}`;
}

function readOr(otherwise: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return otherwise;
  }
}

/** Logical volumes of LVM that can be read. */
export async function activateLvm(members: readonly string[]): Promise<Made> {
  await loadModules('dm-mod', 'dm-thin-pool', 'dm-mirror', 'dm-raid', 'dm-snapshot', 'dm-cache');
  mkdirSync(lvmFolder, { recursive: true });
  writeFileSync(`${lvmFolder}/lvm.conf`, lvmConfig(members));
  process.env['LVM_SYSTEM_DIR'] = lvmFolder;
  const { status, said } = await run('lvm', ['vgchange', '--activate', 'y', '--activationmode', 'degraded']);
  if (status === 127)
    return { devices: [], notes: new Map(members.map((path) => [path, 'lvm is missing: apt install lvm2'])) };
  const columns = 'vg_name,lv_name,lv_path,lv_size,lv_active,lv_layout';
  const form = ['--noheadings', '--nameprefixes', '--unquoted', '--separator', separator, '--units', 'b', '--nosuffix'];
  const { out } = await run('lvm', ['lvs', ...form, '-o', columns]);
  const devices = volumesIn(out.toString());
  return { devices, notes: new Map(devices.length > 0 || said === '' ? [] : members.map((path) => [path, said])) };
}

const separator = '|';
const row =
  /^\s*LVM2_VG_NAME=([\w.+-]+)\|LVM2_LV_NAME=([\w.+-]+)\|LVM2_LV_PATH=([^|]+)\|LVM2_LV_SIZE=(\d+)\|LVM2_LV_ACTIVE=active\|LVM2_LV_LAYOUT=([^|]*)$/;

/** Active volumes of a list; where metadata is damaged, LVM writes other lines between its rows. Source: lvs(8). */
export const volumesIn = (text: string): Device[] =>
  text
    .split('\n')
    .map((line) => row.exec(line))
    .filter((found) => found !== null && !/\bpool\b/.test(found[5] ?? ''))
    .map((found) => {
      const [, group = '', name = '', path = '', size = ''] = found ?? [];
      return { id: `${group}/${name}`, path, bytes: Number(size), note: null };
    });

/** Only devices of the restore point, and nothing that waits for udev, which the guest has not. */
const lvmConfig = (members: readonly string[]): string => `devices {
  dir="/dev" scan=["/dev"] use_devicesfile=0 obtain_device_list_from_udev=0 external_device_info_source="none"
  filter=[${members.map((path) => `"a|^${path}$|"`).join(',')},"r|.*|"] global_filter=["a|.*|"]
}
global { use_lvmetad=0 use_lvmpolld=0 use_lvmlockd=0 event_activation=0 thin_check_executable="" cache_check_executable="" locking_dir="/run" }
activation { udev_sync=0 udev_rules=0 verify_udev_operations=0 monitoring=0 }
backup { backup=0 archive=0 }
`;

const rightKey = 0;
const wrongKey = 2;

/** @throws GuestError `locked` where the passphrase is another one */
export async function openLuks(device: Device, passphrase: string): Promise<Device> {
  await loadModules(...cryptModules);
  mkdirSync('/run/cryptsetup', { recursive: true });
  const name = `open-${device.id.replaceAll('/', '-')}`;
  const args = ['open', '--type', 'luks', '--key-file', '-', '--disable-keyring', device.path, name];
  using log = new KernelLog();
  const { status, said } = await run('cryptsetup', args, passphrase);
  if (status === wrongKey) throw new GuestError('locked', `${device.id}: the passphrase is another one`);
  if (status === 127) throw new GuestError('locked', `${device.id}: cryptsetup is missing: apt install cryptsetup-bin`);
  if (status !== rightKey) throw new GuestError('damaged', `${device.id}: ${[said, ...log.lines()].join('; ')}`);
  return { ...device, path: `/dev/mapper/${name}` };
}
