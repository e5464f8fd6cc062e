"""An independent client (Debian: python3-pyvmomi) that looks at the test vCenter: port, user, machine; password on stdin."""
import json
import ssl
import sys

from pyVim.connect import Disconnect, SmartConnect
from pyVim.task import WaitForTask
from pyVmomi import vim

port, user, name = int(sys.argv[1]), sys.argv[2], sys.argv[3]
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
Disconnect(connection)
print(json.dumps(seen))
