// Durations and sizes as people read them.

/** `0.42 ms`, `12.3 ms`, `850 ms`, `4.2 s`, `3 min 05 s`. */
export function formatMs(ms: number): string {
  // The limits are where rounding would reach the next one: never "1000 ms" or "60.0 s".
  if (ms < 9.995) return `${ms.toFixed(2)} ms`;
  if (ms < 99.95) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  return formatSec(ms / 1000);
}

/** The two largest units: `42 s`, `3 min 05 s`, `7 h 12 min`, `12 d 03 h`. */
export function formatSec(sec: number): string {
  const whole = Math.round(sec);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${twoDigits(whole % 60)} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ${twoDigits(minutes % 60)} min`;
  const hours = Math.floor(minutes / 60);
  return `${Math.floor(hours / 24)} d ${twoDigits(hours % 24)} h`;
}

/** In powers of 1024, as memcached's -m counts: `512 B`, `1.5 KB`, `64.0 MB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  // From 1023.95 on, rounding would show 1024.0 of the smaller unit.
  while (value >= 1023.95 && units.length > 1) {
    value /= 1024;
    units.shift();
  }
  return units[0] === 'B' ? `${value} B` : `${value.toFixed(1)} ${units[0]}`;
}

/** `98.7 %`. */
export function formatRatio(ratio: number): string {
  return `${(ratio * 100).toFixed(1)} %`;
}

function twoDigits(number: number): string {
  return String(number).padStart(2, '0');
}
