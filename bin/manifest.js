#!/usr/bin/env node
// Writes oclif.manifest.json from the compiled commands, so that the CLI starts by loading one command and not all.
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Plugin } from '@oclif/core';

const root = fileURLToPath(new URL('..', import.meta.url));
const plugin = new Plugin({ root, ignoreManifest: true, errorOnManifestCreate: true });
await plugin.load();
const file = join(root, 'oclif.manifest.json');
writeFileSync(`${file}.new`, JSON.stringify(plugin.manifest));
renameSync(`${file}.new`, file);
