"""Looks at an OVA as somebody else reads it: with tarfile and an XML parser. Prints what it found as JSON."""
import hashlib, json, re, sys, tarfile
import xml.etree.ElementTree as tree

file, folder = sys.argv[1], sys.argv[2]
ovf = '{http://schemas.dmtf.org/ovf/envelope/1}'
rasd = '{http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData}'
vssd = '{http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData}'
vmw = '{http://www.vmware.com/schema/ovf}'

with tarfile.open(file, 'r:') as archive:
    members = archive.getmembers()
    content = {}
    for member in members:
        assert member.isfile() and '/' not in member.name, member
        digest = hashlib.sha256()
        with archive.extractfile(member) as data, open(f'{folder}/{member.name}', 'wb') as copy:
            while block := data.read(2 ** 20):
                digest.update(block)
                copy.write(block)
        content[member.name] = (member.size, digest.hexdigest())

names = [member.name for member in members]
assert names[0].endswith('.ovf') and names[1] == names[0][:-4] + '.mf', names
listed = dict(re.fullmatch(r'SHA256\((.+)\)= ([0-9a-f]{64})', line).groups() for line in open(f'{folder}/{names[1]}').read().splitlines())
assert listed == {name: digest for name, (_, digest) in content.items() if name != names[1]}, listed

root = tree.parse(f'{folder}/{names[0]}').getroot()
assert root.tag == ovf + 'Envelope'
files = {one.get(ovf + 'id'): one for one in root.iter(ovf + 'File')}
assert [one.get(ovf + 'href') for one in files.values()] == names[2:]
for one in files.values():
    assert int(one.get(ovf + 'size')) == content[one.get(ovf + 'href')][0]
disks = {one.get(ovf + 'diskId'): one for one in root.iter(ovf + 'Disk')}
system = root.find(ovf + 'VirtualSystem')
hardware = system.find(ovf + 'VirtualHardwareSection')
items = [{field.tag.replace(rasd, '').replace(vmw, 'vmw:'): field.text for field in item} for item in hardware.findall(ovf + 'Item')]
ids = {item['InstanceID']: item for item in items}
assert len(ids) == len(items)
networks = [one.get(ovf + 'name') for one in root.iter(ovf + 'Network')]
assert len(set(networks)) == len(networks)

def disk_of(item):
    disk = disks[item['HostResource'].removeprefix('ovf:/disk/')]
    parent = ids[item['Parent']]
    return {
        'file': files[disk.get(ovf + 'fileRef')].get(ovf + 'href'),
        'capacity': int(disk.get(ovf + 'capacity')),
        'populated': int(disk.get(ovf + 'populatedSize')),
        'controller': parent.get('ResourceSubType'),
        'type': parent['ResourceType'],
        'bus': parent['Address'],
        'unit': item['AddressOnParent'],
    }

def number_of(kind):
    return int(next(item for item in items if item['ResourceType'] == kind)['VirtualQuantity'])

os = system.find(ovf + 'OperatingSystemSection')
annotation = system.find(f'{ovf}AnnotationSection/{ovf}Annotation')
cards = [item for item in items if item['ResourceType'] == '10']
assert all(card['Connection'] in networks for card in cards)
print(json.dumps({
    'names': names,
    'times': sorted({member.mtime for member in members}),
    'name': system.find(ovf + 'Name').text,
    'annotation': None if annotation is None else annotation.text,
    'guestId': os.get(vmw + 'osType'),
    'hardware': hardware.find(f'{ovf}System/{vssd}VirtualSystemType').text,
    'cpus': number_of('3'),
    'cores': int(items[0]['vmw:CoresPerSocket']),
    'memory': number_of('4'),
    'disks': [disk_of(item) for item in items if item['ResourceType'] == '17'],
    'networks': [[card['Connection'], card['ResourceSubType'], card['AutomaticAllocation']] for card in cards],
    'config': {one.get(vmw + 'key'): one.get(vmw + 'value') for one in hardware.findall(vmw + 'Config')},
    'extra': {one.get(vmw + 'key'): files[one.get(vmw + 'value').removeprefix('ovf:/file/')].get(ovf + 'href') for one in hardware.findall(vmw + 'ExtraConfig')},
}))
