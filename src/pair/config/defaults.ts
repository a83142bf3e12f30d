// What a pair is made of when neither the flags nor repcache.yaml say otherwise.

/** The file that deploy writes and the other verbs read, in the current folder. */
export const CONFIG_FILE_NAME = 'repcache.yaml';

export const PAIR_DEFAULTS = {
  port: 11211,
  replicationPort: 16000,
  memoryMb: 1024,
  /** Two nodes on a laptop ask for less. */
  localMemoryMb: 256,
  connections: 4096,
  /** As many as the engine takes by itself on its host: one for each core, four at most. */
  threads: 'auto',
} as const;
