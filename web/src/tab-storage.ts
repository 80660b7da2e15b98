// Keeps texts for the life of this tab: through a reload where the browser allows storage, else
// until the page goes.

const memory = new Map<string, string>();

export function readTab(key: string): string | undefined {
  try {
    return sessionStorage.getItem(key) ?? memory.get(key);
  } catch (error) {
    console.info('This browser keeps nothing for a tab:', error);
    return memory.get(key);
  }
}

export function writeTab(key: string, text: string): void {
  memory.set(key, text);
  try {
    sessionStorage.setItem(key, text);
  } catch (error) {
    console.info('This browser keeps nothing for a tab:', error);
  }
}
