/** Four packets of full size on Ethernet, and below the longest line or header that hub and node take. */
export const largeBytes = 6000;

/** What to do about a line on which small packets pass and large ones do not. @param end where the other end is: HUB, NODE */
export const lookAtMtu = (end: string): string =>
  `A device on the way drops packets of full size (MTU). Find what passes: \`ping -M do -s 1472 ${end}\`, then smaller; set that plus 28 as MTU of the interface or VPN (\`ip link set dev eth0 mtu 1400\`), or let the router clamp the MSS.`;
