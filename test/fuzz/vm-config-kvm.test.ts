import fc from 'fast-check';
import { XMLValidator } from 'fast-xml-parser';
import { machineOf } from '../../src/machines/machine-of.ts';
import type { VmConfig } from '../../src/schemas/types.ts';
import { validatorOf } from '../../src/schemas/validator.ts';
import { cardsOf } from '../../src/targets/kvm/cards.ts';
import { domainXml } from '../../src/targets/kvm/domain-xml.ts';
import type { PlannedVm } from '../../src/targets/kvm/plan-vm.ts';
import { startScript } from '../../src/targets/kvm/start-script.ts';
import { pointDisks, savedCard, savedConfig, savedController, savedDisk } from '../machines/saved-config.ts';
import { fuzz, judge } from './harness.ts';
import { hostileText } from './hostile.ts';
import { changedValue } from './hostile-json.ts';

/** A configuration in the form of the schema, with what others may have written in its place. */
const texts = hostileText.chain((text) =>
  fc.integer().map((number) =>
    savedConfig({
      name: text,
      guest_id: text,
      bios_uuid: text,
      firmware: 'efi',
      controllers: [savedController(1000, text, number), savedController(1001, 'VirtualIDEController', number % 3)],
      disks: [
        savedDisk(0, { label: text, address: text, unit: number }),
        savedDisk(1, { controller_key: 1001, unit: number }),
      ],
      networks: [savedCard({ type: text, mac: text, network: text }), savedCard({ mac: `00:50:56:9a:1b:2c${text}` })],
      others: [
        {
          key: 1,
          type: text,
          label: text,
          summary: text,
          controller_key: 1,
          unit: 1,
          backing: text,
          start_connected: null,
        },
      ],
      boot: { ...savedConfig().boot, order: [text, `disk ${number}`] },
      extra_config: [{ key: 'bios.hddOrder', value: text }],
    }),
  ),
);

/** Letters of words that no shell takes for anything else. */
const plainLine = /^ {2}[A-Za-z0-9 ._/:=,-]+ \\$/;
const files = new Map([
  [0, '/vm/disk-0.qcow2'],
  [1, '/vm/disk-1.qcow2'],
]);

fuzz<unknown>('a saved configuration, up to a VM for KVM', {
  sound: [savedConfig()],
  input: fc.oneof(texts, changedValue(fc.constant(savedConfig({ disks: [savedDisk(0), savedDisk(1)] })))),
  attempt: async (value) => {
    if (!validatorOf('vm-config.json')(value)) return false;
    const { accepted: machine } = await judge(() =>
      machineOf({
        config: value as VmConfig,
        disks: pointDisks(2),
        wanted: {},
        vmName: 'pgtest1',
        firmwareByDisk: 'bios',
      }),
    );
    if (!machine) return false;
    const uefi = machine.firmware === 'efi' ? { code: '/ovmf/code.fd', template: '/ovmf/vars.fd' } : null;
    const cards = cardsOf(machine, { connect: false, mac: 'keep' }, 'run-1');
    const vm: PlannedVm = {
      machine,
      cards,
      uefi,
      uuid: machine.biosUuid ?? '0',
      point: 'p',
      runId: 'run-1',
      notes: [],
      isWindows: false,
      agent: true,
    };
    const lines = startScript(vm, files)
      .split('\n')
      .filter(
        (line) =>
          !/^(?:#|exec |set |CDPATH= cd |qemu=|accel=|cpu=|kvm_works\(\) \{$|  \[ -w |    -no-reboot |    grep |\}$|$)/.test(
            line,
          ),
      );
    const odd = lines.find((line) => !plainLine.test(line) && line !== '  "$@"');
    if (odd !== undefined) throw new Error(`the script has ${odd}`);
    const valid = XMLValidator.validate(domainXml(vm, { disks: files, variables: '/vm/vars.fd' }, true));
    if (valid !== true) throw new Error(`the XML is wrong: ${valid.err.msg}`);
    return true;
  },
});
