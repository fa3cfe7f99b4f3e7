// Sends a video. XMLHttpRequest, because fetch does not tell how much of a body has gone out.

import type { Conversion } from './api'
import { explain, Failed } from './request'
import { authorize, expire } from './session'

export class Canceled extends Error {}

const broke = () => new Failed(0, 'The connection broke before the video had arrived. Try again: what the service already has is not made twice.')

/** How long a line may stand still while a body goes out, in milliseconds: it may be dead for long before the browser knows. */
const patience = 60_000

/** The fields that go before the file, as openapi.yaml names them. */
export type Fields = [name: string, value: string][]

export interface Upload {
  done: Promise<Conversion>
  abort(): void
}

/** A key by which the gateway recognises a request that is sent again. */
export function newKey(): string {
  // Not randomUUID, which browsers keep from pages without TLS.
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, '0')).join('')
}

/** Sends a video as a form, in one request. */
export function upload(file: File, fields: Fields, key: string, progress: (sent: number) => void): Upload {
  const stop = new AbortController()
  const go = async (): Promise<Conversion> => {
    const data = form(file, fields)
    const text = await sendBody('POST', '/v1/conversions', data, { 'Idempotency-Key': key }, (sent, total) => progress(sent / total), stop.signal)
    try {
      return JSON.parse(text)
    } catch {
      throw explain(202, '')
    }
  }
  return { done: go(), abort: () => stop.abort() }
}

function form(file: File, fields: Fields): FormData {
  const data = new FormData()
  for (const [name, value] of fields) data.append(name, value)
  data.append('file', file, file.name) // last: the gateway reads the form as it comes
  return data
}

/** Sends a body with the session's token, tells of each part that is out, and returns the answer's body. */
export async function sendBody(
  method: string,
  path: string,
  body: FormData | Blob,
  headers: Record<string, string>,
  progress: (sent: number, total: number) => void,
  signal: AbortSignal,
): Promise<string> {
  for (;;) {
    const token = await authorize()
    if (signal.aborted) throw new Canceled()
    try {
      return await sendOnce(method, path, body, { ...headers, Authorization: 'Bearer ' + token }, progress, signal)
    } catch (error) {
      if (!(error instanceof Failed) || error.status !== 401) throw error
      expire(token)
    }
  }
}

function sendOnce(
  method: string,
  path: string,
  body: FormData | Blob,
  headers: Record<string, string>,
  progress: (sent: number, total: number) => void,
  signal: AbortSignal,
): Promise<string> {
  const request = new XMLHttpRequest()
  const abort = () => request.abort()
  let timer = 0
  let stalled = false
  const watch = () => {
    clearTimeout(timer)
    timer = setTimeout(() => {
      stalled = true
      request.abort()
    }, patience)
  }
  return new Promise<string>((resolve, reject) => {
    request.open(method, path)
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value)
    request.upload.addEventListener('load', () => clearTimeout(timer)) // the rest takes as long as it takes
    request.upload.addEventListener('progress', (event) => {
      watch()
      if (event.lengthComputable && event.total > 0) progress(event.loaded, event.total)
    })
    request.addEventListener('abort', () => reject(stalled ? broke() : new Canceled()))
    request.addEventListener('error', () => reject(broke()))
    request.addEventListener('load', () => {
      if (request.status >= 300) reject(explain(request.status, request.responseText))
      else resolve(request.responseText)
    })
    signal.addEventListener('abort', abort)
    watch()
    request.send(body)
  }).finally(() => {
    clearTimeout(timer)
    signal.removeEventListener('abort', abort)
  })
}
