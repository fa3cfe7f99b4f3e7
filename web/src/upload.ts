// Sends a video. XMLHttpRequest, because fetch does not tell how much of a body has gone out.

import type { Conversion } from './api'
import { explain, Failed } from './request'
import { authorize, expire } from './session'

export class Canceled extends Error {}

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

export function upload(file: File, fields: Fields, key: string, progress: (sent: number) => void): Upload {
  let current: XMLHttpRequest | null = null
  let aborted = false
  const attempt = async (): Promise<Conversion> => {
    for (;;) {
      const token = await authorize()
      if (aborted) throw new Canceled()
      current = new XMLHttpRequest()
      try {
        return await post(current, form(file, fields), { Authorization: 'Bearer ' + token, 'Idempotency-Key': key }, progress)
      } catch (error) {
        if (!(error instanceof Failed) || error.status !== 401) throw error
        expire(token)
      }
    }
  }
  return {
    done: attempt(),
    abort() {
      aborted = true
      current?.abort()
    },
  }
}

function form(file: File, fields: Fields): FormData {
  const data = new FormData()
  for (const [name, value] of fields) data.append(name, value)
  data.append('file', file, file.name) // last: the gateway reads the form as it comes
  return data
}

function post(request: XMLHttpRequest, data: FormData, headers: Record<string, string>, progress: (sent: number) => void): Promise<Conversion> {
  return new Promise((resolve, reject) => {
    request.open('POST', '/v1/conversions')
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value)
    request.upload.addEventListener('progress', (event) => {
      if (event.lengthComputable && event.total > 0) progress(event.loaded / event.total)
    })
    request.addEventListener('abort', () => reject(new Canceled()))
    request.addEventListener('error', () => reject(new Failed(0, 'The connection broke before the video had arrived. Try again: what the service already has is not made twice.')))
    request.addEventListener('load', () => {
      if (request.status !== 202) return reject(explain(request.status, request.responseText))
      try {
        resolve(JSON.parse(request.responseText))
      } catch {
        reject(explain(request.status, ''))
      }
    })
    request.send(data)
  })
}
