"""An independent client (Debian: python3-pyvmomi) that looks at the disks of a VM: port, user, machine; password on stdin."""
import json
import ssl
import sys

from pyVim.connect import Disconnect, SmartConnect
from pyVmomi import vim

port, user, name = int(sys.argv[1]), sys.argv[2], sys.argv[3]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
connection = SmartConnect(host='127.0.0.1', port=port, user=user, pwd=sys.stdin.read(), sslContext=context)
content = connection.RetrieveContent()
view = content.viewManager.CreateContainerView(content.rootFolder, [vim.VirtualMachine], True)
vm = [v for v in view.view if v.name == name][0]
disks = [d for d in vm.config.hardware.device if isinstance(d, vim.vm.device.VirtualDisk)]
print(json.dumps({
    'power': vm.runtime.powerState,
    'annotation': vm.config.annotation,
    'disks': [{
        'key': d.key, 'file': d.backing.fileName, 'bytes': d.capacityInKB * 1024, 'thin': d.backing.thinProvisioned,
        'parent': d.backing.parent is not None,
    } for d in disks],
    'options': sorted(o.key for o in vm.config.extraConfig if o.key.startswith('sendense') or o.key == 'disk.EnableUUID'),
}))
Disconnect(connection)
