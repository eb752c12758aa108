import { part } from './dom.js';

/**
 * The dialog of a step-up. Resolves to `true` once `confirm` has accepted a password, and to
 * `false` when the dialog is closed before.
 */
export function passwordDialog(root: HTMLElement, name: string) {
  const dialog = part(root, 'dialog', HTMLDialogElement);
  const form = part(root, 'confirm', HTMLFormElement);
  const wrong = part(root, 'wrong', HTMLElement);
  const cancel = part(root, 'cancel', HTMLButtonElement);
  dialog.ariaLabel = `Password for ${name}`;
  cancel.addEventListener('click', () => dialog.close('cancel'));

  return (confirm: (password: string) => Promise<unknown>): Promise<boolean> =>
    new Promise((resolve) => {
      const submit = async (event: SubmitEvent): Promise<void> => {
        event.preventDefault();
        try {
          await confirm(String(new FormData(form).get('password')));
          dialog.close('confirmed');
        } catch (error) {
          wrong.textContent = error instanceof Error ? error.message : String(error);
          form.querySelector('input')?.select();
        }
      };
      form.addEventListener('submit', submit);
      dialog.addEventListener(
        'close',
        () => {
          form.removeEventListener('submit', submit);
          resolve(dialog.returnValue === 'confirmed');
        },
        { once: true },
      );
      form.reset();
      wrong.textContent = '';
      dialog.returnValue = '';
      dialog.showModal();
    });
}
