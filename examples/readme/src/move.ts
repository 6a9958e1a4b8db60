import { type BaseStore, copyStore } from 'nestjs-diffsync';

/** Fails with a CopyException unless all is there in the end, in order; run again it goes on where it was. */
export async function move(from: BaseStore, to: BaseStore): Promise<void> {
  const { models } = await copyStore(from, to, {
    onProgress: (stage, current, total) => console.error(`${stage} ${current}/${total}`),
    signal: AbortSignal.timeout(600_000),
  });
  for (const { model, objects, copied, digest } of models) console.log(model, objects, copied, digest);
}
