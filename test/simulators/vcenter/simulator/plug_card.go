package simulator

import (
	"fmt"
	"strings"

	"github.com/vmware/govmomi/vim25/types"
)

func (p *plugging) addCard(device types.BaseVirtualDevice, card *types.VirtualEthernetCard) types.BaseMethodFault {
	if fault := p.network(card); fault != nil {
		return fault
	}
	card.Key = p.m.freeKey(4000)
	card.ControllerKey = 100
	unit := int32(7) + card.Key - 4000
	card.UnitNumber = &unit
	card.AddressType, card.MacAddress = p.m.address(card)
	if card.Connectable == nil {
		card.Connectable = &types.VirtualDeviceConnectInfo{StartConnected: true, AllowGuestControl: true}
	}
	card.Connectable.Connected = p.hot && card.Connectable.StartConnected
	card.DeviceInfo = &types.Description{Label: fmt.Sprintf("Network adapter %d", card.Key-3999), Summary: "network"}
	p.m.fixed = append(p.m.fixed, device)
	return nil
}

// network finds what a card is to be connected to. A distributed port group is named by its key, and not as a standard network.
func (p *plugging) network(card *types.VirtualEthernetCard) types.BaseMethodFault {
	var ref *types.ManagedObjectReference
	switch b := card.Backing.(type) {
	case *types.VirtualEthernetCardNetworkBackingInfo:
		if e := Map.FindByName(b.DeviceName, theDatacenter().Network); e != nil && e.Reference().Type == "Network" {
			found := e.Reference()
			b.Network, ref = &found, &found
		}
	case *types.VirtualEthernetCardDistributedVirtualPortBackingInfo:
		found := types.ManagedObjectReference{Type: "DistributedVirtualPortgroup", Value: b.Port.PortgroupKey}
		if group, ok := Map.Get(found).(*DistributedVirtualPortgroup); ok {
			dvs, ok := Map.Get(*group.Config.DistributedVirtualSwitch).(*DistributedVirtualSwitch)
			if ok && dvs.Uuid == b.Port.SwitchUuid {
				ref = &found
			}
		}
	}
	if ref == nil {
		// vSphere API reference: "thrown when a virtual device does not have a valid backing spec".
		return withMessages(&types.InvalidDeviceBacking{InvalidDeviceSpec: types.InvalidDeviceSpec{
			InvalidVmConfig: types.InvalidVmConfig{Property: fmt.Sprintf("deviceChange[%d].device.backing", p.index)}, DeviceIndex: int32(p.index),
		}}, "vim.fault.InvalidDeviceBacking", fmt.Sprintf("Invalid backing for device '%d'.", p.index))
	}
	return denied(*ref, "Network.Assign")
}

// address answers a card's MAC address and what it counts as. "The server might override the specified value for "Generated" or
// "Assigned" if it does not fall in the right ranges or is determined to be a duplicate" (vSphere API reference, VirtualEthernetCard).
func (m *machine) address(card *types.VirtualEthernetCard) (kind, mac string) {
	mac = strings.ToLower(card.MacAddress)
	switch {
	case card.AddressType == "manual" && mac != "":
		return "manual", mac
	case card.AddressType == "assigned" && assignedRange(mac) && !m.macTaken(mac):
		return "assigned", mac
	case card.AddressType == "generated" && strings.HasPrefix(mac, "00:0c:29:") && !m.macTaken(mac):
		return "generated", mac
	}
	kind, pattern := "assigned", "00:50:56:9%x:%02x:%02x"
	if Map.IsESX() {
		kind, pattern = "generated", "00:0c:29:1%x:%02x:%02x"
	}
	for i := 0; ; i++ {
		mac = fmt.Sprintf(pattern, i>>16&15, i>>8&255, i&255)
		if !m.macTaken(mac) {
			return kind, mac
		}
	}
}

// assignedRange tells whether a vCenter gives such addresses (VMware's documentation, "VMware OUI Allocation": 00:50:56:80 to bf).
func assignedRange(mac string) bool {
	return len(mac) == 17 && strings.HasPrefix(mac, "00:50:56:") && strings.ContainsRune("89ab", rune(mac[9]))
}

func (m *machine) macTaken(mac string) bool {
	machinesMu.Lock()
	defer machinesMu.Unlock()
	taken := func(devices []types.BaseVirtualDevice) bool {
		for _, device := range devices {
			if card, ok := device.(types.BaseVirtualEthernetCard); ok && strings.EqualFold(card.GetVirtualEthernetCard().MacAddress, mac) {
				return true
			}
		}
		return false
	}
	for _, other := range machines {
		if other != m && taken(other.fixed) {
			return true
		}
	}
	return taken(m.fixed)
}

// reservedMac answers a manual address with which ESXi does not start a machine, unless ethernetN.checkMACAddress is FALSE:
// 00:0c:29, and 00:50:56 beyond 3f ("Static MAC Addresses in VMware OUI", vSphere Networking).
func (m *machine) reservedMac() string {
	n := -1
	for _, device := range m.fixed {
		card, ok := device.(types.BaseVirtualEthernetCard)
		if !ok {
			continue
		}
		n++
		own := card.GetVirtualEthernetCard()
		mac := strings.ToLower(own.MacAddress)
		unchecked := strings.EqualFold(m.extra(fmt.Sprintf("ethernet%d.checkMACAddress", n)), "FALSE")
		if own.AddressType != "manual" || unchecked || len(mac) != 17 {
			continue
		}
		if strings.HasPrefix(mac, "00:0c:29:") || strings.HasPrefix(mac, "00:50:56:") && mac[9] > '3' {
			return mac
		}
	}
	return ""
}

// extra answers a value of the machine's extraConfig.
func (m *machine) extra(key string) string {
	value := ""
	for _, option := range m.vm.Config.ExtraConfig {
		if o := option.GetOptionValue(); strings.EqualFold(o.Key, key) {
			value = fmt.Sprint(o.Value)
		}
	}
	return value
}
