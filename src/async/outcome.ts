/** What stands for the result of one piece of work that failed by itself, its neighbours not. */
export class Failed {
  constructor(readonly error: unknown) {}
}
