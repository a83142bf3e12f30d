// Keeps secrets out of whatever is printed: values that were registered, and what looks like one.

const HIDDEN = '[hidden]';
const known = new Set<string>();

/** From now on this value is hidden wherever `scrub` sees it. Very short ones would eat ordinary text and are left. */
export function registerSecret(value: string): void {
  const trimmed = value.trim();
  if (trimmed.length >= 6) known.add(trimmed);
}

const PATTERNS: readonly RegExp[] = [
  // name=value and name: value, as programs print their settings
  /\b(password|passwd|passphrase|secret|token)(["']?\s*[=:]\s*["']?)([^\s"',}]+)/gi,
];
const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g;

/** The text with every known secret, and everything that looks like one, replaced. */
export function scrub(text: string): string {
  let clean = text;
  for (const value of known) clean = clean.replaceAll(value, HIDDEN);
  clean = clean.replace(PRIVATE_KEY, HIDDEN);
  for (const pattern of PATTERNS) clean = clean.replace(pattern, `$1$2${HIDDEN}`);
  return clean;
}
