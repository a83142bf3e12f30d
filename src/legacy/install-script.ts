// The shell pieces that put the program under its prefix, whether it is built on the host or copied there: each step's
// name goes to standard output when it fails, all other output to the log.
import { PREFIX } from './layout.js';

/** Exit status after a step that failed; out of the way of make's own. */
export const STEP_FAILED = 70;

/**
 * Arguments: work folder (holding archive.tar), log, and the text of the build record.
 * Makes a staging folder on the prefix's own file system, from which the program is renamed into place last: what fails
 * leaves what was there before, and never half of something.
 */
export const BEGIN_INSTALL = `
set -u
work=$1 log=$2 record=$3 prefix=${PREFIX}
umask 022
step=
fail() {
  printf '%s\\n' "$step"
  tail -n 25 -- "$log"
  exit ${STEP_FAILED}
}
begin() {
  step=$1
  printf '\\n=== %s\\n' "$step" >>"$log"
}
: >"$log" || exit 1
staging=$(mktemp -d -- "$(dirname -- "$prefix")/.repcached-staging.XXXXXX") || exit 1
trap 'rm -rf -- "$staging"' EXIT
trap 'exit 1' HUP INT TERM PIPE
`;

export const TRY_IT = 'try it';

/** Proves what was staged, and lets it take the place of what is there. */
export const FINISH_INSTALL = `
begin '${TRY_IT}'
"$staging$prefix/bin/memcached" -h >>"$log" 2>&1 </dev/null || fail
"$staging$prefix/bin/memcached" -h 2>&1 </dev/null | grep -q '^repcached' ||
  { echo 'the program does not call itself repcached: was it built with replication?' >>"$log"; fail; }
printf '%s\\n' "$record" >"$staging$prefix/.repcachectl-build" || fail

begin 'move into place'
rm -rf -- "$prefix.old"
if [ -e "$prefix" ]; then mv -- "$prefix" "$prefix.old" || fail; fi
mv -- "$staging$prefix" "$prefix" || { [ ! -e "$prefix.old" ] || mv -- "$prefix.old" "$prefix"; fail; }
rm -rf -- "$prefix.old"
echo installed >>"$log"
`;
