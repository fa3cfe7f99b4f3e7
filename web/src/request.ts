// One request of the gateway, and what may come instead of an answer.

/** An answer, or the lack of one, in words for the person in front of the page. */
export class Failed extends Error {
  /** The kind is the slug of a problem document, if it was one. */
  constructor(readonly status: number, message: string, readonly kind = '') {
    super(message)
  }
}

export async function send(method: string, path: string, headers: Record<string, string>, body?: unknown, signal?: AbortSignal): Promise<Response> {
  const init: RequestInit = { method, headers, signal, cache: 'no-store' }
  if (body !== undefined) {
    init.headers = { ...headers, 'Content-Type': 'application/json' }
    init.body = JSON.stringify(body)
  }
  let response: Response
  try {
    response = await fetch(path, init)
  } catch (error) {
    if (signal?.aborted) throw error
    throw new Failed(0, 'The service cannot be reached. Check your connection and try again.')
  }
  if (!response.ok) throw explain(response.status, await response.text())
  return response
}

/** Tells whether the same request may do better another time. */
export function passing(error: unknown): boolean {
  return !(error instanceof Failed) || error.status === 0 || error.status >= 500 || [408, 409, 423, 429].includes(error.status)
}

interface Problem {
  type?: string
  title?: string
  detail?: string
  errors?: FieldError[]
}

interface FieldError {
  field: string
  detail: string
}

/** Says what is wrong with a field, whose name is one for programs. */
function inWords({ field, detail }: FieldError): string {
  return `${field.charAt(0).toUpperCase()}${field.slice(1).replaceAll('_', ' ')} ${detail}`
}

/** Makes words of a problem document (RFC 9457), or of whatever else came instead. */
export function explain(status: number, body: string): Failed {
  try {
    const problem: Problem = JSON.parse(body)
    const words = problem.errors ? problem.errors.map(inWords).join('; ') : problem.detail || problem.title
    if (words) return new Failed(status, words, problem.type?.replace('/problems/', ''))
  } catch {
    // Not from the gateway: something in between answered.
  }
  return new Failed(status, `The service answered with an error (${status}). Please try again.`)
}
