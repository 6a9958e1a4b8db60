#!/usr/bin/env bash
# zod 4.6.7: what a transform or refinement throws makes `schema['~standard'].validate()` answer a promise that rejects.
#
# Every callback of the schema is synchronous, and for valid input `validate` answers a value. `schema.parse` throws the error.
# valibot 1.5.0 and arktype 2.2.10 throw it from `validate` too. So a caller of the Standard Schema interface that takes a
# promise for "this schema is asynchronous" blames the wrong thing, and one that drops the promise has an unhandled rejection,
# which ends a Node process.
#
# Output seen: see EXPECTED below. Exits 1 when a package behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund zod@4.6.7 valibot@1.5.0 arktype@2.2.10
cat > finding.mjs <<'JS'
import { type } from 'arktype';
import * as v from 'valibot';
import { z } from 'zod';

const lookUp = (rack) => {
  if (rack === 'r1') return rack;
  throw new RangeError(`no rack ${rack}`);
};
const schemas = {
  'zod transform': z.string().transform(lookUp),
  'zod refine': z.string().refine(lookUp),
  valibot: v.pipe(v.string(), v.transform(lookUp)),
  arktype: type('string').pipe(lookUp),
};
async function outcome(schema, input) {
  let answer;
  try {
    answer = schema['~standard'].validate(input);
  } catch (error) {
    return `throws ${error.name}`;
  }
  if (!(answer instanceof Promise)) return 'a value';
  return answer.then(() => 'a promise', (error) => `a promise that rejects with ${error.name}`);
}
for (const [name, schema] of Object.entries(schemas)) {
  console.log(`${name}: r1 ${await outcome(schema, 'r1')}, r9 ${await outcome(schema, 'r9')}`);
}
JS
cat > EXPECTED <<'TEXT'
zod transform: r1 a value, r9 a promise that rejects with RangeError
zod refine: r1 a value, r9 a promise that rejects with RangeError
valibot: r1 a value, r9 throws RangeError
arktype: r1 a value, r9 throws RangeError
TEXT
node finding.mjs | tee OUTPUT
diff EXPECTED OUTPUT
