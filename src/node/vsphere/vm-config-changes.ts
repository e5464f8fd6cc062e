import type { VmConfig, VmSpecChange } from '../../schemas/types.ts';

type Json = VmSpecChange['before'];
type Kind = VmSpecChange['kind'];

/** What each part of a configuration is about. Null: it says how the configuration was read, not how the VM is set up. */
const kinds: { readonly [K in keyof Required<VmConfig>]: Kind | null } = {
  format: null,
  taken: null,
  vsphere: null,
  secrets_dropped: null,
  warnings: null,
  // Written anew by vSphere whenever the VM starts; what they say of the set-up is said by the other parts.
  vmx: null,
  nvram: null,
  name: 'identity',
  moref: 'identity',
  instance_uuid: 'identity',
  bios_uuid: 'identity',
  path: 'placement',
  datacenter: 'placement',
  folder: 'placement',
  resource_pool: 'placement',
  host: 'placement',
  guest_id: 'hardware',
  guest_name: 'hardware',
  hardware_version: 'hardware',
  cpu: 'hardware',
  memory: 'hardware',
  controllers: 'hardware',
  firmware: 'firmware',
  secure_boot: 'firmware',
  boot: 'firmware',
  security: 'firmware',
  disks: 'disks',
  networks: 'networks',
  others: 'devices',
  annotation: 'settings',
  change_tracking: 'settings',
  vapp: 'settings',
  extra_config: 'settings',
};

/** Keys of extra_config that vSphere and the guest write while the VM runs. */
const passing =
  /^(?:guestinfo\.|guestOS\.detailed|guestInfo\.detailed|migrate\.|vmotion\.|toolsInstallManager\.|vmware\.tools\.|numa\.autosize\.|monitor\.|checkpoint\.|replay\.|softPowerOff$|cleanShutdown$|sched\.swap\.derivedName$|viv\.moid$|vmci0\.id$)|\.pciSlotNumber$/i;

/**
 * How a VM's configuration differs from one of before: in what somebody set up, not in what changes by itself while it runs.
 * Sorted by path, so that the same two configurations always give the same answer.
 */
export function vmConfigChanges(before: VmConfig, after: VmConfig): VmSpecChange[] {
  const changes = (Object.keys(kinds) as (keyof VmConfig)[]).flatMap((part) => {
    const kind = kinds[part];
    if (kind === null) return [];
    return differences(`/${part}`, comparable(part, before), comparable(part, after)).map((change) => ({
      path: change.path,
      kind,
      change: change.change,
      before: change.before,
      after: change.after,
    }));
  });
  return changes.toSorted((a, b) => (a.path < b.path ? -1 : Number(a.path > b.path)));
}

type Difference = Omit<VmSpecChange, 'kind'>;

/** Elements of a list by what names them: their order means nothing, apart from that of boot devices. */
function comparable(part: keyof VmConfig, config: VmConfig): Json {
  switch (part) {
    case 'networks':
      // Whether it is connected at this moment; `start_connected` is the setting.
      return byName(
        config.networks.map((network) => ({ ...network, connected: null })),
        ({ key }) => key,
      );
    case 'disks':
    case 'controllers':
    case 'others':
      return byName<{ readonly key: number }>(config[part], ({ key }) => key);
    case 'vapp':
      return byName(config.vapp, ({ id }) => id);
    case 'extra_config':
      return Object.fromEntries(
        config.extra_config.filter(({ key }) => !passing.test(key)).map(({ key, value }) => [key, value]),
      );
    default:
      return config[part] as Json;
  }
}

const byName = <T extends object>(list: readonly T[], nameOf: (one: T) => string | number): Json =>
  Object.fromEntries(list.map((one) => [nameOf(one), one]));

function differences(path: string, before: Json | undefined, after: Json | undefined): Difference[] {
  if (isObject(before) && isObject(after)) {
    const names = new Set([...Object.keys(before), ...Object.keys(after)]);
    return [...names].flatMap((name) => differences(`${path}/${escaped(name)}`, own(before, name), own(after, name)));
  }
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  const change = before === undefined ? 'added' : after === undefined ? 'removed' : 'changed';
  return [{ path, change, before: before ?? null, after: after ?? null }];
}

const isObject = (value: Json | undefined): value is Record<string, Json> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const own = (value: Readonly<Record<string, Json>>, name: string): Json | undefined =>
  Object.hasOwn(value, name) ? value[name] : undefined;

/** RFC 6901. */
const escaped = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');
