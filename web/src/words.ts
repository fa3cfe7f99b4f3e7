// Numbers and states as people read them.

import type { Conversion } from './api'

export function size(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB']
  let unit = 0
  while (bytes >= 1000 && unit < units.length - 1) {
    bytes /= 1000
    unit++
  }
  return `${unit === 0 || bytes >= 100 ? Math.round(bytes) : bytes.toFixed(1)} ${units[unit]}`
}

export function duration(seconds: number): string {
  const whole = Math.round(seconds)
  const two = (n: number) => String(n).padStart(2, '0')
  const hours = Math.floor(whole / 3600)
  const minutes = Math.floor(whole / 60) % 60
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`
}

/** Reads 12.5, 1:02 or 01:02:03.5; null if nothing is there. */
export function seconds(time: string): number | null {
  if (!time.trim()) return null
  return time.split(':').reduce((sum, part) => sum * 60 + Number(part), 0)
}

export function date(time: string): string {
  return new Date(time).toLocaleDateString(undefined, { day: 'numeric', month: 'long', year: 'numeric' })
}

export function days(seconds: number): string {
  const whole = Math.round(seconds / 86400)
  return whole < 2 ? duration(seconds) : `${whole} days`
}

export function percent(part: number): string {
  return `${Math.floor(Math.min(Math.max(part, 0), 1) * 100)}%`
}

export function status(c: Conversion): string {
  switch (c.status) {
    case 'queued':
      return c.queue_position && c.queue_position > 1 ? `Waiting, ${c.queue_position - 1} ahead` : 'Waiting'
    case 'converting':
      return `Converting ${percent(c.progress)}`
    case 'completed':
      return 'Ready'
    case 'failed':
      return 'Failed'
    case 'canceled':
      return 'Canceled'
  }
}

/** What there is to know about a conversion besides its name and state, on one line. */
export function facts(c: Conversion): string {
  if (!c.mp3) return [size(c.video.size), c.video.duration && duration(c.video.duration)].filter(Boolean).join(' · ')
  const parts = [
    duration(c.mp3.duration),
    size(c.mp3.size),
    `${Math.round(c.mp3.bitrate / 1000)} kbit/s`,
    c.mp3.channels === 1 ? 'mono' : 'stereo',
  ]
  if (c.mp3.copied) parts.push('copied without loss')
  if (c.expires_at) parts.push(`kept until ${new Date(c.expires_at).toLocaleDateString(undefined, { day: 'numeric', month: 'long' })}`)
  return parts.join(' · ')
}
