import type { CreateItem, DeleteItem, UpdateItem } from 'nestjs-diffsync';

/** A client of PostgreSQL: a pool of `pg`, or PGlite. */
export interface SqlClient {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
}

/** The token of the client. */
export const SQL = Symbol('SQL');

/** One table: writes any number of rows by one statement, and reads them page by page. */
export class SqlTable<Row extends object> {
  private readonly rest: readonly string[];

  /**
   * @param name - The name of the table.
   * @param columns - Column -> its type in PostgreSQL.
   * @param key - The columns of the primary key.
   */
  constructor(
    private readonly name: string,
    private readonly columns: Readonly<Record<keyof Row & string, string>>,
    private readonly key: readonly (keyof Row & string)[],
  ) {
    this.rest = Object.keys(columns).filter((column) => !(key as readonly string[]).includes(column));
  }

  /** Writes what a bulk hook creates. */
  async insert(client: SqlClient, objects: readonly CreateItem<Partial<Row>, Partial<Row>>[]): Promise<void> {
    const names = Object.keys(this.columns).join(', ');
    const rows = objects.map(({ ids, attrs }) => ({ ...ids, ...attrs }));
    await client.query(`insert into ${this.name} (${names}) select ${names} from ${this.given()}`, [
      JSON.stringify(rows),
    ]);
  }

  /** Writes what a bulk hook changes: whole rows, of what the objects have and what they get. */
  async update(client: SqlClient, objects: readonly UpdateItem<Row, Partial<Row>>[]): Promise<void> {
    const set = this.rest.map((column) => `${column} = given.${column}`).join(', ');
    const rows = objects.map(({ model, attrs }) => ({ ...this.rowOf(model), ...attrs }));
    await client.query(`update ${this.name} as stored set ${set} from ${this.given()} where ${this.isGiven()}`, [
      JSON.stringify(rows),
    ]);
  }

  /** Removes what a bulk hook deletes. */
  async delete(client: SqlClient, objects: readonly DeleteItem<Row>[]): Promise<void> {
    const rows = objects.map(({ model }) => this.rowOf(model));
    await client.query(`delete from ${this.name} as stored using ${this.given()} where ${this.isGiven()}`, [
      JSON.stringify(rows),
    ]);
  }

  /** Yields all rows by the key, in pages: one statement that answers all would hold all in memory twice. */
  async *pages(client: SqlClient, size: number): AsyncGenerator<Row[], void, undefined> {
    const key = this.key.join(', ');
    let last: Row | undefined;
    do {
      const values = last === undefined ? [] : this.key.map((column) => (last as Row)[column]);
      const after = values.map((_, at) => `$${at + 1}`).join(', ');
      const where = values.length === 0 ? '' : `where (${key}) > (${after})`;
      const answer = await client.query(
        `select ${Object.keys(this.columns).join(', ')} from ${this.name} ${where} order by ${key} limit ${size}`,
        values,
      );
      const rows = answer.rows as Row[];
      if (rows.length > 0) yield rows;
      last = rows.length < size ? undefined : rows.at(-1);
    } while (last !== undefined);
  }

  private rowOf(model: Row): Partial<Row> {
    const columns = Object.keys(this.columns) as (keyof Row & string)[];
    return Object.fromEntries(columns.map((column) => [column, model[column]])) as Partial<Row>;
  }

  /** The rows of the first parameter, which is a JSON text, as a table. */
  private given(): string {
    const columns = Object.entries(this.columns).map(([column, type]) => `${column} ${type as string}`);
    return `jsonb_to_recordset($1::jsonb) as given(${columns.join(', ')})`;
  }

  private isGiven(): string {
    return this.key.map((column) => `stored.${column} = given.${column}`).join(' and ');
  }
}
