#!/usr/bin/env node
// The entry of repcachectl: runs the compiled commands of dist/.
import { execute } from '@oclif/core';

await execute({ dir: import.meta.url });
