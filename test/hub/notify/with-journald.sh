#!/bin/sh
# Runs a command beside a systemd-journald that nobody else sees, then says what sendense wrote into its journal, as JSON lines.
# Started in new mount and PID namespaces. $@: the command
set -e
mount --make-rprivate /
mount -t proc proc /proc
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=755 tmpfs /var/log
mkdir -p /run/systemd/journald.conf.d
# Nothing of this machine's own is to be read.
printf '[Journal]\nStorage=volatile\nReadKMsg=no\nAudit=no\n' >/run/systemd/journald.conf.d/test.conf
/lib/systemd/systemd-journald &
until [ -S /run/systemd/journal/socket ]; do sleep 0.02; done
"$@" >&2
# A record is there a moment after it was sent.
until journalctl --quiet --no-pager --output json SYSLOG_IDENTIFIER=sendense >/run/found && [ -s /run/found ]; do sleep 0.05; done
cat /run/found
