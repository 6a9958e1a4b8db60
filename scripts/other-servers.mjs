// Gets the other servers that the tests run on, without installing them: `node scripts/other-servers.mjs` prints, for each, its
// name and the folder with its redis-server, which REDIS_BIN takes. Needs apt-get and dpkg, no root, and once the network.
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDER = join(import.meta.dirname, '../node_modules/.cache/servers');
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/**
 * `program`: the server, which Debian's package of the tools has under the name of another tool: it goes by the name that it
 * is started with. `libraries`: packages of the release where that is not the one of this machine; the loader is in them.
 */
const SERVERS = [
  {
    name: 'valkey-8.0.1',
    suite: 'bookworm-backports',
    package: 'valkey-tools',
    version: '8.0.1',
    program: 'usr/bin/valkey-check-rdb',
    libraries: [],
  },
  {
    name: 'redis-8.0.2',
    suite: 'trixie',
    package: 'redis-tools',
    version: '5:8.0.2',
    program: 'usr/bin/redis-check-rdb',
    libraries:
      'libc6 libstdc++6 libgcc-s1 libatomic1 libjemalloc2 liblzf1 libssl3t64 libsystemd0 libcap2 libzstd1 zlib1g'.split(
        ' ',
      ),
  },
];

/** Resolves to the servers, by name the folder whose redis-server each is. Those that are there already are not got again. */
export function otherServers() {
  mkdirSync(FOLDER, { recursive: true });
  return SERVERS.map((server) => {
    const folder = join(FOLDER, server.name);
    if (!existsSync(folder)) install(server, folder);
    return { name: server.name, folder };
  });
}

function install(server, folder) {
  const work = mkdtempSync(`${folder}.`);
  try {
    const download = downloader(work, server.suite);
    const [version] = download.versions(server.package).filter((each) => each.startsWith(server.version));
    if (version === undefined) throw new Error(`${server.suite} has no ${server.package} ${server.version}`);
    const files = download.get([`${server.package}=${version}`, ...server.libraries]);
    for (const file of files) execFileSync('dpkg', ['-x', file, join(work, 'root')]);
    const made = join(work, 'made');
    mkdirSync(made);
    renameSync(join(work, 'root'), join(made, 'root'));
    provide(made, folder, server);
    renameSync(made, folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Puts redis-server into a folder that will be renamed: as a link, or started by the loader of its release. */
function provide(made, folder, { program, libraries }) {
  if (libraries.length === 0) return symlinkSync(join('root', program), join(made, 'redis-server'));
  const root = join(folder, 'root/usr');
  const architecture = readdirSync(join(made, 'root/usr/lib')).find((each) => each.endsWith('-linux-gnu'));
  const lib = join(root, 'lib', architecture);
  const loader = readdirSync(join(made, 'root/usr/lib', architecture)).find((each) => each.startsWith('ld-linux'));
  const script = `#!/bin/sh\nexec '${join(lib, loader)}' --library-path '${lib}' --argv0 redis-server '${join(folder, 'root', program)}' "$@"\n`;
  writeFileSync(join(made, 'redis-server'), script, { mode: 0o755 });
}

/** Runs apt-get with a source list, lists and a cache of its own, which leave those of the machine alone. */
function downloader(work, suite) {
  const list = join(work, 'sources.list');
  writeFileSync(list, `deb [signed-by=${KEYRING}] ${mirror()} ${suite} main\n`);
  const debs = join(work, 'debs');
  for (const each of ['lists/partial', 'cache/archives/partial', 'debs'])
    mkdirSync(join(work, each), { recursive: true });
  const settings = {
    'Dir::Etc::sourcelist': list,
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::State': work,
    'Dir::State::lists': join(work, 'lists'),
    'Dir::State::status': '/dev/null',
    'Dir::Cache': join(work, 'cache'),
    'APT::Sandbox::User': '',
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  const run = (command, ...args) =>
    execFileSync(command, [...options, ...args], { cwd: debs, encoding: 'utf8', stdio: ['ignore', 'pipe', 2] });
  run('apt-get', '-qq', 'update');
  return {
    versions: (name) =>
      run('apt-cache', 'madison', name)
        .split('\n')
        .map((line) => line.split('|')[1]?.trim() ?? ''),
    get: (packages) => {
      run('apt-get', '-qq', 'download', ...packages);
      return readdirSync(debs).map((file) => join(debs, file));
    },
  };
}

/** Returns the mirror that this machine uses, else Debian's own. */
function mirror() {
  const said = execFileSync('apt-get', ['indextargets', '--format', '$(REPO_URI)'], { encoding: 'utf8' });
  return said.split('\n').find((each) => /\/debian\/?$/.test(each)) ?? 'http://deb.debian.org/debian';
}

if (process.argv[1] !== undefined && fileURLToPath(import.meta.url) === process.argv[1]) {
  for (const { name, folder } of otherServers()) console.log(`${name}\t${folder}`);
}
