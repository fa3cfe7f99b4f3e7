// Choosing videos and the rows of those that are on their way.

import type { Conversion } from './api'
import { announce, byId, find, fromTemplate, message, setText } from './dom'
import { uploadInPieces, worthwhile, type Place } from './pieces'
import { passing } from './request'
import { SessionEnded } from './session'
import { Canceled, newKey, upload, type Fields, type Upload } from './upload'
import * as words from './words'

const atOnce = 2

interface Job {
  file: File
  fields: Fields
  key: string
  place: Place
  row: HTMLElement
  running: Upload | null
}

let chosen: File[] = []
const waiting: Job[] = []
let running = 0
let generation = 0 // of who is logged in: what an earlier one has begun is no longer theirs to see

let uploaded: (c: Conversion) => void = () => {}
let counted: () => void = () => {}

/** Makes the form work. The first hook gets each conversion that an upload has become, the second is called when
 * there are more or fewer rows. */
export function setUp(onUploaded: (c: Conversion) => void, onCount: () => void): void {
  uploaded = onUploaded
  counted = onCount
  const input = byId<HTMLInputElement>('files')
  input.addEventListener('change', () => {
    choose(input.files)
    input.value = '' // so that the same file can be chosen again
  })
  byId<HTMLFormElement>('convert').addEventListener('submit', (event) => {
    event.preventDefault()
    if (!checkCut()) return
    const fields = readOptions()
    for (const file of chosen) add({ file, fields, key: newKey(), place: { path: '' }, row: fromTemplate('row'), running: null })
    chosen = []
    showChosen()
    pump()
  })
  // What is wrong with a field is shown beside it, and nowhere while the options are folded up.
  byId('convert').addEventListener('invalid', () => (byId<HTMLDetailsElement>('options').open = true), true)
  for (const id of ['start', 'end']) byId(id).addEventListener('input', () => byId<HTMLInputElement>('end').setCustomValidity(''))
  setUpDrop()
  window.addEventListener('beforeunload', (event) => {
    if (running + waiting.length > 0) event.preventDefault()
  })
}

/** Forgets everything, when somebody logs out. */
export function clear(): void {
  generation++
  chosen = []
  waiting.length = 0
  for (const row of [...byId('uploads').children]) row.dispatchEvent(new Event('discard'))
  byId<HTMLFormElement>('convert').reset()
  showChosen()
}

/** How many uploads there are to see. */
export function count(): number {
  return byId('uploads').children.length
}

function choose(files: FileList | null | undefined): void {
  chosen.push(...(files ?? []))
  showChosen()
}

function showChosen(): void {
  const rows = chosen.map((file) => {
    const row = fromTemplate('chosen-row')
    find(row, '.name').textContent = file.name
    find(row, '.size').textContent = words.size(file.size)
    const button = find<HTMLButtonElement>(row, '.remove')
    button.setAttribute('aria-label', `Remove ${file.name}`)
    button.addEventListener('click', () => {
      chosen = chosen.filter((other) => other !== file)
      showChosen()
      byId('files').focus()
    })
    return row
  })
  byId('chosen').replaceChildren(...rows)
  const button = byId<HTMLButtonElement>('start-upload')
  button.disabled = chosen.length === 0
  button.textContent = chosen.length > 1 ? `Convert ${chosen.length} videos` : 'Convert'
}

function readOptions(): Fields {
  const fields: Fields = []
  const [name, value] = byId<HTMLSelectElement>('quality').value.split('=')
  if (name && value) fields.push([name, value])
  if (byId<HTMLInputElement>('mono').checked) fields.push(['mono', 'true'])
  for (const id of ['start', 'end']) {
    const time = byId<HTMLInputElement>(id).value.trim()
    if (time) fields.push([id, time])
  }
  return fields
}

/** Says so if nothing of a video would be left, before it is uploaded for nothing. */
function checkCut(): boolean {
  const end = byId<HTMLInputElement>('end')
  const until = words.seconds(end.value)
  const wrong = until !== null && until <= (words.seconds(byId<HTMLInputElement>('start').value) ?? 0)
  end.setCustomValidity(wrong ? 'Must be later than the start.' : '')
  return end.reportValidity()
}

/** Takes files that are dropped anywhere, so that a near miss does not open the video in place of the page. */
function setUpDrop(): void {
  const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') ?? false
  const lit = (on: boolean) => byId('drop').classList.toggle('over', on)
  document.addEventListener('dragover', (event) => {
    if (!hasFiles(event)) return
    event.preventDefault()
    lit(!byId('work').hidden)
  })
  document.addEventListener('dragleave', (event) => {
    if (!event.relatedTarget) lit(false)
  })
  document.addEventListener('drop', (event) => {
    if (!hasFiles(event)) return
    event.preventDefault()
    lit(false)
    if (byId('work').hidden) return
    choose(event.dataTransfer?.files)
    byId('start-upload').focus()
  })
}

function add(job: Job): void {
  find(job.row, '.name').textContent = job.file.name
  find(job.row, '.meta').textContent = words.size(job.file.size)
  const cancel = find<HTMLButtonElement>(job.row, '[data-action=cancel]')
  const retry = find<HTMLButtonElement>(job.row, '[data-action=retry]')
  cancel.setAttribute('aria-label', `Cancel the upload of ${job.file.name}`)
  retry.setAttribute('aria-label', `Try the upload of ${job.file.name} again`)
  cancel.hidden = false
  const drop = () => {
    const index = waiting.indexOf(job)
    if (index >= 0) waiting.splice(index, 1)
    job.running?.abort()
    job.row.remove()
    counted()
  }
  job.row.addEventListener('discard', drop)
  cancel.addEventListener('click', () => {
    drop()
    announce(`Upload of ${job.file.name} canceled.`)
    byId('list-title').focus()
  })
  retry.addEventListener('click', () => {
    cancel.focus()
    enqueue(job)
    pump()
  })
  byId('uploads').append(job.row)
  counted()
  enqueue(job)
}

function enqueue(job: Job): void {
  waiting.push(job)
  show(job, 'Waiting to upload', 0)
}

function show(job: Job, status: string, sent: number | null): void {
  setText(find(job.row, '.status'), status)
  const bar = find<HTMLProgressElement>(job.row, 'progress')
  bar.hidden = sent === null
  if (sent !== null) bar.value = sent
  bar.setAttribute('aria-label', `Upload of ${job.file.name}`)
  find(job.row, '.error').textContent = ''
  find<HTMLElement>(job.row, '[data-action=retry]').hidden = true
  setText(find(job.row, '[data-action=cancel]'), 'Cancel')
}

function pump(): void {
  while (running < atOnce) {
    const job = waiting.shift()
    if (!job) return
    running++
    void run(job).finally(() => {
      running--
      pump()
    })
  }
}

async function run(job: Job): Promise<void> {
  const mine = generation
  show(job, 'Uploading 0%', 0)
  const progress = (sent: number) => show(job, sent < 1 ? `Uploading ${words.percent(sent)}` : 'Storing', sent)
  job.running =
    job.file.size < worthwhile
      ? upload(job.file, job.fields, job.key, progress)
      : uploadInPieces(job.file, job.fields, job.place, progress, () => setText(find(job.row, '.status'), 'The connection broke; going on when it is back'))
  try {
    const conversion = await job.running.done
    if (mine !== generation) return
    const focused = job.row.contains(document.activeElement)
    job.row.remove()
    uploaded(conversion)
    if (focused) byId('list-title').focus()
    announce(`${job.file.name} is uploaded and waits to be converted.`)
  } catch (error) {
    if (error instanceof Canceled || mine !== generation) return
    show(job, error instanceof SessionEnded ? 'Not uploaded' : 'Upload failed', null)
    find(job.row, '.error').textContent = message(error)
    find<HTMLElement>(job.row, '[data-action=retry]').hidden = !passing(error)
    setText(find(job.row, '[data-action=cancel]'), 'Remove')
  } finally {
    job.running = null
  }
}
