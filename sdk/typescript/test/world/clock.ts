/** A clock that is put forward, never waited for. */
export class Clock {
  ms = Date.UTC(2026, 0, 2, 3, 4, 5);

  readonly now = (): number => this.ms;

  get seconds(): number {
    return Math.floor(this.ms / 1000);
  }

  forward(seconds: number): void {
    this.ms += seconds * 1000;
  }
}
