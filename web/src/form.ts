// Forms that ask the gateway for something.

import { find, message } from './dom'
import { Failed } from './request'

/** Does something once for each time that a form is sent, whatever is clicked meanwhile, and shows why it failed. */
export function onSubmit(form: HTMLFormElement, error: HTMLElement, work: () => Promise<void>): void {
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    void submit(form, error, work)
  })
}

async function submit(form: HTMLFormElement, error: HTMLElement, work: () => Promise<void>): Promise<void> {
  const button = find<HTMLButtonElement>(form, '[type=submit]')
  if (button.disabled) return
  button.disabled = true
  error.textContent = ''
  try {
    await work()
  } catch (failure) {
    error.textContent = message(failure)
    if (failure instanceof Failed && failure.status === 401) form.querySelector<HTMLInputElement>('[name=password]')?.select()
  } finally {
    button.disabled = false
  }
}
