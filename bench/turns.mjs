import { once } from 'node:events';

/**
 * Two builds are measured by one process each. A row of both is measured at nearly the same time, as the machine's speed changes
 * from one second to the next, and never at the same time: the parent process gives each its turn.
 */
const READY = 'ready';
const GO = 'go';
const DONE = 'done';
const ALL_DONE = 'all done';

/** Calls `work` in this process's turn. At once where no parent process gives turns. */
export async function inTurn(work) {
  if (process.send === undefined) return work();
  await answerTo(READY);
  const result = await work();
  await answerTo(DONE);
  return result;
}

async function answerTo(message) {
  const answer = once(process, 'message');
  process.send(message);
  await answer;
}

/**
 * Gives each process its turn, again and again, once all of them are ready for it.
 * @returns the last message of each, by position: what it has measured.
 * @throws {Error} when one of them fails; the others are ended.
 */
export async function giveTurns(processes) {
  const failures = processes.map(async (each) => {
    const [code, signal] = await once(each, 'exit');
    if (code !== 0) throw new Error(`a process that measures has ended with ${code ?? signal}`);
  });
  try {
    const [results] = await Promise.all([resultsOf(processes), ...failures]);
    return results;
  } finally {
    for (const each of processes) each.kill();
  }
}

async function resultsOf(processes) {
  const results = processes.map(() => undefined);
  const next = processes.map((each) => once(each, 'message'));
  const received = async (at) => (await next[at])[0];
  const answer = (at, message) => {
    next[at] = once(processes[at], 'message');
    processes[at].send(message);
  };
  for (let left = [...processes.keys()]; left.length > 0;) {
    for (const at of left) {
      const message = await received(at);
      if (message !== READY) results[at] = message;
    }
    left = left.filter((at) => results[at] === undefined);
    for (const at of left) {
      answer(at, GO);
      await received(at);
    }
    for (const at of left) answer(at, ALL_DONE);
  }
  return results;
}
