"""An independent client (Debian: python3-pyvmomi) that looks at the test vCenter: port, user, machine, stream-optimized VMDK of 1 MiB;
password on stdin."""
import json
import ssl
import sys
import urllib.request

from pyVim.connect import Disconnect, SmartConnect
from pyVim.task import WaitForTask
from pyVmomi import vim

port, user, name, stream = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
password = sys.stdin.read()
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE


def disks(config):
    return [d for d in config.hardware.device if isinstance(d, vim.vm.device.VirtualDisk)]


connection = SmartConnect(host='127.0.0.1', port=port, user=user, pwd=password, sslContext=context)
content = connection.RetrieveContent()
view = content.viewManager.CreateContainerView(content.rootFolder, [vim.VirtualMachine], True)
vm = [v for v in view.view if v.name == name][0]
seen = {'vms': sorted(v.name for v in view.view), 'keys': [d.key for d in disks(vm.config)]}
WaitForTask(vm.CreateSnapshot_Task('by pyvmomi', '', False, False))
snapshot = vm.snapshot.currentSnapshot
seen['parent'] = [d.backing.parent.fileName for d in disks(vm.config)]
seen['frozen'] = [d.backing.fileName for d in disks(snapshot.config)]
seen['changed'] = []
for disk in disks(snapshot.config):
    page = vm.QueryChangedDiskAreas(snapshot, disk.key, 0, '*')
    seen['changed'].append([page.length, [[a.start, a.length] for a in page.changedArea]])
WaitForTask(snapshot.RemoveSnapshot_Task(False))
seen['snapshot'] = vm.snapshot is None
seen['chain'] = [d.backing.parent is None for d in disks(vm.config)]


def new(device, **properties):
    for key, value in properties.items():
        setattr(device, key, value)
    return device


def adding(device, file=None):
    change = vim.vm.device.VirtualDeviceSpec(operation='add', device=device)
    change.fileOperation = file
    return change


def new_disk(controller, unit):
    backing = vim.vm.device.VirtualDisk.FlatVer2BackingInfo(fileName='', diskMode='persistent', thinProvisioned=True)
    return adding(
        new(vim.vm.device.VirtualDisk(), key=-9 - unit, controllerKey=controller, unitNumber=unit, capacityInKB=1024, backing=backing),
        'create',
    )


def wanted(name):
    scsi = new(vim.vm.device.VirtualLsiLogicController(), key=-1, busNumber=0, sharedBus='noSharing')
    return vim.vm.ConfigSpec(
        name=name, version='vmx-19', guestId='debian10_64Guest', numCPUs=1, memoryMB=64,
        files=vim.vm.FileInfo(vmPathName='[LocalDS_0]'), deviceChange=[adding(scsi), new_disk(-1, 0)],
    )


datacenter = [e for e in content.rootFolder.childEntity if isinstance(e, vim.Datacenter)][0]
pool = vm.resourcePool
task = datacenter.vmFolder.CreateVM_Task(config=wanted('created'), pool=pool)
WaitForTask(task)
created = task.info.result
WaitForTask(created.PowerOnVM_Task())
WaitForTask(created.ReconfigVM_Task(vim.vm.ConfigSpec(deviceChange=[new_disk(1000, 1)])))
seen['created'] = [d.key for d in disks(created.config)]

# A disk of a machine that is off goes to one that runs, which then has it alone.
own = disks(created.config)[1]
detached = vim.vm.device.VirtualDeviceSpec(operation='remove', device=own)
WaitForTask(created.ReconfigVM_Task(vim.vm.ConfigSpec(deviceChange=[detached])))
backing = vim.vm.device.VirtualDisk.FlatVer2BackingInfo(fileName=own.backing.fileName, diskMode='independent_persistent')
hot = new(vim.vm.device.VirtualDisk(), key=-7, controllerKey=1000, unitNumber=9, backing=backing)
WaitForTask(vm.ReconfigVM_Task(vim.vm.ConfigSpec(deviceChange=[adding(hot)])))
had = disks(vm.config)[-1]
seen['attached'] = [vm.runtime.powerState, had.key, had.backing.uuid == own.backing.uuid, had.capacityInKB]
WaitForTask(vm.CreateSnapshot_Task('beside it', '', False, False))
seen['beside'] = [d.backing.parent is None for d in disks(vm.config)]
WaitForTask(vm.snapshot.currentSnapshot.RemoveSnapshot_Task(False))
gone = vim.vm.device.VirtualDeviceSpec(operation='remove', fileOperation='destroy', device=had)
WaitForTask(vm.ReconfigVM_Task(vim.vm.ConfigSpec(deviceChange=[gone])))
try:
    WaitForTask(created.ReconfigVM_Task(vim.vm.ConfigSpec(deviceChange=[adding(hot)])))
except vim.fault.FileNotFound:
    seen['destroyed'] = True
WaitForTask(created.PowerOffVM_Task())
WaitForTask(created.Destroy_Task())
lease = pool.ImportVApp(vim.vm.VmImportSpec(configSpec=wanted('imported')), datacenter.vmFolder)
seen['lease'] = [lease.state, lease.info.deviceUrl[0].importKey]
upload = urllib.request.Request(
    lease.info.deviceUrl[0].url.replace('*', '127.0.0.1:%d' % port), open(stream, 'rb').read(), method='POST',
)
seen['upload'] = urllib.request.urlopen(upload, context=context).status
lease.Progress(100)
lease.Complete()
seen['lease'].append(lease.state)
environment = lease.info.entity.environmentBrowser
seen['hardware'] = [o.key for o in environment.QueryConfigOptionDescriptor()][-1]
Disconnect(connection)
print(json.dumps(seen))
