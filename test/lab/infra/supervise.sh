#!/bin/bash
# Keeps one lab host powered on: boots it, and boots it again when it asked for a reboot.
# Arguments: the name of its control group, then those of systemd-nspawn, to whose exit status alone it listens.
set -u
cgroup=$1
shift

# A control group of its own, in each hierarchy that systemd uses here, so that two hosts never share one.
for procs in /sys/fs/cgroup/{,systemd/,unified/}"$cgroup"/cgroup.procs; do
  if [ -e "$procs" ]; then echo $$ >"$procs"; fi
done

# systemd-nspawn exits with 133 when the host rebooted.
while true; do
  SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 systemd-nspawn "$@"
  status=$?
  echo "lab: the host ended with status $status"
  [ "$status" -eq 133 ] || exit "$status"
done
