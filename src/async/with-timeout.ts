/** The longest delay of a timer, about 24.8 days; Node replaces a longer one by 1 ms. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Ends a promise with a deadline.
 * @param ms - Milliseconds to wait, however many; Infinity: no deadline.
 * @param onTimeout - Makes the error of a timeout. The work then goes on, and its outcome is ignored.
 * @returns a promise that settles as `work` does, or rejects at the timeout.
 */
export function withTimeout<T>(ms: number, work: Promise<T>, onTimeout: () => Error): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    let timer: NodeJS.Timeout;
    const wait = (left: number): void => {
      const later = left > MAX_TIMER_MS ? () => wait(left - MAX_TIMER_MS) : () => reject(onTimeout());
      timer = setTimeout(later, Math.min(Math.max(Math.ceil(left), 1), MAX_TIMER_MS));
    };
    wait(ms);
    work.then(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}
