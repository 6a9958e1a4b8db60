import { Injectable, Logger } from '@nestjs/common';
import { Cron, CronExpression } from '@nestjs/schedule';
import { SyncRefused, SyncRunner, type SyncRun } from 'nestjs-diffsync';
import { CmdbAdapter } from './cmdb.adapter.js';
import { NetworkAdapter } from './network.adapter.js';

/** Brings the CMDB up to date with the network, every night. */
@Injectable()
export class NightlyJob {
  private readonly logger = new Logger(NightlyJob.name);

  constructor(
    private readonly syncs: SyncRunner,
    private readonly network: NetworkAdapter,
    private readonly cmdb: CmdbAdapter,
  ) {}

  /** The schedule's own errors would end the process: what a run fails with is logged, and is in its history. */
  @Cron(CronExpression.EVERY_DAY_AT_2AM)
  async onSchedule(): Promise<void> {
    await this.run('scheduler').catch((error: unknown) => {
      if (error instanceof SyncRefused) this.logger.warn(error.message);
      else this.logger.error(error);
    });
  }

  /** @param by - Who starts the run: `scheduler`, or a person who does not want to wait for the night. */
  async run(by: string): Promise<SyncRun> {
    const run = await this.syncs.run({
      source: this.network,
      target: this.cmdb,
      label: 'nightly',
      by,
      // The database refuses a row: the others are written all the same, and the run names it.
      continueOnFailure: true,
      guards: { maxDeletePercent: 10 },
    });
    this.logger.log(`Run ${run.id}: ${JSON.stringify(run.results)}`);
    return run;
  }
}
