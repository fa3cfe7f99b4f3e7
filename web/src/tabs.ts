// What the tabs of a browser share, and how they take turns with it.

/** Browsers have it only for pages that came encrypted or from this machine. */
const locks: LockManager | undefined = navigator.locks

/** Whether tabs can take turns. */
export const turns = locks !== undefined

/** One for all tabs, or, where they cannot take turns, one for each. */
export const storage = turns ? localStorage : sessionStorage

/** Does something while no other tab does anything so. */
export function alone<T>(work: () => Promise<T>): Promise<T> {
  return locks ? locks.request('unreel.session', work) : work()
}
