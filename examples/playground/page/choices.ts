/**
 * A group of radio buttons whose choice outlives the page. Calls `apply` at once and at each
 * change.
 */
export function rememberedChoice(name: string, apply: (value: string) => void): void {
  const key = `playground-${name}`;
  const inputs = [...document.querySelectorAll<HTMLInputElement>(`input[name="${name}"]`)];
  const remembered = inputs.find(({ value }) => value === localStorage.getItem(key));
  if (remembered) remembered.checked = true;
  for (const input of inputs) {
    input.addEventListener('change', () => {
      localStorage.setItem(key, input.value);
      apply(input.value);
    });
  }
  apply(inputs.find(({ checked }) => checked)?.value ?? '');
}
