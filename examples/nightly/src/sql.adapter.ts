import { Adapter } from 'nestjs-diffsync';
import type { SqlClient } from './sql-table.js';

/** An adapter whose hooks reach its database by its client. */
export abstract class SqlAdapter extends Adapter {
  abstract readonly client: SqlClient;
}
