// Plays MP3s, one at a time, each in its row.

import { link, type Conversion } from './api'
import { find } from './dom'

/** Opens the row's player and begins to play. */
export async function play(row: HTMLElement, conversion: Conversion): Promise<void> {
  const place = find<HTMLElement>(row, '.player')
  let audio = place.querySelector('audio')
  if (!audio) {
    const src = await link(conversion.id)
    audio = place.querySelector('audio') ?? make(place, src, conversion)
  }
  for (const other of document.querySelectorAll('audio')) if (other !== audio) other.pause()
  place.hidden = false
  audio.focus()
  try {
    await audio.play()
  } catch (error) {
    // Everything else is no trouble: the browser wants another click, which the controls are for.
    if (!audio.error && !(error instanceof DOMException && error.name === 'NotSupportedError')) return
    stop(row)
    throw new Error('The MP3 cannot be played here. Try to download it.')
  }
}

function make(place: HTMLElement, src: string, conversion: Conversion): HTMLAudioElement {
  const audio = document.createElement('audio')
  audio.controls = true
  audio.preload = 'metadata'
  audio.src = src
  audio.setAttribute('aria-label', `MP3 of ${conversion.video.name}`)
  // A link that no longer works is thrown away; pressing play makes another.
  audio.addEventListener('error', () => {
    audio.remove()
    place.hidden = true
  })
  audio.addEventListener('play', () => {
    for (const other of document.querySelectorAll('audio')) if (other !== audio) other.pause()
  })
  place.append(audio)
  return audio
}

/** Closes the row's player and lets go of the MP3. */
export function stop(row: HTMLElement): void {
  const place = find<HTMLElement>(row, '.player')
  const audio = place.querySelector('audio')
  place.hidden = true
  if (!audio) return
  audio.pause()
  audio.remove()
}
