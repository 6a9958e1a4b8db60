import type { ComponentChildren, JSX } from 'preact';
import type { DecideInfo } from '../../board-api.js';
import { useBoard } from '../board.js';
import type { Answer } from '../use-answer.js';
import { Answered } from './screen.js';

interface MayDecideProps {
  readonly answer: Answer<DecideInfo>;
  readonly children: (info: DecideInfo) => ComponentChildren;
}

/** Shows what decides to who may decide, and else says why it is not there. */
export function MayDecide({ answer, children }: MayDecideProps): JSX.Element {
  if (useBoard().readOnly)
    return <p class="notice">This board is read-only: runs are started and applied elsewhere.</p>;
  const status = answer.error?.status;
  if (status === 401 || status === 403)
    return <p class="notice notice-warn">You may look at everything here, but not decide.</p>;
  return <Answered answer={answer}>{children}</Answered>;
}
