import type { CommandDefinition } from '../command.ts';

export const init: CommandDefinition = {
  name: 'init',
  summary: 'Make sendense.yaml and a first plan here',
  description: [
    'Writes sendense.yaml and a first plan to this folder, for disk images of one VM or for a VM of a vCenter. Then it names your next three commands. On a terminal it asks for values that the options do not give.',
    'It never overwrites a file, never uses the network, and reads no password: `sendense-run credentials add` stores that.',
  ],
  arguments: [],
  options: [
    {
      flags: '--image <file>',
      description: 'disk image of the VM; repeat it for each disk',
      repeats: true,
      completes: 'files',
    },
    { flags: '--vcenter <host>', description: 'vCenter or ESXi host that has the VM', completes: 'nothing' },
    {
      flags: '--thumbprint <digest>',
      description: 'thumbprint of the certificate of the vCenter, if no certificate authority signed it',
      completes: 'nothing',
    },
    { flags: '--vm <name>', description: 'name of the VM (default: that of the first image)', completes: 'nothing' },
    {
      flags: '--repository <folder>',
      description: 'folder for the restore points (default: ./repository)',
      completes: 'folders',
    },
  ],
  examples: [
    { command: 'sendense-run init', description: 'Asks for each value' },
    {
      command: 'sendense-run init --image /var/lib/libvirt/images/web.qcow2 --repository /srv/backup',
      description: 'An image',
    },
    { command: 'sendense-run init --vcenter vcenter.example.com --vm web', description: 'A VM of a vCenter' },
  ],
  exitCodes: [0, 1, 2],
  files: [
    ['sendense.yaml', 'The settings.'],
    ['<vm>-nightly.yaml', 'The plan.'],
  ],
  seeAlso: ['validate', 'plan', 'run', 'discover', 'credentials'],
  load: () => import('../actions/init.ts'),
};
