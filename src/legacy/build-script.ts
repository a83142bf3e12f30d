// The shell script that builds the source on a host: each step's name goes to a file, all output to the build log.
import { PREFIX } from './layout.js';

/**
 * Newer compilers turn what 2009 took for granted into errors: functions used before they are declared (gcc 14), one
 * variable in several files (gcc 10), old-style declarations (gcc 15, whose default is C23). Each flag is tried first,
 * as older compilers do not know all of them.
 */
const COMPILER_FLAGS = [
  '-std=gnu17',
  '-fcommon',
  '-Wno-error=implicit-function-declaration',
  '-Wno-error=implicit-int',
  '-Wno-error=int-conversion',
  '-Wno-error=incompatible-pointer-types',
];

/** Exit statuses that say what was wrong; out of the way of make's own. */
export const BUILD_FAILED = 70;

/**
 * Arguments: work folder (holding source.tar), build log, and the text of the build record.
 * Installs into a staging folder on the prefix's own file system and renames it into place last, so that a build that
 * fails leaves what was there before, and never half of something.
 */
export const BUILD_SCRIPT = `
set -u
work=$1 log=$2 record=$3 prefix=${PREFIX}
umask 022
step=
fail() {
  printf '%s\\n' "$step"
  tail -n 25 -- "$log"
  exit ${BUILD_FAILED}
}
begin() {
  step=$1
  printf '\\n=== %s\\n' "$step" >>"$log"
}
: >"$log" || exit 1
staging=$(mktemp -d -- "$(dirname -- "$prefix")/.repcached-staging.XXXXXX") || exit 1
trap 'rm -rf -- "$staging"' EXIT
trap 'exit 1' HUP INT TERM PIPE

begin unpack
mkdir -- "$work/source" && tar -xof "$work/source.tar" -C "$work/source" >>"$log" 2>&1 || fail
cd -- "$work/source" || fail

begin compiler
cc=
for name in cc gcc; do
  command -v "$name" >/dev/null 2>&1 && cc=$name && break
done
[ -n "$cc" ] || { echo 'there is no C compiler' >>"$log"; fail; }
flags='-g -O2'
for flag in ${COMPILER_FLAGS.join(' ')}; do
  "$cc" -Werror $flag -x c -c /dev/null -o "$work/flag.o" >/dev/null 2>&1 && flags="$flags $flag"
done
printf '%s, CFLAGS=%s\\n' "$("$cc" --version | head -n 1)" "$flags" >>"$log"

begin configure
chmod +x configure
CC=$cc CFLAGS=$flags ./configure --prefix="$prefix" --enable-replication >>"$log" 2>&1 </dev/null || fail

begin make
# 2.3.1 asks for -Werror, after all flags that it is given: what a newer compiler merely dislikes would stop it.
find . -name Makefile -exec sed -i 's/ -Werror\\([[:space:]]\\|$\\)/\\1/g' {} +
# What an earlier build left in the folder is of another compiler.
make clean >>"$log" 2>&1 </dev/null || :
make >>"$log" 2>&1 </dev/null || fail

begin 'make install'
make install DESTDIR="$staging" >>"$log" 2>&1 </dev/null || fail
[ -x "$staging$prefix/bin/memcached" ] || { echo "make install made no $prefix/bin/memcached" >>"$log"; fail; }

begin 'try it'
"$staging$prefix/bin/memcached" -h >>"$log" 2>&1 </dev/null || fail
"$staging$prefix/bin/memcached" -h 2>&1 </dev/null | grep -q '^repcached' ||
  { echo 'the program does not call itself repcached: was it built with replication?' >>"$log"; fail; }
printf '%s\\n' "$record" >"$staging$prefix/.repcachectl-build" || fail

begin 'move into place'
rm -rf -- "$prefix.old"
if [ -e "$prefix" ]; then mv -- "$prefix" "$prefix.old" || fail; fi
mv -- "$staging$prefix" "$prefix" || { [ ! -e "$prefix.old" ] || mv -- "$prefix.old" "$prefix"; fail; }
rm -rf -- "$prefix.old"
echo 'built and installed' >>"$log"
`;
