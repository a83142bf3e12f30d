// The shell script that builds the source on a host and installs what comes out.
import { BEGIN_INSTALL, FINISH_INSTALL } from './install-script.js';

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

/** The archive in its work folder is the source. */
export const BUILD_SCRIPT = `${BEGIN_INSTALL}
begin unpack
mkdir -- "$work/source" && tar -xof "$work/archive.tar" -C "$work/source" >>"$log" 2>&1 || fail
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
${FINISH_INSTALL}`;
