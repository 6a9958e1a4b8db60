#!/usr/bin/env node
import { run } from './run.js';

const { argv, stdin, stdout, stderr, env } = process;
// The reader of the output may close it early, as `head` does.
stdout.on('error', () => process.exit());
process.exitCode = await run(argv.slice(2), { stdin, stdout, stderr, env });
// What an application has left open must not keep the command; what was printed has to be on its way.
stdout.write('', () => process.exit());
