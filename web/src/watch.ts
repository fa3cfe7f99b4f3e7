// Hears of changes: by server-sent events, read with fetch because EventSource cannot send a token, and by
// asking once a second while there are none and something is unfinished.

import { call } from './api'
import { SessionEnded } from './session'

export interface Change {
  id: string
  status: string
  progress: number
}

export interface Watcher {
  progress(change: Change): void
  changed(): Promise<void> // something else than progress: look at the list again
  unfinished(): boolean
  ended(): void // the session has
}

const pollEvery = 1000 // milliseconds
const reconnectAfter = 5000
const silence = 45_000 // the gateway says something every 15 seconds

/** Follows all conversions until the signal; it returns early when the session ends. */
export async function watch(watcher: Watcher, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await follow(watcher, signal).catch(unlessEnded)
      await poll(watcher, signal)
    } catch {
      if (!signal.aborted) watcher.ended()
      return
    }
  }
}

/** Passes over a broken stream, since there will be another. */
function unlessEnded(error: unknown): void {
  if (error instanceof SessionEnded) throw error
}

/** Reads one stream to its end. */
async function follow(watcher: Watcher, signal: AbortSignal): Promise<void> {
  const quiet = new AbortController()
  let timer = setTimeout(() => quiet.abort(), silence)
  const response = await call('GET', '/v1/events', { background: true, signal: AbortSignal.any([signal, quiet.signal]) })
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  try {
    await watcher.changed()
    let rest = ''
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      clearTimeout(timer)
      timer = setTimeout(() => quiet.abort(), silence)
      const blocks = (rest + value).split('\n\n')
      rest = blocks.pop()!
      // One look at the list is enough for whatever came at once.
      if (blocks.map((block) => hear(watcher, block)).includes('status')) await watcher.changed()
    }
  } finally {
    clearTimeout(timer)
    reader.cancel().catch(() => {}) // it has ended already if reading failed
  }
}

/** Shows an event's progress, if it is of that, and returns the event's name. */
function hear(watcher: Watcher, block: string): string {
  const fields = new Map<string, string>()
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':')
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1).trimStart())
  }
  const name = fields.get('event') ?? ''
  if (name === 'progress') watcher.progress(JSON.parse(fields.get('data') ?? '{}'))
  return name
}

/** Stands in for a stream for a while. */
async function poll(watcher: Watcher, signal: AbortSignal): Promise<void> {
  const until = Date.now() + reconnectAfter
  while (!signal.aborted && Date.now() < until) {
    if (watcher.unfinished()) await watcher.changed()
    await new Promise((resolve) => setTimeout(resolve, pollEvery))
  }
}
