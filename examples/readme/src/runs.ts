import { Injectable } from '@nestjs/common';
import { SyncRunner } from 'nestjs-diffsync';
import { CmdbAdapter, NetworkAdapter } from './application.js';

@Injectable()
export class Runs {
  constructor(
    private readonly network: NetworkAdapter,
    private readonly cmdb: CmdbAdapter,
    private readonly syncs: SyncRunner,
  ) {}

  async nightly(): Promise<void> {
    const { network: source, cmdb: target } = this;
    const run = await this.syncs.run({ source, target, label: 'nightly', by: 'scheduler' });
    console.log(run.id, run.outcome, run.counts, run.results);
  }

  /** Plans in one process, and applies in this or another one. */
  async approved(by: string): Promise<void> {
    const { network: source, cmdb: target } = this;
    const plan = await this.syncs.run({ source, target, dryRun: true });
    await this.syncs.apply(plan.id, { source, target, by });
  }

  async morning(device: string): Promise<void> {
    const history = this.syncs.history(this.cmdb);
    const { runs, next } = await history.list({ limit: 20 }); // the newest first; list({ after: next }) goes on
    for (const { id } of runs) {
      for await (const { model, uid, old } of history.changes(id, { actions: ['delete'] }))
        console.log(model, uid, old);
    }
    console.log(next, await history.ofObject('device', device)); // what happened to this device, in all runs
    await history.prune({ runs: 100, days: 30 });
  }
}
