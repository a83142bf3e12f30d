// The time that a thread's view of the store goes by: whoever runs the store tells it, each part only reads it.
export class StoreTime {
  nowMs = 0;
  nowSec = 0;

  set(nowMs: number): void {
    this.nowMs = nowMs;
    this.nowSec = Math.floor(nowMs / 1000);
  }
}
