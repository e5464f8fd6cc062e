/** How a node ends its warning that a backup before a restore does not have all of what the restore overwrote. The hub goes by it. */
export const notInPoint = 'is in no restore point';
