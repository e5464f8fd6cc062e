/**
 * Options with which qemu's programs open a raw file and keep its writers out: they fail where a QEMU has it open for writing, on
 * this machine or on another that shares the file system, and no QEMU opens it for writing as long as they run. The format raw takes
 * no such lock by itself; `blkdebug`, which passes everything through, is the block driver that can be told to.
 * Source: QEMU, qapi/block-core.json, `BlockdevOptionsBlkdebug`, `unshare-child-perms`.
 */
export const lockedRaw = (file: string): string =>
  [
    'driver=raw',
    'file.driver=blkdebug',
    'file.unshare-child-perms.0=write',
    'file.unshare-child-perms.1=resize',
    'file.image.driver=file',
    `file.image.filename=${file.replaceAll(',', ',,')}`,
  ].join(',');

/** What a qemu says that was built without `blkdebug`. Source: QEMU, block.c, `bdrv_open_inherit`, `bdrv_open_driver`. */
export const lacksLockedRaw = (said: string): boolean =>
  /Unknown driver '?blkdebug|Driver '?blkdebug'? (is not whitelisted|can only be used)/i.test(said);
