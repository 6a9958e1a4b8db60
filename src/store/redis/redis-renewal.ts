/** Puts off the expiry of a store with a `ttl` for as long as it is used. */
export class RedisRenewal {
  private used = false;
  private running: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;

  /** @param failed told of a renewal that failed; it is tried again while the store is used. */
  constructor(
    private readonly ttl: number,
    private readonly renew: () => Promise<void>,
    private readonly failed: (error: unknown) => void,
  ) {}

  use(): void {
    this.used = true;
  }

  start(): void {
    this.timer ??= setInterval(() => void this.tick(), this.ttl / 3).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    this.timer = undefined;
    await this.running;
  }

  private async tick(): Promise<void> {
    if (!this.used || this.running !== undefined) return;
    this.used = false;
    this.running = this.renew().catch((error: unknown) => {
      this.used = true;
      this.failed(error);
    });
    await this.running;
    this.running = undefined;
  }
}
