import { existsSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import type { INestApplicationContext, LoggerService, Type } from '@nestjs/common';
import type * as Nest from '@nestjs/core';
import { DiffSyncError } from '../errors.js';
import type * as Package from '../index.js';
import { visibleText } from '../values/visible-text.js';
import { redactUrls } from './redact-urls.js';
import type { RunsCommand } from './runs.arguments.js';
import type { Io } from './io.js';

/** What is asked of Nest's wrapper of a provider. */
interface Provider {
  readonly token: unknown;
  /** Whether there is one instance, and not one for each request. */
  isDependencyTreeStatic(): boolean;
}

/** An application that was started for a command. Its Nest and its nestjs-diffsync are its own, as its classes are of these. */
export class AppContext {
  private constructor(
    private readonly context: INestApplicationContext,
    private readonly nest: typeof Nest,
    /** The application's copy of this package. */
    readonly diffsync: typeof Package,
  ) {}

  /**
   * Starts the application without its servers.
   * @param app - the file of its module, and the name of the export.
   * @throws {DiffSyncError} (DIFFSYNC_ERROR) where there is no such module, else what the application has failed with.
   */
  static async start({ file, exported }: RunsCommand['app'], io: Io): Promise<AppContext> {
    const given = resolve(file);
    if (!existsSync(given)) throw new DiffSyncError(`--app: there is no file ${given}: is the application built?`);
    // Packages are looked for from where the file is, as the file itself does.
    const path = realpathSync(given);
    const found = moduleOf(file, exported, await exportsOf(path));
    const nest = await load<typeof Nest>(path, '@nestjs/core');
    const diffsync = await load<typeof Package>(path, 'nestjs-diffsync');
    const logger = stderrLogger(io);
    const context = await nest.NestFactory.createApplicationContext(found, { abortOnError: false, logger });
    return new AppContext(context, nest, diffsync);
  }

  /**
   * Finds an adapter among the providers.
   * @param option - begins the message of an error.
   * @throws {DiffSyncError} (DIFFSYNC_ERROR) that lists the adapters that there are.
   */
  async adapter(option: string, name: string): Promise<Package.Adapter> {
    const all = [...this.providers(this.diffsync.Adapter)];
    const found = all.filter(([instance]) => instance.constructor.name === name);
    const [first, second] = found;
    if (first === undefined) {
      const names = all.map(([instance]) => instance.constructor.name).toSorted();
      const there = names.length === 0 ? 'it provides no adapter' : `its adapters are ${names.join(', ')}`;
      throw new DiffSyncError(`${option}: the application provides no adapter ${name}: ${there}`);
    }
    if (second !== undefined)
      throw new DiffSyncError(`${option}: the application provides ${found.length} adapters ${name}`);
    const [instance, provider] = first;
    // Of a provider that Nest makes for each request there is a prototype only.
    return provider.isDependencyTreeStatic()
      ? instance
      : this.context.resolve<Package.Adapter>(provider.token as Type<Package.Adapter>, undefined, { strict: false });
  }

  /** Returns the application's runner of syncs, with its retention. */
  runner(): Package.SyncRunner {
    const [first] = this.providers(this.diffsync.SyncRunner).keys();
    return first ?? new this.diffsync.SyncRunner();
  }

  close(): Promise<void> {
    return this.context.close();
  }

  /** Returns the instances of a class, and what declares them. */
  private providers<T extends object>(wanted: abstract new (...args: never) => T): Map<T, Provider> {
    const found = new Map<T, Provider>();
    for (const module of this.context.get(this.nest.ModulesContainer).values()) {
      for (const provider of module.providers.values()) {
        const instance: unknown = provider.instance;
        if (instance instanceof wanted && !found.has(instance)) found.set(instance, provider);
      }
    }
    return found;
  }
}

/** @throws DiffSyncError for a file that fails when it is loaded. */
async function exportsOf(path: string): Promise<Readonly<Record<string, unknown>>> {
  let exports: Readonly<Record<string, unknown>>;
  try {
    exports = (await import(pathToFileURL(path).href)) as Readonly<Record<string, unknown>>;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new DiffSyncError(`--app: ${path} cannot be loaded: ${reason}`, { cause: error });
  }
  // Of CommonJS Node may not know the names: all of it is the default export then.
  const { default: whole } = exports;
  return typeof whole === 'object' && whole !== null ? { ...whole, ...exports } : exports;
}

/** Loads a package as the application does. */
async function load<T>(app: string, name: string): Promise<T> {
  let path: string;
  try {
    path = createRequire(app).resolve(name);
  } catch (error) {
    throw new DiffSyncError(`--app: ${app} has no ${name} to load: npm install ${name}`, { cause: error });
  }
  return (await import(pathToFileURL(path).href)) as T;
}

/** @throws DiffSyncError where the file exports no module of that name, or none at all. */
function moduleOf(file: string, name: string | undefined, exports: Readonly<Record<string, unknown>>): Type {
  const modules = Object.entries(exports).filter(([, value]) => isModule(value));
  const found = name === undefined ? modules[0] : modules.find(([each]) => each === name);
  if (found !== undefined) return found[1] as Type;
  const names = modules.map(([each]) => each);
  const there = names.length === 0 ? 'it exports none' : `it exports ${names.join(', ')}`;
  throw new DiffSyncError(`--app: ${file} exports no Nest module${name === undefined ? '' : ` ${name}`}: ${there}`);
}

/** Whether a value is a class that `@Module` decorates. */
function isModule(value: unknown): boolean {
  if (typeof value !== 'function') return false;
  // The application has loaded reflect-metadata, if it has a module.
  const { getOwnMetadata } = Reflect as { getOwnMetadata?(key: string, target: object): unknown };
  return ['imports', 'providers', 'controllers', 'exports'].some((key) => getOwnMetadata?.(key, value) !== undefined);
}

/** Nest's logger: warnings and errors, on standard error, as standard output is for results. */
function stderrLogger({ stderr }: Io): LoggerService {
  const write = (level: string, message: unknown, rest: readonly unknown[]): void => {
    const last = rest.at(-1);
    // What ends the start of the application is reported by the command.
    if (last === 'ExceptionHandler') return;
    const hasContext = typeof last === 'string' && !last.includes('\n');
    const parts = [message, ...(hasContext ? rest.slice(0, -1) : rest)].filter((each) => each !== undefined);
    const text = parts.map((each) => (typeof each === 'string' ? each : inspect(each))).join(' ');
    const lines = redactUrls(text).split('\n').map(visibleText);
    stderr.write(`${level}${hasContext ? ` [${last}]` : ''} ${lines.join('\n')}\n`);
  };
  return {
    log: () => undefined,
    warn: (message: unknown, ...rest: unknown[]) => write('Warning', message, rest),
    error: (message: unknown, ...rest: unknown[]) => write('Error', message, rest),
    fatal: (message: unknown, ...rest: unknown[]) => write('Error', message, rest),
  };
}
