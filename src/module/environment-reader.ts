import { readFileSync } from 'node:fs';
import { closestMatch } from 'leven';
import { ValueError } from '../errors.js';
import { REDIS_ADDRESSES, type DiffSyncStoreOptions, type EngineName } from './diffsync-store.options.js';
import { redactSecrets } from './redact-options.js';
import { environment, VARIABLES, variableOf, type VariableName } from './store-environment.js';
import { engineProblems } from './store-factory.js';

/** Ends the name of a variable that names the file in which another one's text stands. */
const FILE = '_FILE';

/** The name of a variable, without the beginning that all of a store share; of a file too. */
type GivenName = VariableName | `${VariableName}${typeof FILE}`;

/** Reads the variables of one store, and collects all that is wrong with them. */
export class EnvironmentReader {
  private readonly problems: string[] = [];
  private readonly texts = new Map<GivenName, string>();
  private readonly empty = new Set<GivenName>();
  /** The variables that say something, in whichever way, be it wrong. */
  private readonly given = new Set<VariableName>();
  private readonly values = new Map<VariableName, unknown>();

  /** @param prefix - Begins the name of each variable. Any other one that begins so is a mistake. */
  constructor(private readonly prefix: string) {
    for (const [variable, text = ''] of Object.entries(process.env)) {
      if (!variable.startsWith(prefix)) continue;
      const name = variable.slice(prefix.length);
      if (!isKnown(name)) this.refuse(name, suggestion(name, prefix));
      else if (text === '') this.empty.add(name);
      else this.texts.set(name, text);
    }
  }

  /**
   * @returns the options of the store.
   * @throws {ValueError} (VALUE_ERROR) with a line `variable: message` for each problem, without values.
   */
  options(): DiffSyncStoreOptions {
    const engine = this.engine();
    // Variables of other engines are ignored: one set of variables may serve several engines.
    const names = VARIABLES.filter((name) => engine === undefined || variableOf(name).engines.includes(engine));
    for (const name of names) this.parse(name);
    if (engine === 'redis') this.checkAddress(names);
    for (const flag of ['TLS', 'SENTINEL_TLS'] as const) this.checkFlag(flag, names);
    const options: Record<string, unknown> = {};
    for (const [name, value] of this.values) setAt(options, variableOf(name).option.split('.'), value);
    this.checkTogether(engine, options, names);
    if (this.problems.length > 0) {
      throw new ValueError(['diffSyncStoreConfig: the environment is wrong:', ...this.problems]);
    }
    return redactSecrets(options as unknown as DiffSyncStoreOptions);
  }

  private refuse(name: string, message: string): void {
    this.problems.push(`${this.prefix}${name}: ${message}`);
  }

  private engine(): EngineName | undefined {
    const text = this.texts.get('ENGINE');
    if (text === undefined) this.refuse('ENGINE', `missing: one of ${environment.shape.ENGINE.options.join(', ')}`);
    return environment.shape.ENGINE.safeParse(text).data;
  }

  private parse(name: VariableName): void {
    if (!this.texts.has(name) && !this.texts.has(`${name}${FILE}`)) return;
    this.given.add(name);
    const text = this.textOf(name);
    if (text === undefined) return;
    const { data, error } = environment.shape[name].safeParse(text);
    for (const { message } of error?.issues ?? []) this.refuse(this.givenName(name), message);
    if (data !== undefined) this.values.set(name, data);
    // What switches off what is off says nothing.
    else if (error === undefined) this.given.delete(name);
  }

  /** The text of a variable, or of the file that it names. */
  private textOf(name: VariableName): string | undefined {
    const [text, path] = [this.texts.get(name), this.texts.get(`${name}${FILE}`)];
    if (path === undefined) return text;
    if (text !== undefined) this.refuse(name, `can't be specified together with ${this.prefix}${name}${FILE}`);
    try {
      const content = readFileSync(path, 'utf8').replace(/\r?\n$/, '');
      if (content !== '') return content;
      this.refuse(name + FILE, `the file "${path}" is empty`);
    } catch (error) {
      const { code = 'unknown' } = error as NodeJS.ErrnoException;
      this.refuse(name + FILE, `the file "${path}" can't be read (${code})`);
    }
    return undefined;
  }

  /** The variable that gives the text: itself, or that of its file. */
  private givenName(name: VariableName): GivenName {
    return this.texts.has(`${name}${FILE}`) && !this.texts.has(name) ? `${name}${FILE}` : name;
  }

  /** No address is guessed: an application whose configuration lacks it must not reach another server. */
  private checkAddress(names: readonly VariableName[]): void {
    const ways: readonly string[] = REDIS_ADDRESSES;
    const addresses = names.filter((name) => ways.includes(variableOf(name).option.split('.')[0] ?? ''));
    const empty = addresses.flatMap((name) => [name, `${name}${FILE}` as const]).filter((name) => this.empty.has(name));
    for (const name of empty) this.refuse(name, 'empty, and no address is guessed');
    if (empty.length > 0 || addresses.some((name) => this.given.has(name))) return;
    const all = addresses.map((name) => this.prefix + name).join(', ');
    this.problems.push(`${this.prefix}${addresses[0]}: missing: redis needs one of ${all}`);
  }

  private checkFlag(flag: 'TLS' | 'SENTINEL_TLS', names: readonly VariableName[]): void {
    if (this.texts.get(flag) !== 'false') return;
    const other = names.find((name) => name.startsWith(`${flag}_`) && this.given.has(name));
    if (other !== undefined) this.refuse(flag, `false, but ${this.prefix}${this.givenName(other)} is given`);
    if (flag === 'TLS' && String(this.values.get('URL')).startsWith('rediss:')) {
      this.refuse(flag, `false, but ${this.prefix}${this.givenName('URL')} begins with rediss://`);
    }
  }

  /** What the engine says of its options, in the words of the environment. */
  private checkTogether(engine: EngineName | undefined, options: object, names: readonly VariableName[]): void {
    /** The variable of an option, of a part of it, or of what it is a part of: one that is given, if there is one. */
    const find = (path: string): VariableName | undefined => {
      const found = names.filter((name) => {
        const { option } = variableOf(name);
        return option === path || path.startsWith(`${option}.`) || option.startsWith(`${path}.`);
      });
      return found.find((name) => this.given.has(name)) ?? found[0];
    };
    const nameOf = (option: string): string => {
      const name = find(option);
      return name === undefined ? `"${option}"` : this.prefix + this.givenName(name);
    };
    const isGiven = (option: string): boolean => {
      const name = find(option);
      return name !== undefined && this.given.has(name);
    };
    for (const { path, message } of engineProblems(engine, options, { nameOf, isGiven })) {
      const name = find(path);
      // What is missing as an option may be there as a text that was refused.
      if (name === undefined) this.refuse(path, message);
      else if (message !== 'missing' || !this.given.has(name)) this.refuse(this.givenName(name), message);
    }
  }
}

function isKnown(name: string): name is GivenName {
  const own = name.endsWith(FILE) ? name.slice(0, -FILE.length) : name;
  if (!(VARIABLES as readonly string[]).includes(own)) return false;
  return own === name || variableOf(own as VariableName).fromFile === true;
}

/** What is said of a name that there is not: the one that is nearest, if one is near. */
function suggestion(name: string, prefix: string): string {
  const all = VARIABLES.flatMap((each) => (variableOf(each).fromFile === true ? [each, each + FILE] : [each]));
  const spelled = name.replaceAll('_', '').toLowerCase();
  const meant =
    all.find((each) => each === name.toUpperCase()) ??
    VARIABLES.find((each) => variableOf(each).option.replaceAll('.', '').toLowerCase() === spelled) ??
    all.find((each) => each.startsWith(name)) ??
    closestMatch(name, all, { maxDistance: name.length > 3 ? 2 : 1 }) ??
    all.findLast((each) => name.startsWith(each));
  return `no such variable${meant === undefined ? '; docs/configuration.md lists them' : `; did you mean ${prefix}${meant}?`}`;
}

function setAt(target: Record<string, unknown>, [name = '', ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) {
    target[name] = value;
    return;
  }
  const part = target[name];
  const inner = typeof part === 'object' ? part : (target[name] = {});
  setAt(inner as Record<string, unknown>, rest, value);
}
