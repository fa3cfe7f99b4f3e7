// Keys by which scripts act for the account.

import * as api from './api'
import { byId, find, fromTemplate, message } from './dom'
import { onSubmit } from './form'
import { date } from './words'

export function setUp(): void {
  const form = byId<HTMLFormElement>('key-form')
  const made = byId<HTMLInputElement>('key-made')
  onSubmit(form, byId('key-error'), async () => {
    const key = await api.addKey(byId<HTMLInputElement>('key-name').value.trim())
    form.reset()
    made.value = key.key
    byId('key-new').hidden = false
    made.select()
    await show(true)
  })
  byId('key-copy').addEventListener('click', () => {
    made.select()
    // Pages that came unencrypted from elsewhere have no clipboard; there it is selected, to be copied by hand.
    void navigator.clipboard?.writeText(made.value).then(() => (byId('key-copy').textContent = 'Copied'))
  })
}

/** Lists the keys. One that has just been made is shown until the dialog is opened anew. */
export async function show(keepNew = false): Promise<void> {
  if (!keepNew) {
    byId('key-new').hidden = true
    byId<HTMLInputElement>('key-made').value = ''
  }
  byId('key-copy').textContent = 'Copy'
  try {
    byId('key-list').replaceChildren(...(await api.keys()).map(row))
  } catch (error) {
    byId('key-error').textContent = message(error)
  }
}

function row(key: api.Key): HTMLElement {
  const item = fromTemplate('key-row')
  find(item, '.name').textContent = key.name || key.hint + '…'
  find(item, '.used').textContent = key.last_used_at ? `used ${date(key.last_used_at)}` : `made ${date(key.created_at)}, never used`
  const button = find<HTMLButtonElement>(item, '.remove')
  button.setAttribute('aria-label', `Remove ${key.name || key.hint}`)
  button.addEventListener('click', () => {
    button.disabled = true
    api.removeKey(key.id).then(
      () => show(true),
      (error) => {
        button.disabled = false
        byId('key-error').textContent = message(error)
      },
    )
  })
  return item
}
