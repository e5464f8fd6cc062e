"""Imports an OVA into a vCenter as ovftool and govc do (Debian: python3-pyvmomi): file, port, user, name; password on stdin. Prints the VM as JSON."""
import json, ssl, sys, tarfile, urllib.request

from pyVim.connect import Disconnect, SmartConnect
from pyVmomi import vim

file, port, user, name = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
connection = SmartConnect(host='127.0.0.1', port=port, user=user, pwd=sys.stdin.read(), sslContext=context)
content = connection.RetrieveContent()


def first(kind):
    return content.viewManager.CreateContainerView(content.rootFolder, [kind], True).view[0]


with tarfile.open(file, 'r:') as archive:
    members = {member.name: member for member in archive}
    descriptor = archive.extractfile(next(iter(members.values()))).read().decode()
    pool, datacenter = first(vim.ResourcePool), first(vim.Datacenter)
    networks = [vim.OvfManager.NetworkMapping(name=n.name, network=n) for n in datacenter.network]
    made = content.ovfManager.CreateImportSpec(
        descriptor, pool, datacenter.datastore[0],
        vim.OvfManager.CreateImportSpecParams(
            locale='', deploymentOption='', entityName=name, diskProvisioning='thin', networkMapping=networks,
        ),
    )
    assert not made.error, made.error
    lease = pool.ImportVApp(made.importSpec, datacenter.vmFolder)
    assert lease.state == 'ready', lease.error
    # vcsim's import spec and the lease of the test vCenter call the disks by other names: both have them in the same order.
    urls = [one.url.replace('*', '127.0.0.1:%d' % port) for one in lease.info.deviceUrl]
    assert len(urls) == len(made.fileItem)
    for item, url in zip(made.fileItem, urls):
        member = members[item.path]
        assert item.size == member.size
        with archive.extractfile(member) as data:
            upload = urllib.request.Request(url, data.read(), method='POST')
            assert urllib.request.urlopen(upload, context=context).status == 200
    lease.Progress(100)
    lease.Complete()
    vm = lease.info.entity

config = vm.config
print(json.dumps({
    'guestId': config.guestId,
    'memory': config.hardware.memoryMB,
    'cpus': config.hardware.numCPU,
    'disks': [d.capacityInBytes for d in config.hardware.device if isinstance(d, vim.vm.device.VirtualDisk)],
    'cards': [type(d).__name__.split('.')[-1] for d in config.hardware.device if isinstance(d, vim.vm.device.VirtualEthernetCard)],
}))
Disconnect(connection)
