// Sends a large video in pieces, by tus 1.0.0. Where the line breaks, it goes on by itself from what has arrived.

import { call, get, type Conversion } from './api'
import { Failed, passing } from './request'
import { Canceled, sendBody, type Fields, type Upload } from './upload'

/** From how many bytes on a video is sent in pieces: less is sent again as quickly. */
export const worthwhile = 16 << 20

/** Where a video goes, from when the gateway has said so, so that another try goes on there. */
export interface Place {
  path: string
}

const version = { 'Tus-Resumable': '1.0.0' }

// Between two tries that bring nothing, in seconds. Together they are longer than the gateway keeps a dead line.
const pauses = [0, 1, 3, 5, 10, 20, 30, 30]

/** Sends a video, and tells of each part that is out and of when there is no line. */
export function uploadInPieces(file: File, fields: Fields, place: Place, progress: (sent: number) => void, wait: () => void): Upload {
  const stop = new AbortController()
  const go = async (): Promise<Conversion> => {
    for (let tries = 0, reached = 0; ; tries++) {
      try {
        return await attempt()
      } catch (error) {
        if (stop.signal.aborted) throw new Canceled()
        if (error instanceof Failed && error.status === 404 && place.path) {
          place.path = '' // it has expired
          reached = 0
        } else if (!passing(error)) throw error
        if (furthest > reached) tries = 0
        reached = furthest
        if (tries === pauses.length) throw error
        wait()
        await pause(pauses[tries] ?? 0, stop.signal)
      }
    }
  }
  let furthest = 0 // bytes
  const attempt = async (): Promise<Conversion> => {
    let offset = 0
    if (place.path) offset = await ask(place.path, stop.signal)
    else place.path = await create(file, fields, stop.signal)
    furthest = offset
    const send = (sent: number) => {
      progress((offset + sent) / file.size)
    }
    send(0)
    if (offset < file.size) {
      const headers = { ...version, 'Upload-Offset': String(offset), 'Content-Type': 'application/offset+octet-stream' }
      await sendBody('PATCH', place.path, file.slice(offset), headers, send, stop.signal)
    }
    return get(place.path.slice(place.path.lastIndexOf('/') + 1), stop.signal)
  }
  return {
    done: go(),
    abort() {
      stop.abort()
      if (place.path) void call('DELETE', place.path, { headers: version, background: true }).catch(() => {}) // it expires
    },
  }
}

/** Announces a video, and returns where its bytes go. */
async function create(file: File, fields: Fields, signal: AbortSignal): Promise<string> {
  const metadata = [['filename', file.name], ...fields].map(([name, value]) => `${name} ${base64(value ?? '')}`).join(',')
  const headers = { ...version, 'Upload-Length': String(file.size), 'Upload-Metadata': metadata }
  const response = await call('POST', '/v1/uploads', { headers, signal })
  return response.headers.get('Location') ?? ''
}

/** Asks how many bytes have arrived. */
async function ask(path: string, signal: AbortSignal): Promise<number> {
  const response = await call('HEAD', path, { headers: version, signal })
  return Number(response.headers.get('Upload-Offset'))
}

function base64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)))
}

/** Waits, but not when the browser says that there is a line again. */
function pause(seconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      clearTimeout(timer)
      removeEventListener('online', go)
      signal.removeEventListener('abort', go)
      resolve()
    }
    const timer = setTimeout(go, seconds * 1000)
    addEventListener('online', go)
    signal.addEventListener('abort', go)
  })
}
