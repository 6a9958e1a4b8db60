#!/usr/bin/env node
import { run } from './run.js';

const { argv, stdin, stdout, stderr, env } = process;
// Whoever reads the output may have seen enough, as `head` does.
stdout.on('error', () => process.exit());
process.exitCode = await run(argv.slice(2), { stdin, stdout, stderr, env });
