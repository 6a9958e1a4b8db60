import { z } from 'zod';
import { MAX_TIMER_MS, withTimeout } from '../../../async/with-timeout.js';
import { issueLines } from '../../../values/zod-issues.js';
import type { RedisCredentialsProvider } from '../redis-options.js';

/** Why there are no credentials for a connection. Its message repeats nothing that the caller's function has read. */
export class CredentialsFailed extends Error {}

const answer = z.object({ username: z.string().optional(), password: z.string().min(1) });

/** Asks the caller's function for user and password. */
export class Credentials {
  readonly #provider: RedisCredentialsProvider;
  private readonly limit: number;

  /** @param timeout - Milliseconds after which the caller of the store gets an error, by then with the reason. */
  constructor(provider: RedisCredentialsProvider, timeout: number) {
    this.#provider = provider;
    this.limit = Math.min(timeout - Math.min(timeout / 10, 100), MAX_TIMER_MS);
  }

  /**
   * @param asking - Is aborted to end the wait, and when the time is over.
   * @returns user and password.
   * @throws {CredentialsFailed} whose cause is what the caller's function has thrown.
   */
  async ask(asking: AbortController): Promise<readonly [username: string, password: string]> {
    const { signal } = asking;
    const ended = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(new CredentialsFailed('the connection is not needed any more')));
    });
    const timedOut = (): Error =>
      new CredentialsFailed(`"credentials" gave no answer within ${Math.ceil(this.limit)} ms`);
    const given = (async () => this.#provider({ signal }))();
    let value: unknown;
    try {
      value = await withTimeout(this.limit, Promise.race([given, ended]), timedOut);
    } catch (cause) {
      asking.abort();
      if (cause instanceof CredentialsFailed) throw cause;
      throw new CredentialsFailed(`"credentials" failed (${kindOf(cause)})`, { cause });
    }
    const checked = answer.safeParse(value);
    if (checked.success) return [checked.data.username || 'default', checked.data.password];
    throw new CredentialsFailed(`"credentials" gave a wrong answer: ${issueLines(checked.error).join('; ')}`);
  }
}

/** The name and code of an error. Its message may quote the file or reply that the password stands in. */
function kindOf(error: unknown): string {
  const { name, code } = (error ?? {}) as { readonly name?: unknown; readonly code?: unknown };
  const words = [name, code].filter((each): each is string => typeof each === 'string' && /^\w+$/.test(each));
  return words.length === 0 ? 'it threw no error' : words.join(' ');
}

/** The credentials of one client, which are asked for before each of its connections. */
export class ClientLogin {
  /** User and password. The client reads them once it is connected. */
  readonly #auth: string[] = [];
  private asking: AbortController | undefined;

  /** @param options - Those of the client. */
  constructor(
    private readonly credentials: Credentials,
    options: object,
  ) {
    // ioredis takes its password before it connects, and a list of user and password in place of it, which is filled later.
    Object.assign(options, { password: this.#auth });
  }

  /** @throws {CredentialsFailed} */
  async renew(): Promise<void> {
    this.asking = new AbortController();
    [this.#auth[0], this.#auth[1]] = await this.credentials.ask(this.asking);
  }

  /** Ends the wait for an answer. */
  cancel(): void {
    this.asking?.abort();
  }
}
