#!/usr/bin/env -S npx tsx
// Runs the commands straight from their TypeScript sources, with full stack traces: for working on them.
import { execute } from '@oclif/core';

await execute({ development: true, dir: import.meta.url });
