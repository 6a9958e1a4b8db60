/**
 * Ends a promise with a deadline.
 * @param ms - Milliseconds to wait.
 * @param onTimeout - Makes the error of a timeout. The work then goes on, and its outcome is ignored.
 * @returns a promise that settles as `work` does, or rejects at the timeout.
 */
export function withTimeout<T>(ms: number, work: Promise<T>, onTimeout: () => Error): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => reject(onTimeout()), Math.max(Math.ceil(ms), 1));
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
