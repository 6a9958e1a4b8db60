import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ObjectStoreException, recordFromJson, recordToJson, SerialStore, ValueError } from 'nestjs-diffsync';
import type { BaseStoreOptions, ModelRecord } from 'nestjs-diffsync';

/** `path`: the folder for all stores; it is created where there is none. */
export type FileStoreOptions = BaseStoreOptions & { readonly path: string };

/** A store that keeps each object in a JSON file of its own. For one process at a time. */
export class FileStore extends SerialStore {
  readonly engine = 'file';
  private readonly folder: string;
  /** The files by model and unique id, in insertion order: files are numbered as objects are added. */
  private readonly files = new Map<string, Map<string, string>>();
  private next = 0;

  constructor(private readonly options: FileStoreOptions) {
    super({ storeId: 'default', ...options });
    if (typeof options.path !== 'string') throw new ValueError('FileStore: path is missing');
    // A hash, because a store id may hold "..", be too long, or differ from another in its case only.
    this.folder = join(options.path, createHash('sha256').update(String(this.storeId)).digest('hex'));
  }

  override scope(options: { readonly storeId: string; readonly name?: string }) {
    return new FileStore({ path: this.options.path, logger: this.logger, ...options });
  }

  protected override async connect() {
    await mkdir(this.folder, { recursive: true });
    for (const file of (await readdir(this.folder)).filter((name) => name.endsWith('.json')).toSorted()) {
      const { model, record } = await this.load(file);
      this.files.set(model, (this.files.get(model) ?? new Map<string, string>()).set(record.uid, file));
      this.next = Number.parseInt(file) + 1;
    }
  }

  protected override async disconnect() {
    this.files.clear();
  }

  protected override async probe() {
    await readdir(this.folder);
  }

  protected override async listModels() {
    return [...this.files.keys()];
  }

  protected override async listUids(model: string) {
    return [...(this.files.get(model)?.keys() ?? [])];
  }

  protected override async readRecord(model: string, uid: string) {
    const file = this.files.get(model)?.get(uid);
    return file === undefined ? undefined : (await this.load(file)).record;
  }

  protected override async writeRecord(model: string, record: ModelRecord) {
    const files = this.files.get(model) ?? new Map<string, string>();
    const file = files.get(record.uid) ?? `${String(this.next++).padStart(16, '0')}.json`;
    await writeFile(join(this.folder, 'new'), JSON.stringify({ model, uid: record.uid, object: recordToJson(record) }));
    await rename(join(this.folder, 'new'), join(this.folder, file)); // A reader sees the old file or the new one.
    this.files.set(model, files.set(record.uid, file));
  }

  protected override async removeRecord(model: string, uid: string) {
    const file = this.files.get(model)?.get(uid);
    if (file !== undefined) await rm(join(this.folder, file));
    return this.files.get(model)?.delete(uid) ?? false;
  }

  private async load(file: string): Promise<{ model: string; record: ModelRecord }> {
    const text = await readFile(join(this.folder, file), 'utf8');
    try {
      const { model, uid, object } = JSON.parse(text) as { model: string; uid: string; object: unknown };
      return { model, record: recordFromJson(uid, object) };
    } catch (cause) {
      throw new ObjectStoreException(`${join(this.folder, file)} holds no object`, { code: 'STORE_CORRUPT', cause });
    }
  }
}
