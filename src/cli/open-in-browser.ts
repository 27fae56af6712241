import { spawn } from 'node:child_process';
import process from 'node:process';

/** What opens addresses on each system. Windows' `start` belongs to its shell, and takes a title first. */
const OPENERS: Readonly<Record<string, readonly [command: string, ...args: string[]]>> = {
  darwin: ['open'],
  win32: ['cmd', '/c', 'start', '""'],
};

/**
 * Opens an address of this machine in the user's browser. Where there is none nothing happens: the address was printed.
 * @param address of our own making; it goes to a command
 */
export function openInBrowser(address: string): void {
  const [command, ...args] = OPENERS[process.platform] ?? ['xdg-open'];
  const child = spawn(command, [...args, address], { stdio: 'ignore', detached: true });
  child.on('error', () => undefined);
  child.unref();
}
