import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { copyBuild, unpackBuild } from '../scripts/packed-build.mjs';
import { withServers } from './baseline.mjs';
import { machine, save } from './measure.mjs';
import { Contest } from './resync/contest.mjs';
import { withLink } from './resync/link.mjs';
import { printGrowth, printTable, Results } from './resync/results.mjs';
import { measureSetting, measureWrites, SETTINGS, SHARES } from './resync/rows.mjs';

const SIZE = 500_000;
const ROUNDS = 5;

const USAGE = `npm run bench -- resync [--baseline FILE.tgz] [--size=n] [--rounds=n] [--rows=text] [--link] [--json FILE]
  --baseline FILE.tgz  beside this packed build; without it: beside this build without a log of changes
  --size=n             this many objects a side, not ${SIZE.toLocaleString('en')}
  --rounds=n           not ${ROUNDS}
  --rows=text          only rows whose setting holds the text, as 'flat, both in Redis' or 'writes'
  --link               once, with 1 ms and 100 Mbit/s between application and server
  --json FILE          the figures, for chart.mjs`;

/** A sync of what has changed a little since the last one: this repository's build beside another, in turn. */
export async function run(args) {
  const options = {
    baseline: { type: 'string' },
    size: { type: 'string' },
    rounds: { type: 'string' },
    rows: { type: 'string' },
    link: { type: 'boolean' },
    json: { type: 'string' },
    help: { type: 'boolean' },
  };
  const { values } = parseArgs({ args, options });
  if (values.help) return console.log(USAGE);
  const { baseline, link = false, rows = '' } = values;
  const plan = { size: Number(values.size ?? SIZE), rounds: link ? 1 : Number(values.rounds ?? ROUNDS), rows, link };
  const results = new Results();
  const folder = await mkdtemp(join(tmpdir(), 'nestjs-diffsync-bench-'));
  try {
    const ours = await copyBuild(join(folder, 'ours'));
    const beside = baseline === undefined ? ours : await unpackBuild(baseline, join(folder, 'baseline'));
    await withServers(async (urls) => {
      const servers = { ours: urls.ours, beside: urls.baseline };
      await withLinks(link, servers, async (links) => {
        const builds = {
          ours: { root: ours, url: servers.ours, link: links.ours, changeLog: true },
          beside: { root: beside, url: servers.beside, link: links.beside, changeLog: false },
        };
        for (const build of Object.values(builds)) build.folder = await mkdtemp(join(folder, 'files-'));
        await measureAll(new Contest(builds), plan, results);
      });
    });
  } finally {
    await rm(folder, { recursive: true });
    // What was measured before a failure is shown all the same.
    await report(results.toJSON(), { ...plan, baseline }, values.json);
  }
}

function withLinks(link, servers, work) {
  if (!link) return work(servers);
  return withLink(servers.ours, (ours) => withLink(servers.beside, (beside) => work({ ours, beside })));
}

async function measureAll(contest, { size, rounds, rows, link }, results) {
  const add = results.add.bind(results);
  for (const setting of SETTINGS) {
    if (!setting.name.includes(rows)) continue;
    const grows = setting.shape === 'flat' && setting.place === 'redis' && !link;
    await measureSetting(contest, setting, { size, rounds, shares: grows ? SHARES : SHARES.slice(0, 1) }, add);
    process.stderr.write(`resync: ${setting.name}\n`);
  }
  for (const kind of ['redis', 'sqlite']) {
    if (!link && `writes in ${kind}`.includes(rows)) await measureWrites(contest, kind, rounds, add);
  }
}

async function report(rows, { size, rounds, baseline, link }, file) {
  const { cpu, cores, node } = machine();
  const beside = baseline ?? 'this build without a log of changes';
  const network = link ? '1 ms and 100 Mbit/s to the server' : 'redis-server on loopback';
  console.log(`${cpu}, ${cores} cores, Node ${node}; ${size.toLocaleString('en')} objects a side; ${network}`);
  console.log(`medians of ${rounds} rounds in turn, each step in a process of its own, beside ${beside}`);
  printTable(rows);
  printGrowth(rows, SHARES);
  const results = { machine: machine(), objects: size, rounds, link, beside, shares: SHARES, rows };
  await save(`resync-${size}${link ? '-link' : ''}`, results);
  if (file !== undefined) await writeFile(file, `${JSON.stringify(results, null, 2)}\n`);
}
